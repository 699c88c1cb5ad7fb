"""The file tier: several processes, torn files, room, and disks that fail."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lanner.cache import file_lock
from lanner.cache.errors import CacheBudgetSpent, CacheConfigError, CacheUnavailable
from lanner.cache.file import SHARDS, FileBackend
from lanner.clock import ManualClock

ROOT = Path(__file__).resolve().parents[3]


def _start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "shared")},
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def _finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return answers


def _entries(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file() and each.suffix == "" and each.name != ".lock"]


def test_processes_lose_no_count(tmp_path: Path) -> None:
    """Four processes count to four hundred together."""
    program = """
import sys
from lanner.cache.file import FileBackend
cache = FileBackend(sys.argv[1], budget_ms=60_000)
for _ in range(100):
    cache.increment("n")
"""
    _finish([_start(program, str(tmp_path)) for _ in range(4)])
    found = FileBackend(str(tmp_path)).get("n")
    assert found is not None
    assert found.value == b"400"


def test_one_process_adds_and_one_has_the_lease(tmp_path: Path) -> None:
    """Of five that try at once."""
    program = """
import os, sys
from lanner.cache.file import FileBackend
cache = FileBackend(sys.argv[1], budget_ms=60_000)
me = str(os.getpid())
added = sum(cache.add(f"k{at}", me.encode()) for at in range(30))
print(added, sum(cache.acquire(f"k{at}", me, 60) for at in range(30)))
"""
    answers = _finish([_start(program, str(tmp_path)) for _ in range(5)])
    assert sum(int(each.split()[0]) for each in answers) == 30
    assert sum(int(each.split()[1]) for each in answers) == 30


def test_processes_that_write_read_and_clear_at_once_see_whole_values(tmp_path: Path) -> None:
    """Nobody reads a part of a value, nobody fails, nothing is left behind."""
    program = """
import random, sys
from lanner.cache.file import FileBackend
cache = FileBackend(sys.argv[1], budget_ms=60_000)
draw = random.Random(int(sys.argv[2]))
for at in range(150):
    key = f"k{draw.randrange(10)}"
    cache.set(key, bytes((draw.randrange(256),)) * draw.randrange(1, 20_000))
    entry = cache.get(f"k{draw.randrange(10)}")
    assert entry is None or len(set(entry.value)) == 1
    if at % 40 == 0:
        cache.clear()
print(cache.unreadable)
"""
    assert _finish([_start(program, str(tmp_path), str(seed)) for seed in range(3)]) == ["0"] * 3
    cache = FileBackend(str(tmp_path))
    cache.clear()
    assert _entries(tmp_path) == []
    assert cache.statistics()["bytes"] == 0
    assert not list(tmp_path.rglob("*.new"))


def test_a_lock_ends_with_its_process_and_waiting_for_it_is_bounded(tmp_path: Path) -> None:
    """A holder that hangs costs the budget; a holder that was killed costs nothing."""
    cache = FileBackend(str(tmp_path), budget_ms=5)
    cache.set("key", b"v")
    program = """
import sys
from lanner.cache.file import FileBackend
cache = FileBackend(sys.argv[1])
_, file = cache._place("key")
with cache._locked(file, "test"):
    print("locked", flush=True)
    sys.stdin.read()
"""
    holder = _start(program, str(tmp_path))
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(CacheBudgetSpent, match="set"):
            cache.set("key", b"w")
        assert cache.get("key") is not None
    finally:
        holder.kill()
        holder.communicate()
    FileBackend(str(tmp_path)).set("key", b"w")


def test_many_keys_share_one_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`set_many` and `delete_many` wait for the budget once, in however many sixteenths their keys are."""
    ends: list[float] = []
    take = file_lock.take

    def noted(folder: str, mode: int, end: float, *arguments: Any) -> int | None:
        ends.append(end)
        return take(folder, mode, end, *arguments)

    monkeypatch.setattr(file_lock, "take", noted)
    cache = FileBackend(str(tmp_path))
    cache.set_many({f"k{at}": b"v" for at in range(40)})
    assert (len(ends), len(set(ends))) == (40, 1)
    ends.clear()
    assert cache.delete_many([f"k{at}" for at in range(40)]) == 40
    assert (len(ends), len(set(ends))) == (40, 1)


def test_who_is_refused_a_lease_takes_no_lock(tmp_path: Path) -> None:
    """While somebody else works in the shard, a lease that is held is refused at once, and a free one waited for."""
    cache = FileBackend(str(tmp_path), budget_ms=1)
    assert cache.acquire("key", "holder", 60)
    (folder,) = (each.parent for each in tmp_path.rglob("*.lease"))
    lock = file_lock.take(str(folder), 0o600, file_lock.until(1.0), "test")
    assert lock is not None
    try:
        assert cache.acquire("key", "other", 60) is False
        with pytest.raises(CacheBudgetSpent):
            cache.acquire("key", "holder", 60)
        assert file_lock.take(str(folder), 0o600, file_lock.until(60.0), "test", lambda: True) is None
    finally:
        os.close(lock)
    assert cache.acquire("key", "holder", 60)


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "foreign"])
def test_a_torn_file_is_a_miss_and_goes(tmp_path: Path, harm: str) -> None:
    """Counted, removed, and the next write works."""
    cache = FileBackend(str(tmp_path))
    cache.set("key", b"value" * 100)
    (file,) = _entries(tmp_path)
    content = file.read_bytes()
    flipped = content[:-3] + bytes((content[-3] ^ 1,)) + content[-2:]
    harmed = {"cut": content[:-1], "flip": flipped, "empty": b"", "foreign": b"<html>"}
    file.write_bytes(harmed[harm])
    assert cache.get("key") is None
    assert cache.statistics()["unreadable"] == 1
    assert not file.exists()
    cache.set("key", b"again")
    assert cache.get("key") is not None


def test_two_keys_with_one_file_name_are_told_apart(tmp_path: Path) -> None:
    """The whole name is in the file."""
    cache = FileBackend(str(tmp_path))
    cache.set("one", b"1")
    cache.set("two", b"2")
    _, one = cache._place("one")
    _, two = cache._place("two")
    shutil.copy(one, two)
    assert cache.get("two") is None
    assert cache.get("one") is not None


def test_bytes_are_bounded_and_what_was_read_stays(tmp_path: Path) -> None:
    """The oldest go; a read makes an entry young again."""
    clock = ManualClock()
    cache = FileBackend(str(tmp_path), max_bytes=SHARDS * 4096, clock=clock)
    cache.set("kept", b"x" * 100)
    for at in range(600):
        clock.advance(11)
        cache.set(f"k{at}", b"x" * 500)
        assert cache.get("kept") is not None, at
    used = sum(each.stat().st_size for each in _entries(tmp_path))
    assert used <= SHARDS * 4096
    assert cache.statistics()["bytes"] == used
    assert cache.statistics()["evictions"] > 400
    assert cache.get("k599") is not None


def test_an_entry_too_large_is_refused(tmp_path: Path) -> None:
    """And what was there is gone."""
    cache = FileBackend(str(tmp_path), max_bytes=SHARDS * 4096)
    cache.set("key", b"old")
    cache.set("key", b"x" * 4096)
    assert cache.get("key") is None
    assert cache.add("key", b"x" * 4096) is False
    assert cache.statistics()["refused"] == 2


def test_what_a_killed_writer_left_goes_when_room_is_made(tmp_path: Path) -> None:
    """Half-written files and leases that are over do not pile up."""
    clock = ManualClock()
    cache = FileBackend(str(tmp_path), max_bytes=SHARDS * 4096, clock=clock)
    for at in range(50):
        cache.acquire(f"k{at}", "token", 5)
    clock.advance(6)
    for shard in tmp_path.iterdir():
        (shard / "abc.1-ff.new").write_bytes(b"half")
    for at in range(600):
        cache.set(f"k{at}", b"x" * 500)
    assert not list(tmp_path.rglob("*.new"))
    assert not list(tmp_path.rglob("*.lease"))


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """Reads are misses meanwhile."""
    cache = FileBackend(str(tmp_path / "cache"))
    cache.set("key", b"v")
    shutil.rmtree(tmp_path / "cache")
    assert cache.get("key") is None
    assert cache.delete("key") is False
    assert list(cache.keys()) == []
    cache.set("key", b"v")
    assert cache.get("key") is not None


def test_a_place_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    """Never an error of the operating system's."""
    (tmp_path / "file").write_bytes(b"")
    cache = FileBackend(str(tmp_path / "file"))
    assert cache.get("key") is None
    for write in (
        lambda: cache.set("key", b"v"),
        lambda: cache.add("key", b"v"),
        lambda: cache.increment("key"),
        lambda: cache.acquire("key", "token", 5),
        lambda: cache.delete("key"),
        lambda: cache.touch("key", 5),
    ):
        with pytest.raises(CacheUnavailable, match="file"):
            write()


def test_a_full_disk_is_unavailable_and_the_old_entry_stays(tmp_path: Path) -> None:
    """A process that may write no more than a kilobyte stands for a disk without room."""
    program = """
import resource, sys
from lanner.cache.errors import CacheUnavailable
from lanner.cache.file import FileBackend
cache = FileBackend(sys.argv[1])
cache.set("key", b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
try:
    cache.set("key", b"x" * 5000)
except CacheUnavailable:
    print(cache.get("key").value.decode())
"""
    assert _finish([_start(program, str(tmp_path))]) == ["old"]
    assert not list(tmp_path.rglob("*.new"))


class SmallDisk(FileBackend):
    """On a disk with room for so many bytes."""

    room = 0

    def _write(self, file: str, content: bytes) -> None:
        taken = sum(each.stat().st_size for each in Path(self.path).rglob("*") if each.is_file())
        if taken + len(content) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        super()._write(file, content)


def test_a_disk_that_others_fill_loses_the_oldest_and_not_the_newest(tmp_path: Path) -> None:
    """What has ended counts as room too; where nothing of ours can go it is unavailable, and what was there stays."""
    clock = ManualClock()
    cache = SmallDisk(str(tmp_path), clock=clock)
    cache.room = 200_000
    for number in range(600):
        clock.advance(1)
        cache.set(f"key{number}", b"x" * 1000, 1_000_000)
        assert cache.get(f"key{number}") is not None
    assert cache.evictions > 400
    cache.room = 500
    with pytest.raises(CacheUnavailable, match="No space"):
        cache.set("key599", b"y" * 1000)
    found = cache.get("key599")
    assert found is not None
    assert found.value == b"x" * 1000


def test_files_are_for_this_user_alone(tmp_path: Path) -> None:
    """A shared /tmp is everybody's."""
    cache = FileBackend(str(tmp_path / "cache"))
    cache.set("key", b"v")
    cache.acquire("key", "token", 5)
    for each in (tmp_path / "cache").rglob("*"):
        assert each.stat().st_mode & 0o077 == 0


def test_room_for_nothing_is_an_error_when_made(tmp_path: Path) -> None:
    """Configuration fails at once."""
    with pytest.raises(CacheConfigError, match="max_bytes"):
        FileBackend(str(tmp_path), max_bytes=1)


@pytest.mark.parametrize("what", ["pipe", "link", "device", "folder", "huge"])
def test_what_is_no_file_of_ours_is_a_miss_and_holds_nobody_up(tmp_path: Path, what: str) -> None:
    """Somebody else made it in a folder that both may write to; what a link names is neither read nor written."""
    cache, theirs = FileBackend(str(tmp_path / "cache")), tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    cache.set("key", b"value")
    (entry,) = _entries(tmp_path / "cache")
    lease = entry.with_name(f"{entry.name}.lease")
    for file in (entry, lease):
        file.unlink(missing_ok=True)
        if what == "pipe":
            os.mkfifo(file)
        elif what == "folder":
            file.mkdir()
        elif what == "huge":
            file.touch()
            os.truncate(file, 2**40)
        else:
            file.symlink_to("/dev/zero" if what == "device" else theirs)
    assert cache.get("key") is None
    assert list(cache.keys()) == []
    assert cache.exists("key") is False
    if what == "folder":
        with pytest.raises(CacheUnavailable):
            cache.set("key", b"new")
    else:
        assert cache.acquire("key", "token", 5)
        assert cache.set_held("key", b"new", 60, "token")
        assert cache.get("key") is not None
    assert theirs.read_bytes() == b"theirs"


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """A total would be written into what it names."""
    cache, theirs = FileBackend(str(tmp_path / "cache")), tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    cache.set("key", b"value")
    lock = _entries(tmp_path / "cache")[0].with_name(".lock")
    lock.unlink()
    lock.symlink_to(theirs)
    with pytest.raises(CacheUnavailable):
        cache.set("key", b"new")
    assert theirs.read_bytes() == b"theirs"
    assert cache.statistics()["bytes"] == 0
