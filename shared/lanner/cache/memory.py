"""Entries in this process's memory: the first tier, bounded in bytes and entries, evicting by S3-FIFO.

S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023): new keys enter a
small queue with a tenth of the room; what leaves it unread is only remembered by name (the ghost queue), what was read
moves on to the main queue, and so does a key that comes back while its ghost is there. The main queue gives entries
that were read another round, at most three in a row. So a scan passes through the small queue and leaves what is
read often alone, and a hit changes one small number and no order: it takes no lock.

States of a key: small -> main, or small -> ghost -> main -> absent. An expired entry is absent at once and makes room
when it is met: by a read, by a write of its key, or at the end of its queue.

Contract beyond the backend's: `get` returns the same `bytes` object that was stored, so that callers may keep what
they made of it for as long as it is that object. An entry of more than half of `max_bytes` is not stored (what
was there is removed, it would be out of date) and counts as `refused`. Never raises `CacheUnavailable`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheValueError
from lanner.cache.naming import check_key, check_value
from lanner.clock import Clock, SystemClock

MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 1_000_000
SMALL_SHARE = 10
"""One part in ten for the small queue, as in the paper (section 4.1)."""
LARGEST_SHARE = 2
MOST_READS = 3
"""Reads are counted up to here: two bits in the paper."""
OVERHEAD = 400
"""Bytes that an entry takes besides key and value: two places in hash tables, a link, and three objects' headers."""
COUNTER_MIN, COUNTER_MAX = -(1 << 63), (1 << 63) - 1
LEASES_KEPT = 4096


class _Node:
    __slots__ = ("entry", "in_main", "reads", "size")

    def __init__(self, entry: CacheEntry, size: int) -> None:
        self.entry = entry
        self.size = size
        self.reads = 0
        self.in_main = False


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
        self._nodes: dict[str, _Node] = {}
        self._small: OrderedDict[str, _Node] = OrderedDict()
        self._main: OrderedDict[str, _Node] = OrderedDict()
        self._ghosts: OrderedDict[int, None] = OrderedDict()  # hashes of keys: a collision costs a place in main
        self._bytes = 0
        self._small_bytes = 0
        self._leases: dict[str, tuple[str, float]] = {}
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
            self._put(key, value, ttl)
            return ttl is None or ttl > 0

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
                node.entry = CacheEntry(node.entry.value, None if ttl is None else self._now() + ttl)
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
            self._put(key, value, ttl)
            return True

    def statistics(self) -> dict[str, int | float]:
        return {
            "entries": len(self._nodes),
            "bytes": self._bytes,
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

    def _live(self, key: str) -> _Node | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        expires_at = node.entry.expires_at
        return None if expires_at is not None and expires_at <= self._now() else node

    def _expire(self, key: str, node: _Node) -> None:
        with self._lock:
            if self._nodes.get(key) is node:
                self._remove(key)
                self._expirations += 1

    def _put(self, key: str, value: bytes, ttl: float | None) -> None:
        if ttl is not None and ttl <= 0:
            self._remove(key)
            return
        size = len(key) + len(value) + OVERHEAD
        if size > self.max_bytes // LARGEST_SHARE:
            self._remove(key)
            self._refused += 1
            return
        entry = CacheEntry(value, None if ttl is None else self._now() + ttl)
        node = self._nodes.get(key)
        if node is not None:
            grown = size - node.size
            node.entry, node.size = entry, size
            self._bytes += grown
            if not node.in_main:
                self._small_bytes += grown
        else:
            node = self._nodes[key] = _Node(entry, size)
            self._bytes += size
            ghost = hash(key)
            if ghost in self._ghosts:
                del self._ghosts[ghost]
                node.in_main = True
                self._main[key] = node
            else:
                self._small[key] = node
                self._small_bytes += size
        while self._bytes > self.max_bytes or len(self._nodes) > self.max_entries:
            self._evict(keep=key)

    def _evict(self, keep: str) -> None:
        """Make room for one entry at least, never at the cost of `keep`, which is being stored."""
        target = min(self.max_bytes, self.max_entries * OVERHEAD * 2) // SMALL_SHARE
        if self._small and (self._small_bytes > target or not self._main or len(self._small) > len(self._nodes) // 2):
            self._evict_small(keep)
        else:
            self._evict_main(keep)

    def _evict_small(self, keep: str) -> None:
        now = self._now()
        while self._small:
            key, node = self._small.popitem(last=False)
            if key == keep and len(self._nodes) > 1:
                self._small[key] = node
                if len(self._small) == 1:
                    self._evict_main(keep)
                    return
                continue
            self._small_bytes -= node.size
            expired = node.entry.expires_at is not None and node.entry.expires_at <= now
            if node.reads > 1 and not expired:
                node.reads = 0
                node.in_main = True
                self._main[key] = node
                continue
            self._drop(key, node, expired)
            if not expired:
                self._remember(key)
            return
        self._evict_main(keep)

    def _evict_main(self, keep: str) -> None:
        now = self._now()
        while self._main:
            key, node = self._main.popitem(last=False)
            expired = node.entry.expires_at is not None and node.entry.expires_at <= now
            if not expired and (node.reads > 0 or (key == keep and len(self._nodes) > 1)):
                node.reads = max(0, node.reads - 1)
                self._main[key] = node
                if len(self._main) == 1 and key == keep:
                    self._evict_small(keep)
                    return
                continue
            self._drop(key, node, expired)
            return

    def _drop(self, key: str, node: _Node, expired: bool) -> None:
        del self._nodes[key]
        self._bytes -= node.size
        if expired:
            self._expirations += 1
        else:
            self._evictions += 1

    def _remember(self, key: str) -> None:
        self._ghosts[hash(key)] = None
        # As many ghosts as the main queue may have entries (section 4.1), counted by what entries are there.
        while len(self._ghosts) > max(len(self._nodes), 16):
            self._ghosts.popitem(last=False)

    def _remove(self, key: str) -> None:
        node = self._nodes.pop(key, None)
        if node is None:
            return
        self._bytes -= node.size
        if node.in_main:
            del self._main[key]
        else:
            del self._small[key]
            self._small_bytes -= node.size


def _check(key: str, value: bytes) -> None:
    check_key(key)
    check_value(value)


def _check_counter(number: int) -> None:
    if not COUNTER_MIN <= number <= COUNTER_MAX:
        raise CacheValueError("memory: the counter would leave the range of a signed 64-bit integer")
