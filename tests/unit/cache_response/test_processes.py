"""Collapsed forwarding over processes that share a store, one of which dies while it leads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from lanner.clock import SystemClock

ROOT = Path(__file__).resolve().parents[3]
MODULE = "tests.unit.cache_response.crowd"
PROCESSES = 4
THREADS = 16
LEASE_MS = 700


def start(folder: Path, log: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.unit.cache_response.crowd",
            folder,
            log,
            str(THREADS),
            str(LEASE_MS),
            str(seconds),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT)])},
        stdout=subprocess.PIPE,
        text=True,
    )


def calls(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def test_many_processes_are_one_call(tmp_path: Path) -> None:
    """Whoever comes first asks; all the others, in all processes, get what it stored."""
    log = tmp_path / "log"
    crowd = [start(tmp_path / "store", log, 0.3) for _ in range(PROCESSES)]
    answers = [process.communicate(timeout=60)[0].split() for process in crowd]
    assert answers == [["200"] * THREADS] * PROCESSES
    assert len(calls(log)) == 1


def test_a_leader_that_is_killed_costs_one_more_call(tmp_path: Path) -> None:
    """Its lease ends within everybody's wait, and one takes over."""
    log = tmp_path / "log"
    leader = start(tmp_path / "store", log, 3600)
    while not calls(log):
        assert leader.poll() is None
        SystemClock.sleep(0.01)
    crowd = [start(tmp_path / "store", log, 0.3) for _ in range(PROCESSES - 1)]
    leader.send_signal(signal.SIGKILL)
    leader.communicate()
    answers = [process.communicate(timeout=60)[0].split() for process in crowd]
    assert answers == [["200"] * THREADS] * (PROCESSES - 1)
    assert len(calls(log)) == 2
