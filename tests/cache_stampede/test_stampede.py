"""A thousand readers in four processes meet a cold key: the computation is called once, and twice if its caller dies.

Real processes, a real Redis and real files; calls are counted outside, in a file that every call appends to. The
processes play one round after the other; one that was killed is replaced.
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
from typing import IO

import pytest

from tests.contract.cache.servers import HOST, start_redis

ROOT = Path(__file__).parents[2]
PROCESSES, THREADS = 4, 250
FEW = 10
"""Threads where each calls the computation itself."""
DEADLINE_S = 120


class Reader:
    """One process."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])}
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/cache_stampede/reader.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.pid = self._process.pid

    def say(self, line: str) -> None:
        self._stream(self._process.stdin).write(f"{line}\n")
        self._stream(self._process.stdin).flush()

    def hear(self) -> str:
        line: str = self._stream(self._process.stdout).readline()
        assert line, f"the reader ended with {self._process.wait()}"
        return line

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.communicate()

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream


class Crowd:
    """The processes of all rounds."""

    def __init__(self) -> None:
        self.readers = [Reader() for _ in range(PROCESSES)]

    def begin(self, kind: str, url: str, log: Path, mode: str, threads: int) -> Round:
        """Start a round: everybody stands ready, then everybody asks."""
        log.touch()
        terms = {"kind": kind, "url": url, "threads": threads, "log": str(log), "mode": mode}
        for each in self.readers:
            each.say(json.dumps(terms))
        for each in self.readers:
            assert each.hear() == "ready\n"
        for each in self.readers:
            each.say("go")
        return Round(self, log)

    def end(self) -> None:
        for each in self.readers:
            each.kill()


class Round:
    """One round that is played."""

    def __init__(self, crowd: Crowd, log: Path) -> None:
        self._crowd = crowd
        self._players = list(crowd.readers)
        self._log = log

    def kill_the_leader(self) -> None:
        """SIGKILL for the process whose thread is in the computation."""
        deadline = time.monotonic() + DEADLINE_S
        while not self.calls():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        pid = int(self.calls()[0].partition("-")[0])
        leader = next(each for each in self._players if each.pid == pid)
        leader.kill()
        self._players.remove(leader)
        self._crowd.readers.remove(leader)
        self._crowd.readers.append(Reader())

    def answers(self) -> Counter[str]:
        """How often each answer was given, once everybody has one."""
        got: Counter[str] = Counter()
        for each in self._players:
            got.update(json.loads(each.hear()))
        return got

    def calls(self) -> list[str]:
        return self._log.read_text().splitlines()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis, patient enough for a busy machine."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield f"redis://{HOST}:{server.port}/0?budget_ms=60000"
    server.stop()


@pytest.fixture(params=["file", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A cold shared store."""
    if request.param == "file":
        return f"file://{tmp_path}/cache?budget_ms=60000"
    return f"{request.getfixturevalue('redis')}&prefix={tmp_path.name}"


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    made = Crowd()
    yield made
    made.end()


@pytest.mark.parametrize("kind", ["function", "response"])
def test_a_thousand_cold_reads_are_one_call(kind: str, url: str, tmp_path: Path, crowd: Crowd) -> None:
    """Everybody gets what the one call made."""
    played = crowd.begin(kind, url, tmp_path / "log", "one", THREADS)
    answers = played.answers()
    calls = played.calls()
    assert len(calls) == 1
    assert answers == {calls[0]: PROCESSES * THREADS}


@pytest.mark.parametrize("kind", ["function", "response"])
def test_a_killed_leader_costs_one_more_call(kind: str, url: str, tmp_path: Path, crowd: Crowd) -> None:
    """Its lease expires, one of those who wait follows, and all others get that answer."""
    played = crowd.begin(kind, url, tmp_path / "log", "dies", THREADS)
    played.kill_the_leader()
    answers = played.answers()
    calls = played.calls()
    assert len(calls) == 2
    assert answers == {calls[1]: (PROCESSES - 1) * THREADS}


@pytest.mark.parametrize(("kind", "mode"), [("function", "raises"), ("response", "raises"), ("response", "private")])
def test_what_cannot_be_kept_is_shared_with_nobody(
    kind: str, mode: str, url: str, tmp_path: Path, crowd: Crowd
) -> None:
    """Every reader has an answer or exception of its own call."""
    played = crowd.begin(kind, url, tmp_path / "log", mode, FEW)
    answers = played.answers()
    prefix = "LookupError: " if mode == "raises" else ""
    assert answers == Counter(f"{prefix}{call}" for call in played.calls())
    assert answers.total() == PROCESSES * FEW
