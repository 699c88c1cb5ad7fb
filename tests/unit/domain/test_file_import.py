"""The import under failure: wherever an attempt dies, every row is one user or one finding, and the results say so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.files import arrivals, objects, store
from domain.files.model import File
from lanner.cache import default
from lanner.cache.tags import TagIndex
from lanner.cache.url import open_backend
from lanner.clock import ManualClock
from lanner.jobs.producer import Producer
from lanner.jobs.status import JobStatus
from lanner.jobs.worker import Worker
from tests.architecture.source_tree import ROOT
from tests.conftest import USERS_TABLE, scan
from tests.functions.dying_storage import DyingStorage, Killed
from tests.functions.file_jobs import arrived, messages

FILE_ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
TENANT = "anonymous"
NOW = 1_795_405_931.0
LEASE_S = 130.0
"""A little more than the longest lease."""

pytestmark = pytest.mark.usefixtures("files_bucket")


class Import:
    """A file that has arrived, and the message of its job."""

    def __init__(self, content: bytes) -> None:
        self.clock = ManualClock(NOW)
        store.insert(File(FILE_ID, TENANT, "users.csv", "text/csv", "2026-11-23T03:52:11.123Z", 4_000_000_000))
        objects.put(f"uploads/{FILE_ID}", content, "text/csv")
        arrivals.accept_all(arrived(f"uploads/{FILE_ID}"), self.clock)
        self.records = messages()
        assert len(self.records) == 1

    def attempt(self) -> None:
        """One delivery of the message; a process that ends in it ends here."""
        worker = Worker(("domain.files.jobs",), clock=self.clock, random=lambda: 0.0)
        try:
            worker.handle({"Records": self.records})
        except Killed:
            return

    def finish(self) -> JobStatus:
        """Deliver it again, each time when the lease of a dead holder is over, until the job is finished."""
        for _ in range(6):
            self.clock.advance(LEASE_S)
            self.attempt()
            if self.status().finished:
                return self.status()
        raise AssertionError(self.status())

    def status(self) -> JobStatus:
        file = store.read(FILE_ID)
        assert file is not None
        return Producer(tenant=TENANT, clock=self.clock).status(file.job_id)


def rows() -> dict[str, int] | None:
    file = store.read(FILE_ID)
    assert file is not None
    return None if file.result is None else file.result.rows


def findings() -> list[tuple[int, str]]:
    """Line and column of every finding."""
    lines = objects.get(f"results/{FILE_ID}/errors.csv").decode().splitlines()[1:]
    cells = [line.split(",", 2) for line in lines]
    return [(int(line), column) for line, column, _ in cells if line]


def addresses() -> list[str]:
    """The address of every stored user, and every claim."""
    return sorted(item["email"]["S"] if "email" in item else item["pk"]["S"] for item in scan(USERS_TABLE))


def some_rows(count: int) -> bytes:
    """Rows of which every tenth is an address that occurred before, and every seventh is none at all."""
    lines = [b"given_name,email"]
    for number in range(count):
        name = "no address" if number % 7 == 6 else f"u{number - 1 if number % 10 == 9 else number}@example.com"
        lines.append(f"User {number},{name}".encode())
    return b"\n".join(lines)


CONTENT = some_rows(120)
EXPECTED_FINDINGS = sorted(
    (number + 2, "email")
    for number in range(120)
    # number 9 repeats 8, unless 8 is no address itself
    if number % 7 == 6 or (number % 10 == 9 and (number - 1) % 7 != 6)
)
EXPECTED_USERS = 120 - len(EXPECTED_FINDINGS)
CHUNKS = 2


def check() -> None:
    assert rows() == {"read": 120, "created": EXPECTED_USERS, "failed": len(EXPECTED_FINDINGS)}
    assert findings() == EXPECTED_FINDINGS
    stored = addresses()
    assert len(stored) == len(set(stored)) == 2 * EXPECTED_USERS


def test_a_file_of_several_chunks() -> None:
    """Rows that fail are in the order of their lines, whichever way they were found."""
    importing = Import(CONTENT)
    importing.attempt()
    assert importing.status().state == "succeeded"
    check()


@pytest.mark.parametrize("mode", DyingStorage.MODES)
@pytest.mark.parametrize("at", range(1, 13))
def test_wherever_an_attempt_dies_nothing_is_lost_or_done_twice(
    at: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a call of the storage, after it, or with its answer lost: the next attempts end with the same result."""
    importing = Import(CONTENT)
    with monkeypatch.context() as environment:
        DyingStorage(environment, at, mode)
        importing.attempt()
    if not importing.status().finished:
        assert importing.finish().state == "succeeded"
    check()


@pytest.mark.parametrize("at", range(2, 9))
def test_an_attempt_that_slept_changes_nothing(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wakes up before its call number `at`, when another attempt has done all the work."""
    importing = Import(CONTENT)

    def meanwhile() -> None:
        importing.clock.advance(LEASE_S)
        importing.attempt()
        assert importing.status().state == "succeeded"

    with monkeypatch.context() as environment:
        DyingStorage(environment, at, "pause", meanwhile)
        importing.attempt()
    assert importing.status().attempt <= 2
    check()


def test_many_findings_are_kept_in_objects_across_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a checkpoint holds, written by two attempts: each finding is there once."""
    content = b"given_name,email\n" + b"\n".join(b"Somebody,no address %d" % number for number in range(2_000))
    importing = Import(content)
    with monkeypatch.context() as environment:
        DyingStorage(environment, 6, "before")
        importing.attempt()
    assert importing.finish().attempt == 2
    assert findings() == [(number + 2, "email") for number in range(2_000)]
    assert rows() == {"read": 2_000, "created": 0, "failed": 2_000}


def test_findings_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list ends and says how many there are besides."""
    monkeypatch.setattr("domain.files.findings.LISTED_MAX", 10)
    importing = Import(b"given_name,email\n" + b"x,y\n" * 25)
    importing.attempt()
    lines = objects.get(f"results/{FILE_ID}/errors.csv").decode().splitlines()
    assert len(lines) == 12
    assert lines[-1] == ",,15 more are not listed,"


def test_progress_is_told_by_bytes() -> None:
    """The note says what was made; the job ends at 100."""
    importing = Import(CONTENT)
    importing.attempt()
    status = importing.status()
    assert (status.progress, status.note) == (100, f"{EXPECTED_USERS} created, {len(EXPECTED_FINDINGS)} failed")


# VmHWM and not ru_maxrss: that one begins with the size of the process that forked.
CHILD = """
import json, sys
from lanner.jobs.worker import Worker
Worker(("domain.files.jobs",)).handle({"Records": json.loads(sys.argv[1])})
print("peak", next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


class Watcher:
    """Another environment's view of the tag `users`, over a cache in files that both share."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.url = f"file://{folder}/cache?budget_ms=20000"
        environment.setenv("LANNER_CACHE", self.url)
        environment.setenv("LANNER_CACHE_COHERENCE_MS", "0")
        default.close()
        self._index = TagIndex(open_backend(self.url), cache_for=0)
        self._seen = self._index.current(["users"])

    def was_told(self) -> bool:
        """Whether somebody has invalidated since this was last asked."""
        verdict, self._seen = self._index.judge(self._seen), self._index.current(["users"])
        return verdict == "gone"


class Watched(DyingStorage):
    """Notes at each call whether the watcher had been told by then, and which calls commit a chunk of users."""

    def __init__(self, environment: pytest.MonkeyPatch, watcher: Watcher | None = None) -> None:
        super().__init__(environment)
        self._watcher = watcher
        self.told: list[bool] = []
        self.chunks: list[int] = []

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        if self._watcher is not None:
            self.told.append(self._watcher.was_told())
        if any(item.get("Put", {}).get("TableName") == USERS_TABLE for item in payload.get("TransactItems", ())):
            self.chunks.append(len(self.calls))
        return super().call(operation, payload, **options)


class DiesAfterChunk(Watched):
    """The process ends when a chunk has been committed, before anybody hears of it."""

    def __init__(self, environment: pytest.MonkeyPatch, chunk: int) -> None:
        super().__init__(environment)
        self._chunk = chunk

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        answer = super().call(operation, payload, **options)
        if len(self.chunks) == self._chunk:
            self._ended = True
            raise Killed
        return answer


@pytest.fixture
def watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    """A cache that is another process's as well."""
    yield Watcher(tmp_path, monkeypatch)
    default.close()


def test_each_chunk_is_told_before_the_next_call_of_the_storage(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a chunk that made users what shows them is out of date, however long the rest of the file takes."""
    importing = Import(CONTENT)
    with monkeypatch.context() as environment:
        storage = Watched(environment, watcher)
        importing.attempt()
    told = [*storage.told, watcher.was_told()]
    assert len(storage.chunks) == CHUNKS
    assert [at for at, each in enumerate(told) if each] == [at + 1 for at in storage.chunks]
    check()


@pytest.mark.parametrize("chunk", [1, 2])
def test_rows_of_a_killed_attempt_are_told_by_the_next_one(
    chunk: int, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between committing a chunk, the last one too, and telling: the next attempt begins by telling."""
    importing = Import(CONTENT)
    monkeypatch.setenv("LANNER_CACHE", "redis://127.0.0.1:1")  # a dead process tells nobody anything
    default.close()
    with monkeypatch.context() as environment:
        DiesAfterChunk(environment, chunk)
        importing.attempt()
    assert not watcher.was_told()
    assert addresses()

    monkeypatch.setenv("LANNER_CACHE", watcher.url)
    default.close()
    with monkeypatch.context() as environment:
        storage = Watched(environment, watcher)
        assert importing.finish().state == "succeeded"
    assert len(storage.chunks) == CHUNKS - chunk
    assert storage.told.count(True) == 1 + len(storage.chunks)
    assert all(at >= storage.told.index(True) for at in storage.chunks)
    check()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_imports_needs_little_memory() -> None:
    """30 MB, mostly findings: a fresh process stays below 128 MB, boto3 and everything else included."""
    wide = b"Somebody,%s,no address,en\n" % (b"x" * 190)
    good = b"".join(b"Ana,,ana%d@example.com,pt\n" % number for number in range(200))
    importing = Import(b"given_name,family_name,email,locale\n" + good + wide * (30_000_000 // len(wide)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT / "functions")])}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, orjson.dumps(importing.records).decode()],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = dict(line.split() for line in done.stdout.splitlines() if line.startswith("peak"))
    counted = rows()
    assert counted is not None
    assert counted["created"] == 200
    assert counted["failed"] == 30_000_000 // len(wide)
    assert int(found["peak"]) < 128, found
