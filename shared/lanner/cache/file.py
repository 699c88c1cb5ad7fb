"""Entries in files, for the processes of one machine: Lambda's `/tmp`, or a folder beside a container.

    <path>/<shard>/<digest>           an entry      <path>/<shard>/<digest>.lease   who may make it anew
    <path>/<shard>/.lock              flock, and the bytes of the shard's entries

An entry is written aside and moved over the old one, so a reader sees one or the other and never a part. Whatever
depends on what is there (add, counters, leases, totals) holds the shard's lock, which ends with its process. The file
has the whole key in it, so two keys with one digest are told apart, and a checksum, so what a full disk or a crash
left is a miss: counted, and removed. So is what is no file (a link, a pipe) or larger than the whole cache.

Room: each shard has its share of `max_bytes`. A write that goes past it removes the shard's oldest entries, down to
four fifths, and so does one that finds the disk full, which others may fill; "old" is when it was written or, to within
`TOUCHED_EVERY` seconds, read. Only then is a folder listed. An entry above half a shard's share is not stored (and what
was there is removed).

Failure modes: `CacheBudgetSpent` where another process holds a shard for longer than `budget_ms` (stopped, or on a
disk that hangs); `CacheUnavailable` for a disk that is full, read-only, gone or not ours; `CacheValueError` for what
is no key or value. A folder that somebody removed is made again by the next write.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from math import inf

from lanner.cache import file_lock
from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.file_layout import (
    TOTAL_BYTES,
    content_of,
    lease_token,
    name_and_end,
    pack_entry,
    pack_lease,
    pack_total,
    size_of,
    unlink,
    unpack_entry,
    unpack_total,
)
from lanner.cache.lifetime import expires_at, instant
from lanner.cache.naming import check_key, check_value, digest, entry_space, to_bytes, to_text
from lanner.clock import Clock, SystemClock

MAX_BYTES = 256 * 1024 * 1024
SHARDS = 16
KEEP_SHARE = 0.8
TOUCHED_EVERY = 10.0
"""Seconds between two notes that an entry was read: each is a write to the folder."""
BUDGET_MS = 50.0
"""How long an operation may wait for other processes' writes to the same sixteenths of the keys."""
MODE = 0o600
"""For this user alone: `/tmp` is everybody's."""

_COUNTER_LIMIT = 1 << 63
_FULL = (ENOSPC, EDQUOT)


class FileBackend:
    """Bytes in a folder. `prefix` keeps apart what shares it. Raises `CacheConfigError` for too few bytes."""

    name = "file"
    lists_keys = True

    def __init__(
        self,
        path: str,
        max_bytes: int = MAX_BYTES,
        *,
        prefix: str = "",
        budget_ms: float = BUDGET_MS,
        clock: Clock | None = None,
    ) -> None:
        if max_bytes < SHARDS * 1024:
            raise CacheConfigError(f"file: max_bytes of {SHARDS * 1024} or more, not {max_bytes}")
        self.path = path
        self._share = max_bytes // SHARDS
        self._space = to_bytes(entry_space(prefix))
        clock = clock or SystemClock()
        self._now = clock.now
        self.budget_ms = budget_ms
        self._budget = budget_ms / 1000
        self._max_bytes = max_bytes
        self.unreadable = 0
        self.evictions = 0
        self.refused = 0

    def get(self, key: str) -> CacheEntry | None:
        name, file = self._place(key)
        with _wrapped("get"):
            found = self._load(file, name)
            if found is None:
                return None
            self._note_read(file)
        return found

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        return {key: entry for key in dict.fromkeys(keys) if (entry := self.get(key)) is not None}

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        self.set_many({key: value}, ttl)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        end = file_lock.until(self._budget)
        for key, value in values.items():
            check_value(value)
            name, file = self._place(key)
            with self._locked(file, "set", end) as shard:
                self._store(shard, file, name, value, expires_at(self._now(), ttl))

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        check_value(value)
        name, file = self._place(key)
        with self._locked(file, "add") as shard:
            if self._load(file, name) is not None:
                return False
            return self._store(shard, file, name, value, expires_at(self._now(), ttl))

    def delete(self, key: str) -> bool:
        return self.delete_many((key,)) > 0

    def delete_many(self, keys: Iterable[str]) -> int:
        end = file_lock.until(self._budget)
        gone = 0
        for key in dict.fromkeys(keys):
            name, file = self._place(key)
            with self._locked(file, "delete", end) as shard:
                gone += self._load(file, name) is not None
                self._remove(shard, file)
        return gone

    def exists(self, key: str) -> bool:
        name, file = self._place(key)
        with _wrapped("exists"):
            return self._load(file, name) is not None

    def touch(self, key: str, ttl: float | None) -> bool:
        name, file = self._place(key)
        with self._locked(file, "touch") as shard:
            entry = self._load(file, name)
            if entry is None:
                return False
            self._store(shard, file, name, entry.value, expires_at(self._now(), ttl))
            return True

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        name, file = self._place(key)
        with self._locked(file, "increment") as shard:
            entry = self._load(file, name)
            if entry is None:
                number, end = initial + delta, expires_at(self._now(), ttl)
            else:
                digits = entry.value[1:] if entry.value[:1] == b"-" else entry.value
                if not digits.isdigit() or len(digits) > 19:
                    raise CacheValueError("file: increment of a value that is not a counter")
                number, end = int(entry.value) + delta, inf if entry.expires_at is None else entry.expires_at
            if not -_COUNTER_LIMIT <= number < _COUNTER_LIMIT:
                raise CacheValueError("file: the counter would leave the range of a signed 64-bit integer")
            self._store(shard, file, name, b"%d" % number, end)
            return number

    def keys(self, prefix: str = "") -> Iterator[str]:
        wanted = self._space + to_bytes(prefix)
        with _wrapped("keys"):
            found = [name for _, name, end in self._walk() if name.startswith(wanted) and end > self._now()]
        return (to_text(name[len(self._space) :]) for name in found)

    def clear(self, prefix: str = "") -> int:
        wanted = self._space + to_bytes(prefix)
        gone = 0
        with _wrapped("clear"):
            for file, name, _ in list(self._walk(leases=True)):
                if name.startswith(wanted):
                    with self._locked(file, "clear") as shard:
                        self._remove(shard, file)
                        unlink(f"{file}.lease")
                    gone += 1
        return gone

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        name, file = self._place(key)
        free = (None, to_bytes(token))

        def refused() -> bool:
            return self._holder(file) not in free

        with _wrapped("acquire"):
            # Without the lock, and again while waiting for it: those who are refused are many, and the holder needs it.
            if refused():
                return False
            end = file_lock.until(self._budget)
            lock = file_lock.take(os.path.dirname(file), MODE, end, "acquire", refused)
            if lock is None:
                return False
            try:
                if refused():
                    return False
                self._write(f"{file}.lease", pack_lease(name, token, self._now() + ttl))
                return True
            finally:
                os.close(lock)

    def release(self, key: str, token: str) -> bool:
        _, file = self._place(key)
        with self._locked(file, "release"):
            if self._holder(file) != to_bytes(token):
                return False
            unlink(f"{file}.lease")
            return True

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        check_value(value)
        name, file = self._place(key)
        with self._locked(file, "set_held") as shard:
            if self._holder(file) != to_bytes(token):
                return False
            self._store(shard, file, name, value, expires_at(self._now(), ttl))
            unlink(f"{file}.lease")
            return True

    def statistics(self) -> dict[str, int | float]:
        total = 0
        for at in range(SHARDS):
            with suppress(OSError):
                total += unpack_total(content_of(f"{self.path}/{at:x}/.lock") or b"")
        return {
            "bytes": total,
            "max_bytes": self._max_bytes,
            "evictions": self.evictions,
            "unreadable": self.unreadable,
            "refused": self.refused,
        }

    def reset(self) -> None:
        """Nothing: no file stays open between calls."""

    def close(self) -> None:
        """Nothing: other processes go on with the folder."""

    def _place(self, key: str) -> tuple[bytes, str]:
        name = self._space + to_bytes(check_key(key))
        hashed = digest(name)
        return name, f"{self.path}/{hashed[0]}/{hashed}"

    def _load(self, file: str, name: bytes) -> CacheEntry | None:
        """The entry in a file, where it is whole, of this key and not over."""
        content = content_of(file, self._max_bytes)
        if content is None:
            return None
        found = unpack_entry(content)
        if found is not None:
            if found.name != name or found.end <= self._now():
                return None
            return CacheEntry(found.value, instant(found.end))
        self.unreadable += 1
        with suppress(OSError):  # a folder that may only be read
            os.unlink(file)
        return None

    def _note_read(self, file: str) -> None:
        with suppress(OSError):  # gone meanwhile, or a folder that may only be read
            if os.stat(file).st_mtime < self._now() - TOUCHED_EVERY:
                os.utime(file, (self._now(), self._now()))

    def _store(self, shard: _Shard, file: str, name: bytes, value: bytes, end: float) -> bool:
        """Write an entry under the shard's lock; False where it was over at once, or has no room."""
        content = pack_entry(name, value, end)
        size = len(content)
        if end <= self._now():
            self._remove(shard, file)
            return False
        if size > self._share // 2:
            self._remove(shard, file)
            self.refused += 1
            return False
        before = size_of(file)
        try:
            self._write(file, content)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._make_room(shard, file, size)
            self._write(file, content)
        os.utime(file, (self._now(), self._now()))
        shard.total += size - before
        if shard.total > self._share:
            self._make_room(shard, file)
        return True

    def _write(self, file: str, content: bytes) -> None:
        aside = f"{file}.{os.getpid()}-{os.urandom(6).hex()}.new"
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
            with open(descriptor, "wb") as target:
                target.write(content)
            os.replace(aside, file)
        except BaseException:
            unlink(aside)
            raise

    def _remove(self, shard: _Shard, file: str) -> None:
        shard.total -= size_of(file)
        unlink(file)

    def _make_room(self, shard: _Shard, keep: str, needed: int = 0) -> None:
        """Remove the oldest entries, and count the shard anew while it is listed.

        `needed` bytes on a disk that is full: at least so many go, where there are as many.
        """
        found = []
        for each in os.scandir(shard.folder):
            if each.name.endswith(".new"):  # a process was killed in mid-write: the lock is ours, so nobody writes here
                unlink(each.path)
            elif each.name.endswith(".lease"):
                if self._holder(each.path.removesuffix(".lease")) is None:
                    unlink(each.path)
            elif each.name != ".lock":
                with suppress(FileNotFoundError):
                    state = each.stat()
                    found.append((state.st_mtime, state.st_size, each.path))
        found.sort()
        shard.total = sum(size for _, size, _ in found)
        most = min(self._share, shard.total) * KEEP_SHARE - needed if needed else self._share * KEEP_SHARE
        for _, size, path in found:
            if shard.total <= most:
                break
            if os.path.basename(path) != os.path.basename(keep):
                unlink(path)
                shard.total -= size
                self.evictions += 1

    def _holder(self, file: str) -> bytes | None:
        content = content_of(f"{file}.lease")
        return None if content is None else lease_token(content, self._now())

    def _walk(self, *, leases: bool = False) -> Iterator[tuple[str, bytes, float]]:
        """Every file of an entry (or lease) with its name and end, read by its head alone."""
        for at in range(SHARDS):
            folder = f"{self.path}/{at:x}"
            try:
                listed = [each.path for each in os.scandir(folder)]
            except (FileNotFoundError, NotADirectoryError):
                continue
            for path in listed:
                if path.endswith((".lock", ".new")) or (path.endswith(".lease") and not leases):
                    continue
                found = name_and_end(path)
                if found is not None:
                    yield path.removesuffix(".lease"), *found

    @contextmanager
    def _locked(self, file: str, operation: str, end: float | None = None) -> Iterator[_Shard]:
        """The lock of a file's shard; `end` is of an operation that takes several."""
        folder = os.path.dirname(file)
        with _wrapped(operation):
            lock = file_lock.take(folder, MODE, file_lock.until(self._budget) if end is None else end, operation)
            assert lock is not None
            try:
                shard = _Shard(folder, unpack_total(os.pread(lock, TOTAL_BYTES, 0)))
                before = shard.total
                yield shard
                if shard.total != before:
                    os.pwrite(lock, pack_total(shard.total), 0)
            finally:
                os.close(lock)


class _Shard:
    __slots__ = ("folder", "total")

    def __init__(self, folder: str, total: int) -> None:
        self.folder = folder
        self.total = total


@contextmanager
def _wrapped(operation: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheUnavailable(f"file: {operation}: {error.strerror or type(error).__name__}") from error
