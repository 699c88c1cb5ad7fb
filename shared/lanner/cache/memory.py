"""Entries in this process's memory: the first tier, bounded in bytes and entries; `eviction` chooses what goes.

A hit takes no lock and changes no order: one look-up, and one small number that says it was read. An expired entry is
absent at once and makes room when it is met: by a read, by a write of its key, or when room is needed, before any
entry that is not over.

Contract beyond the backend's: `get` returns the same `bytes` object that was stored, so that callers may keep what
they made of it for as long as it is that object. An entry of more than half of `max_bytes` is not stored (what
was there is removed, it would be out of date) and counts as `refused`. Never raises `CacheUnavailable`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheValueError
from lanner.cache.eviction import MOST_READS, Ends, Node, Queues
from lanner.cache.naming import check_key, check_value
from lanner.clock import Clock, SystemClock

MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 1_000_000
LARGEST_SHARE = 2
OVERHEAD = 500
"""Bytes that an entry takes besides key and value: places in hash tables, links, objects' headers, its counters, its
share of names. Measured with tracemalloc just after tables have grown: 498."""
COUNTER_MIN, COUNTER_MAX = -(1 << 63), (1 << 63) - 1
LEASES_KEPT = 4096


class MemoryBackend:
    """Bytes in memory. Raises `CacheConfigError` for bounds that hold nothing."""

    name = "memory"
    lists_keys = True

    def __init__(
        self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES, *, clock: Clock | None = None
    ) -> None:
        if max_bytes < LARGEST_SHARE * (OVERHEAD + 1) or max_entries < 1:
            raise CacheConfigError(
                f"a memory cache needs max_bytes above {LARGEST_SHARE * OVERHEAD} and max_entries of 1 or more"
            )
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self._now = (clock or SystemClock()).now
        self._lock = threading.RLock()
        self._nodes: dict[str, Node] = {}
        self._queues = Queues()
        self._ends = Ends()
        self._leases: dict[str, tuple[str, float]] = {}
        self.on_evict: Callable[[str], None] | None = None
        """Told each key that is put out for want of room, under the lock. It must not raise."""
        self._evictions = 0
        self._expirations = 0
        self._refused = 0

    def get(self, key: str) -> CacheEntry | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        entry = node.entry
        expires_at = entry[1]
        if expires_at is not None and expires_at <= self._now():
            self._expire(key, node)
            return None
        if node.reads < MOST_READS:
            node.reads += 1
        return entry

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        get = self.get
        return {key: entry for key in keys if (entry := get(key)) is not None}

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        _check(key, value)
        with self._lock:
            self._put(key, value, ttl)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        for key, value in values.items():
            self.set(key, value, ttl)

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        _check(key, value)
        with self._lock:
            if self._live(key) is not None:
                return False
            return self._put(key, value, ttl)

    def delete(self, key: str) -> bool:
        with self._lock:
            there = self._live(key) is not None
            self._remove(key)
            return there

    def delete_many(self, keys: Iterable[str]) -> int:
        return sum(self.delete(key) for key in set(keys))

    def exists(self, key: str) -> bool:
        return self._live(key) is not None

    def touch(self, key: str, ttl: float | None) -> bool:
        with self._lock:
            node = self._live(key)
            if node is None:
                return False
            if ttl is not None and ttl <= 0:
                self._remove(key)
            else:
                node.entry = self._entry(key, node.entry.value, ttl)
            return True

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        with self._lock:
            node = self._live(key)
            if node is None:
                number = initial + delta
                _check_counter(number)
                self._put(key, b"%d" % number, ttl)
                return number
            value = node.entry.value
            digits = value[1:] if value[:1] == b"-" else value
            if not digits.isdigit() or len(digits) > len(str(COUNTER_MAX)):
                raise CacheValueError("memory: increment of a value that is not a counter")
            number = int(value) + delta
            _check_counter(number)
            node.entry = CacheEntry(b"%d" % number, node.entry.expires_at)
            return number

    def keys(self, prefix: str = "") -> Iterator[str]:
        now = self._now()
        with self._lock:
            found = [
                key
                for key, node in self._nodes.items()
                if key.startswith(prefix) and (node.entry.expires_at is None or node.entry.expires_at > now)
            ]
        return iter(found)

    def clear(self, prefix: str = "") -> int:
        with self._lock:
            found = [key for key in self._nodes if key.startswith(prefix)]
            for key in found:
                self._remove(key)
            for key in [key for key in self._leases if key.startswith(prefix)]:
                del self._leases[key]
            return len(found)

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        with self._lock:
            now = self._now()
            holder = self._leases.get(key)
            if holder is not None and holder[1] > now and holder[0] != token:
                return False
            if len(self._leases) >= LEASES_KEPT:
                self._leases = {each: lease for each, lease in self._leases.items() if lease[1] > now}
            self._leases[key] = (token, now + ttl)
            return True

    def release(self, key: str, token: str) -> bool:
        with self._lock:
            if not self._holds(key, token):
                return False
            del self._leases[key]
            return True

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        _check(key, value)
        with self._lock:
            if not self._holds(key, token):
                return False
            del self._leases[key]
            return self._put(key, value, ttl) or (ttl is not None and ttl <= 0)

    def statistics(self) -> dict[str, int | float]:
        return {
            "entries": len(self._nodes),
            "bytes": self._queues.bytes,
            "max_bytes": self.max_bytes,
            "max_entries": self.max_entries,
            "evictions": self._evictions,
            "expirations": self._expirations,
            "refused": self._refused,
        }

    def reset(self) -> None:
        """Nothing: there are no connections, and entries stay."""

    def close(self) -> None:
        """Forget everything."""
        self.clear()

    def _holds(self, key: str, token: str) -> bool:
        holder = self._leases.get(key)
        return holder is not None and holder[0] == token and holder[1] > self._now()

    def _live(self, key: str) -> Node | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        expires_at = node.entry.expires_at
        return None if expires_at is not None and expires_at <= self._now() else node

    def _expire(self, key: str, node: Node) -> None:
        with self._lock:
            if self._nodes.get(key) is node:
                self._remove(key)
                self._expirations += 1

    def _entry(self, key: str, value: bytes, ttl: float | None) -> CacheEntry:
        if ttl is None:
            return CacheEntry(value, None)
        if ttl != ttl:
            raise CacheValueError("a ttl is a number of seconds, not NaN")
        end = self._now() + ttl
        self._ends.add(end, key)
        return CacheEntry(value, end)

    def _put(self, key: str, value: bytes, ttl: float | None) -> bool:
        """Store under the lock. False where it was over at once, or is too large."""
        if ttl is not None and ttl <= 0:
            self._remove(key)
            return False
        size = (len(key) if key.isascii() else 4 * len(key)) + len(value) + OVERHEAD
        if size > self.max_bytes // LARGEST_SHARE:
            self._remove(key)
            self._refused += 1
            return False
        entry = self._entry(key, value, ttl)
        node = self._nodes.get(key)
        if node is not None:
            node.entry = entry
            self._queues.resize(node, size)
        else:
            node = self._nodes[key] = Node(entry, size)
            full = self._queues.bytes + size > self.max_bytes or len(self._nodes) > self.max_entries
            self._queues.enter(key, node, full=full)
        if self._queues.bytes > self.max_bytes or len(self._nodes) > self.max_entries:
            self._make_room(key)
        return True

    def _make_room(self, keep: str) -> None:
        now = self._now()
        while self._queues.bytes > self.max_bytes or len(self._nodes) > self.max_entries:
            key = self._ends.over(now)
            if key is None:
                key = self._queues.evict(keep)
                del self._nodes[key]
                self._evictions += 1
                if self.on_evict is not None:
                    self.on_evict(key)
            elif key in self._nodes and self._live(key) is None:
                self._remove(key)
                self._expirations += 1

    def _remove(self, key: str) -> None:
        node = self._nodes.pop(key, None)
        if node is not None:
            self._queues.leave(key, node)


def _check(key: str, value: bytes) -> None:
    check_key(key)
    check_value(value)


def _check_counter(number: int) -> None:
    if not COUNTER_MIN <= number <= COUNTER_MAX:
        raise CacheValueError("memory: the counter would leave the range of a signed 64-bit integer")
