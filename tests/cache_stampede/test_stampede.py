"""A thousand readers in four processes meet a cold key: the computation is called once, and twice if its caller dies.

Real processes, a real Redis and real files; calls are counted outside, in a file that every call appends to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cache.servers import HOST, start_redis

ROOT = Path(__file__).parents[2]
PROCESSES, THREADS = 4, 250
FEW = 10
"""Threads where each calls the computation itself."""
DEADLINE_S = 120


class Crowd:
    """Reader processes that stand ready."""

    def __init__(self, kind: str, url: str, log: Path, mode: str, threads: int) -> None:
        log.touch()
        self.log = log
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])}
        command = [
            sys.executable,
            str(ROOT / "tests/cache_stampede/reader.py"),
            kind,
            url,
            str(threads),
            str(log),
            mode,
        ]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(PROCESSES)
        ]

    def begin(self) -> Crowd:
        for each in self.processes:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in self.processes:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        return self

    def kill_the_leader(self) -> None:
        """SIGKILL for the process whose thread is in the computation."""
        deadline = time.monotonic() + DEADLINE_S
        while not self.calls():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        leader = int(self.calls()[0].partition("-")[0])
        os.kill(leader, signal.SIGKILL)
        killed = next(each for each in self.processes if each.pid == leader)
        killed.communicate()
        self.processes.remove(killed)

    def answers(self) -> Counter[str]:
        """How often each answer was given."""
        got: Counter[str] = Counter()
        for each in self.processes:
            out, _ = each.communicate(timeout=DEADLINE_S)
            got.update(json.loads(out))
        return got

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def end(self) -> None:
        for each in self.processes:
            each.kill()
            each.communicate()


@pytest.fixture(params=["file", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A cold shared store, patient enough for a busy machine."""
    if request.param == "file":
        yield f"file://{tmp_path}/cache?budget_ms=60000"
        return
    server = start_redis(tmp_path)
    yield f"redis://{HOST}:{server.port}/0?budget_ms=60000"
    server.stop()


@pytest.fixture
def crowd(url: str, tmp_path: Path) -> Iterator[list[Crowd]]:
    """Crowds made by a test are ended after it."""
    made: list[Crowd] = []
    yield made
    for each in made:
        each.end()


@pytest.mark.parametrize("kind", ["function", "response"])
def test_a_thousand_cold_reads_are_one_call(kind: str, url: str, tmp_path: Path, crowd: list[Crowd]) -> None:
    """Everybody gets what the one call made."""
    crowd.append(Crowd(kind, url, tmp_path / "log", "one", THREADS))
    answers = crowd[0].begin().answers()
    calls = crowd[0].calls()
    assert len(calls) == 1
    assert answers == {calls[0]: PROCESSES * THREADS}


@pytest.mark.parametrize("kind", ["function", "response"])
def test_a_killed_leader_costs_one_more_call(kind: str, url: str, tmp_path: Path, crowd: list[Crowd]) -> None:
    """Its lease expires, one of those who wait follows, and all others get that answer."""
    crowd.append(Crowd(kind, url, tmp_path / "log", "dies", THREADS))
    crowd[0].begin().kill_the_leader()
    answers = crowd[0].answers()
    calls = crowd[0].calls()
    assert len(calls) == 2
    assert answers == {calls[1]: (PROCESSES - 1) * THREADS}


@pytest.mark.parametrize(("kind", "mode"), [("function", "raises"), ("response", "raises"), ("response", "private")])
def test_what_cannot_be_kept_is_shared_with_nobody(
    kind: str, mode: str, url: str, tmp_path: Path, crowd: list[Crowd]
) -> None:
    """Every reader has an answer or exception of its own call."""
    crowd.append(Crowd(kind, url, tmp_path / "log", mode, FEW))
    answers = crowd[0].begin().answers()
    prefix = "LookupError: " if mode == "raises" else ""
    assert answers == Counter(f"{prefix}{call}" for call in crowd[0].calls())
    assert answers.total() == PROCESSES * FEW
