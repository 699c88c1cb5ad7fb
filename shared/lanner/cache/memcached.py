"""Memcached as a cache: the classic text protocol over one kept connection per thread.

Memcached counts lifetimes in whole seconds of a clock that ticks once in one; the server is told one second more than
the rounded-up ttl, above 30 days as an instant (protocol.txt, "Expiration times"), and the end to the millisecond is
in the data block. That is why `touch`, `increment` and leases are `gets` and `cas` and not Memcached's own commands:
`incr` keeps nothing beside its digits. A lost `cas` is tried again while the budget lasts.

`set_held` proves the lease by a `cas` that prolongs it beyond the operation's budget, then stores; Memcached has no
transaction that would join the two. `exists` and `delete` read the value: there is no other way to its end. `clear`
counts nothing and returns 0.

Reads, `set` and `delete` are done twice when a kept connection proves dead; other writes fail, outcome unknown.
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.lifetime import expires_at, instant
from lanner.cache.memcached_generation import GenerationRequests
from lanner.cache.memcached_space import Space, pack, unpack
from lanner.cache.memcached_text import (
    DELETED,
    STORED,
    Item,
    read_statistics,
    storage,
)
from lanner.cache.naming import check_key, check_value, to_bytes
from lanner.cache.stream import Deadline
from lanner.cache.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lanner.clock import Clock

DEFAULT_PORT = 11211
DEFAULT_BUDGET_MS = 50.0
MANY = 100
"""Keys in one request: its answer starts before a longer one would have been sent."""

RELATIVE_LIMIT_S = 30 * 24 * 3600
_LATEST = 2**31 - 1
"""Exptime is a signed 32-bit integer in the server; what ends later stays until its memory is needed."""

_MOST_INT64 = 2**63 - 1
_LEASE_MARGIN_S = 1.0
_GONE = -1
"""An exptime that has passed."""

_MOST_RACES = 10_000


class MemcachedBackend:
    """`CacheBackend` over one Memcached server (or a proxy for several, as ElastiCache Serverless is)."""

    name = "memcached"
    lists_keys = False

    def __init__(
        self,
        host: str,
        port: int = DEFAULT_PORT,
        *,
        tls: bool = False,
        prefix: str = "",
        budget_ms: float = DEFAULT_BUDGET_MS,
        clock: Clock | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        from lanner.clock import SystemClock

        if not budget_ms > 0:
            raise CacheConfigError(f"budget_ms is more than 0, not {budget_ms:g}")
        self._world = SystemClock()  # the server's clock is the world's, whatever clock the caller moves
        self._clock: Clock = self._world if clock is None else clock
        self.budget_ms = budget_ms
        self._streams = Streams(host, port, tls=tls, clock=self._clock, ca_bundle=ca_bundle)
        self._requests = GenerationRequests(self._streams, prefix, tls=tls)

    def get(self, key: str) -> CacheEntry | None:
        return self._get_many((check_key(key),), self._deadline("memcached get")).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        return self._get_many(tuple(dict.fromkeys(keys)), self._deadline("memcached get_many"))

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        self._set_many({key: value}, ttl, self._deadline("memcached set"))

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        self._set_many(values, ttl, self._deadline("memcached set_many"))

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        deadline = self._deadline("memcached add")
        end = expires_at(self._clock.now(), ttl)
        check_key(key)
        check_value(value)
        if _is_over(ttl):
            return False
        for _ in range(_MOST_RACES):
            if self._store(deadline, Space.entry, key, value, end, unique=None):
                return True
            item, live = self._look(deadline, Space.entry, key)
            if live is not None:
                return False
            if item is not None and self._store(deadline, Space.entry, key, value, end, unique=item.unique):
                return True
        raise _too_many_races(deadline)

    def delete(self, key: str) -> bool:
        return self._delete_many((key,), self._deadline("memcached delete")) == 1

    def delete_many(self, keys: Iterable[str]) -> int:
        return self._delete_many(tuple(dict.fromkeys(keys)), self._deadline("memcached delete_many"))

    def exists(self, key: str) -> bool:
        return self._live(key, self._deadline("memcached exists")) is not None

    def touch(self, key: str, ttl: float | None) -> bool:
        deadline = self._deadline("memcached touch")
        end = expires_at(self._clock.now(), ttl)
        for _ in range(_MOST_RACES):
            item, live = self._look(deadline, Space.entry, key)
            if item is None or live is None:
                return False
            if _is_over(ttl):
                return self._delete_many((key,), deadline) == 1
            if self._store(deadline, Space.entry, key, live[0], end, unique=item.unique):
                return True
        raise _too_many_races(deadline)

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        deadline = self._deadline("memcached increment")
        for _ in range(_MOST_RACES):
            item, live = self._look(deadline, Space.entry, key)
            number = initial if live is None else _number(live[0], deadline)
            if abs(delta) > _MOST_INT64 or number + delta > _MOST_INT64:
                raise CacheValueError(f"{deadline.what}: a counter has 64 bits")
            number = max(0, number + delta)
            if live is None and _is_over(ttl):
                return number
            end = expires_at(self._clock.now(), ttl) if live is None else live[1]
            unique = None if item is None else item.unique
            if self._store(deadline, Space.entry, key, b"%d" % number, end, unique=unique):
                return number
        raise _too_many_races(deadline)

    def keys(self, prefix: str = "") -> Iterator[str]:  # noqa: ARG002 (the contract's signature)
        raise CacheValueError("memcached keys: Memcached cannot list its keys")

    def clear(self, prefix: str = "") -> int:
        if prefix:
            raise CacheValueError("memcached clear: Memcached cannot list its keys, so only all of them can go")
        deadline = self._deadline("memcached clear")
        self._requests.renew(deadline)
        return 0

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        deadline = self._deadline("memcached acquire")
        mine, end = to_bytes(token), expires_at(self._clock.now(), ttl)
        check_key(key)
        if _is_over(ttl):
            return False
        for _ in range(_MOST_RACES):
            if self._store(deadline, Space.lease, key, mine, end, unique=None, safe=True):
                return True
            item, live = self._look(deadline, Space.lease, key)
            if live is not None and live[0] != mine:
                return False
            if item is not None and self._store(deadline, Space.lease, key, mine, end, unique=item.unique, safe=True):
                return True
        raise _too_many_races(deadline)

    def release(self, key: str, token: str) -> bool:
        return self._renew(key, to_bytes(token), None, self._deadline("memcached release"))

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        deadline = self._deadline("memcached set_held")
        check_value(value)
        if not self._renew(key, to_bytes(token), self.budget_ms / 1000 + _LEASE_MARGIN_S, deadline):
            return False
        end = expires_at(self._clock.now(), ttl)

        def build(space: Space) -> tuple[Sequence[bytes], Sequence[bytes]]:
            name = space.entry(key)
            stored = b"delete %b\r\n" % name if _is_over(ttl) else self._storing(b"set", name, key, value, end)
            return (), (stored, b"delete %b\r\n" % space.lease(key))

        _, words = self._requests.run(build, deadline, safe=False)
        return words[0] in (STORED, DELETED) or _is_over(ttl)

    def statistics(self) -> dict[str, int | float]:
        """Of the whole server: `entries`, `bytes`, `max_bytes`, `evictions`."""
        deadline = self._deadline("memcached statistics")
        told = self._streams.exchange((b"stats\r\n",), lambda stream: read_statistics(stream, deadline.what), deadline)
        names = {"entries": b"curr_items", "bytes": b"bytes", "max_bytes": b"limit_maxbytes", "evictions": b"evictions"}
        return {name: int(told[theirs]) for name, theirs in names.items() if told.get(theirs, b"").isdigit()}

    def reset(self) -> None:
        self._streams.reset()

    def close(self) -> None:
        self._streams.close()

    def _deadline(self, what: str) -> Deadline:
        return Deadline(self._clock, self.budget_ms, what)

    def _get_many(self, keys: tuple[str, ...], deadline: Deadline) -> dict[str, CacheEntry]:
        found: dict[str, CacheEntry] = {}
        for start in range(0, len(keys), MANY):
            batch = keys[start : start + MANY]
            items, _ = self._requests.run(lambda space, batch=batch: (tuple(map(space.entry, batch)), ()), deadline)  # type: ignore[misc]
            now = self._clock.now()
            for key, item in zip(batch, items, strict=True):
                live = None if item is None else unpack(key, item)
                if live is not None and live[1] > now:
                    found[key] = CacheEntry(live[0], instant(live[1]))
        return found

    def _set_many(self, values: Mapping[str, bytes], ttl: float | None, deadline: Deadline) -> None:
        if _is_over(ttl):
            self._delete_many(tuple(values), deadline)
            return
        end = expires_at(self._clock.now(), ttl)
        pairs = [(check_key(key), check_value(value)) for key, value in values.items()]
        for start in range(0, len(pairs), MANY):
            batch = pairs[start : start + MANY]

            def build(space: Space, batch: list[tuple[str, bytes]] = batch) -> tuple[Sequence[bytes], Sequence[bytes]]:
                return (), [self._storing(b"set", space.entry(key), key, value, end) for key, value in batch]

            _, words = self._requests.run(build, deadline)
            if any(word != STORED for word in words):
                raise CacheUnavailable(f"{deadline.what}: the server did not store")

    def _delete_many(self, keys: tuple[str, ...], deadline: Deadline) -> int:
        count = 0
        for start in range(0, len(keys), MANY):
            batch = keys[start : start + MANY]

            def build(space: Space, batch: tuple[str, ...] = batch) -> tuple[Sequence[bytes], Sequence[bytes]]:
                names = tuple(map(space.entry, batch))
                return names, [b"delete %b\r\n" % name for name in names]

            items, words = self._requests.run(build, deadline)
            now = self._clock.now()
            for key, item, word in zip(batch, items, words, strict=True):
                live = None if item is None else unpack(key, item)
                # What had ended was absent; what appeared between the two commands was there.
                count += word == DELETED and (item is None or (live is not None and live[1] > now))
        return count

    def _look(
        self, deadline: Deadline, place: Callable[[Space, str], bytes], key: str
    ) -> tuple[Item | None, tuple[bytes, float] | None]:
        """The item under a name, and its value and end where that has not passed."""
        items, _ = self._requests.run(lambda space: ((place(space, key),), ()), deadline)
        item = items[0]
        live = None if item is None else unpack(key, item)
        return item, (live if live is not None and live[1] > self._clock.now() else None)

    def _live(self, key: str, deadline: Deadline) -> tuple[bytes, float] | None:
        return self._look(deadline, Space.entry, key)[1]

    def _store(
        self,
        deadline: Deadline,
        place: Callable[[Space, str], bytes],
        key: str,
        value: bytes,
        end: float,
        *,
        unique: int | None,
        safe: bool = False,
    ) -> bool:
        """`cas` over the item of `unique`, or `add` where there is none. Whether it was stored."""

        def build(space: Space) -> tuple[Sequence[bytes], Sequence[bytes]]:
            verb = b"add" if unique is None else b"cas"
            return (), (self._storing(verb, place(space, key), key, value, end, unique),)

        return self._requests.run(build, deadline, safe=safe)[1][0] == STORED

    def _storing(
        self, verb: bytes, name: bytes, key: str, value: bytes, end: float, unique: int | None = None
    ) -> bytes:
        flags, data = pack(name, key, value, end)
        return storage(verb, name, data, flags=flags, exptime=self._exptime(end), unique=unique)

    def _exptime(self, end: float) -> int:
        if end == inf:
            return 0
        left = end - self._clock.now()
        if left <= 0:
            return _GONE
        seconds = ceil(left) + 1
        if seconds > RELATIVE_LIMIT_S:
            seconds += int(self._world.now())
        return seconds if seconds <= _LATEST else 0

    def _renew(self, key: str, token: bytes, seconds: float | None, deadline: Deadline) -> bool:
        """Prolong a lease that is the token's to at least `seconds` from now, or end it (None). Whether it was."""
        for _ in range(_MOST_RACES):
            item, live = self._look(deadline, Space.lease, key)
            if item is None or live is None or live[0] != token:
                return False
            now = self._clock.now()
            end = now if seconds is None else max(live[1], now + seconds)
            if self._store(deadline, Space.lease, key, token, end, unique=item.unique):
                return True
        raise _too_many_races(deadline)


def _is_over(ttl: float | None) -> bool:
    return ttl is not None and ttl <= 0


def _number(digits: bytes, deadline: Deadline) -> int:
    unsigned = digits[1:] if digits[:1] == b"-" else digits
    if not unsigned.isdigit() or len(digits) > 20:
        raise CacheValueError(f"{deadline.what}: the value is no integer of 64 bits")
    return int(digits)


def _too_many_races(deadline: Deadline) -> CacheUnavailable:
    return CacheUnavailable(f"{deadline.what}: another one was faster {_MOST_RACES} times")
