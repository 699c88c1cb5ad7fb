"""Processes that are killed at random lose no job and do none twice: 300 jobs here, 5,000 with `make torture`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import ROOT

JOBS, KILLS = (int(each) for each in os.environ.get("LANNER_TORTURE", "300,30").split(","))
SEED = int(os.environ.get("LANNER_TORTURE_SEED", "1"))
LIMIT = 120 + JOBS
"""Seconds after which the torture gives up; what is not finished then counts as lost."""


def test_killed_processes_lose_nothing_and_do_nothing_twice(cloud: str, tmp_path: Path) -> None:
    """Asked for over HTTP, every acknowledged job has its effects exactly once, and there is none nobody asked for."""
    command = [sys.executable, "-m", "tests.jobs.torture", f"--jobs={JOBS}", f"--kills={KILLS}"]
    command += [f"--seed={SEED}", f"--limit={LIMIT}"]
    paths = os.pathsep.join(str(ROOT / each) for each in ("shared", "."))
    environment = {**os.environ, "PYTHONPATH": paths, "LANNER_TORTURE_LEDGER": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["killed"] == KILLS, (found, done.stderr)
    assert found["asked"] == found["acknowledged"] == JOBS, found
    assert found["refused"] == [] and found["answers_dropped"] > 0 and found["woken_after_their_lease"] > 0, found
    assert {name: found[name] for name in ("lost", "twice", "unexpected")} == {"lost": 0, "twice": 0, "unexpected": 0}
    assert found["effects"] == JOBS, found
    assert found["attempts"] >= JOBS
