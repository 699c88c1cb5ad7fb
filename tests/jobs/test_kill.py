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
    """Every acknowledged job has its effects exactly once, and nobody sees an effect that was not asked for."""
    command = [sys.executable, "-m", "tests.jobs.torture", f"--jobs={JOBS}", f"--kills={KILLS}"]
    command += [f"--seed={SEED}", f"--limit={LIMIT}", f"--ledger={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("shared", "."))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["killed"] == KILLS, done.stderr
    assert found["asked"] == found["acknowledged"] == JOBS
    assert {name: found[name] for name in ("lost", "twice", "unexpected")} == {"lost": 0, "twice": 0, "unexpected": 0}
    assert found["effects"] == JOBS, found
    assert found["attempts"] >= JOBS
