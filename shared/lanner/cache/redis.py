"""Redis and Valkey as a cache: RESP2 over one kept connection per thread, a cluster where there is one.

A driver costs 200 ms or more to import, which a cold start would pay to save a read of a few; what is needed of the
protocol is in `resp`, `redis_servers` and `redis_scripts`.

Names are in `redis_names`. Values have a header with their end (`lanner.cache.lifetime`), so that a read is
one GET; the server's own expiry follows later and only frees the memory. A string without that header was stored by
another program: an integer is read as a counter, anything else is `CacheValueError`, and absent for `get_many`.

What is done twice when a kept connection proves dead: reads, and writes with one effect and one answer however often
they are done. `add`, `increment`, `release` and `set_held` are not: they fail, with an unknown outcome.

Budget: `keys` and `clear` visit the whole database; there the budget is that of each of their steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.lifetime import HEADER_BYTES, ends, expires_at, header, instant, server_ms
from lanner.cache.naming import check_value, to_bytes
from lanner.cache.redis_names import RedisNames
from lanner.cache.redis_scripts import ACQUIRE, ADD, INCREMENT, RELEASE, SET_HELD, TOUCH, Script
from lanner.cache.redis_servers import Servers
from lanner.cache.resp import BULK_LIMIT, ErrorReply, Session, encode, expect, refused
from lanner.cache.slots import slot
from lanner.cache.stream import Deadline
from lanner.cache.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lanner.cache.redis_servers import Address
    from lanner.cache.resp import Reply
    from lanner.clock import Clock

DEFAULT_PORT = 6379
DEFAULT_BUDGET_MS = 50.0
INT64 = range(-(2**63), 2**63)

_MANY = 500
_SCAN_COUNT = b"500"
_HEAD = (b"0", b"%d" % (HEADER_BYTES - 1))
_NOTHING = b""


class RedisBackend:
    """`CacheBackend` over a Redis (6 or later) or Valkey server or cluster.

    `budget_ms` is for each operation, connecting and logging in included. Raises `CacheConfigError` for options that
    contradict each other.
    """

    name = "redis"
    lists_keys = True

    def __init__(
        self,
        host: str,
        port: int = DEFAULT_PORT,
        *,
        tls: bool = False,
        username: str | None = None,
        password: str | None = None,
        database: int = 0,
        cluster: bool = False,
        prefix: str = "",
        budget_ms: float = DEFAULT_BUDGET_MS,
        clock: Clock | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        if cluster and database:
            raise CacheConfigError("a cluster has no database but 0")
        if username is not None and password is None:
            raise CacheConfigError("a user name without a password cannot log in")
        if not budget_ms > 0:
            raise CacheConfigError(f"budget_ms is more than 0, not {budget_ms:g}")
        if clock is None:
            from lanner.clock import SystemClock

            clock = SystemClock()
        self._clock: Clock = clock
        self.budget_ms = budget_ms
        self._names = RedisNames(prefix)
        session = Session(username=username, password=password, database=database)

        def connect(host: str, port: int) -> Streams:
            return Streams(host, port, tls=tls, clock=self._clock, ca_bundle=ca_bundle, prepare=session.prepare)

        self._servers = Servers(host, port, cluster=cluster, connect=connect)

    def get(self, key: str) -> CacheEntry | None:
        deadline = self._deadline("redis get")
        name = self._names.entry(key)
        stored = self._servers.one(name, encode(b"GET", name), deadline)
        if stored is None:
            return None
        if type(stored) is not bytes:
            expect(deadline.what, stored, bytes)
        entry, ours = self._read(cast("bytes", stored), self._clock.now())
        if not ours:
            raise CacheValueError(f"{deadline.what}: what is under the key was not stored by this cache")
        return entry

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        deadline = self._deadline("redis get_many")
        names = {key: self._names.entry(key) for key in keys}
        found: dict[str, CacheEntry] = {}
        got = self._values(list(names.values()), deadline)
        now = self._clock.now()
        for key, stored in zip(names, got, strict=True):
            if stored is None:
                continue
            if type(stored) is bytes:
                entry, _ = self._read(stored, now)
                if entry is not None:
                    found[key] = entry
            elif not (isinstance(stored, ErrorReply) and stored.code == "WRONGTYPE"):
                expect(deadline.what, stored, bytes)
        return found

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        deadline = self._deadline("redis set")
        name = self._names.entry(key)
        reply = self._servers.one(name, self._storing(name, value, ttl), deadline)
        if reply != b"OK" and not (type(reply) is int and _is_over(ttl)):
            expect(deadline.what, reply, ())

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        deadline = self._deadline("redis set_many")
        names = {self._names.entry(key): value for key, value in values.items()}
        requests = [(name, self._storing(name, value, ttl)) for name, value in names.items()]
        for reply in self._servers.many(requests, deadline):
            if reply != b"OK" and not (type(reply) is int and _is_over(ttl)):
                expect(deadline.what, reply, ())

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        deadline = self._deadline("redis add")
        name = self._names.entry(key)
        if _is_over(ttl):
            check_value(value)
            return False
        stored, px = self._stored(value, ttl)
        reply = self._script(ADD, (name,), (self._now(), stored, px), deadline, safe=False)
        return reply == 1

    def delete(self, key: str) -> bool:
        return self._delete_all((key,), self._deadline("redis delete")) == 1

    def delete_many(self, keys: Iterable[str]) -> int:
        return self._delete_all(dict.fromkeys(keys), self._deadline("redis delete_many"))

    def exists(self, key: str) -> bool:
        return self._exists(key, self._deadline("redis exists"))

    def touch(self, key: str, ttl: float | None) -> bool:
        deadline = self._deadline("redis touch")
        if _is_over(ttl):
            return self._delete_all((key,), deadline) == 1
        head, px = self._stored(_NOTHING, ttl)
        return self._script(TOUCH, (self._names.entry(key),), (self._now(), head, px), deadline) == 1

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        deadline = self._deadline("redis increment")
        start = initial + delta
        if delta not in INT64 or start not in INT64:
            raise CacheValueError(f"{deadline.what}: a counter has 64 bits")
        digits = b"%d" % start
        first, px = (_NOTHING, _NOTHING) if _is_over(ttl) else self._stored(digits, ttl)
        arguments = (self._now(), b"%d" % delta, digits, first, px)
        reply = self._script(INCREMENT, (self._names.entry(key),), arguments, deadline, safe=False)
        if not isinstance(reply, bytes) or not _is_integer(reply):
            raise CacheUnavailable(f"{deadline.what}: the server's reply is of another command")
        return int(reply)

    def keys(self, prefix: str = "") -> Iterator[str]:
        what = "redis keys"
        start = to_bytes(prefix)
        seen: set[bytes] = set()
        for address in self._servers.masters(self._deadline(what)):
            for names in self._scan(address, self._names.entries_pattern(start), what):
                fresh = [
                    name for name in dict.fromkeys(names) if self._names.is_entry(name, start) and name not in seen
                ]
                seen.update(fresh)
                heads = self._heads(fresh, self._deadline(what))
                for name, head in zip(fresh, heads, strict=True):
                    if self._is_live(head):
                        yield self._names.key_of(name)

    def clear(self, prefix: str = "") -> int:
        what = "redis clear"
        start = to_bytes(prefix)
        pattern = self._names.everything_pattern()
        removed = 0
        for address in self._servers.masters(self._deadline(what)):
            for names in self._scan(address, pattern, what):
                entries = [name for name in names if self._names.is_entry(name, start)]
                leases = [name for name in names if self._names.is_lease(name, start)]
                deadline = self._deadline(what)
                heads = self._heads(entries, deadline)
                gone = self._unlink(entries, deadline)
                self._unlink(leases, deadline)
                removed += min(gone, sum(map(self._is_live, heads)))
        return removed

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        deadline = self._deadline("redis acquire")
        mine = to_bytes(token)
        if _is_over(ttl):
            return False
        stored, px = self._stored(mine, ttl)
        return self._script(ACQUIRE, (self._names.lease(key),), (self._now(), mine, stored, px), deadline) == 1

    def release(self, key: str, token: str) -> bool:
        deadline = self._deadline("redis release")
        arguments = (self._now(), to_bytes(token))
        return self._script(RELEASE, (self._names.lease(key),), arguments, deadline, safe=False) == 1

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        deadline = self._deadline("redis set_held")
        names = (self._names.entry(key), self._names.lease(key))
        stored, px = (_NOTHING, _NOTHING) if _is_over(ttl) else self._stored(value, ttl)
        return self._script(SET_HELD, names, (self._now(), to_bytes(token), stored, px), deadline, safe=False) == 1

    def statistics(self) -> dict[str, int | float]:
        """Of the whole database: `entries`, `bytes`, `max_bytes` (0: no bound), `evictions`; summed over masters."""
        deadline = self._deadline("redis statistics")
        total: dict[str, int | float] = {}
        for address in self._servers.masters(deadline):
            size = self._servers.at(address, encode(b"DBSIZE"), deadline)
            told = self._servers.at(address, encode(b"INFO"), deadline)
            numbers = _numbers(told) if isinstance(told, bytes) else {}
            if isinstance(size, int):
                numbers["entries"] = size
            for name, number in numbers.items():
                total[name] = total.get(name, 0) + number
        return total

    def reset(self) -> None:
        self._servers.reset()

    def close(self) -> None:
        self._servers.close()

    def _deadline(self, what: str) -> Deadline:
        return Deadline(self._clock, self.budget_ms, what)

    def _now(self) -> bytes:
        return repr(self._clock.now()).encode()

    def _stored(self, value: bytes, ttl: float | None) -> tuple[bytes, bytes]:
        """A value as it is stored, and its PX: b"" for ever."""
        if len(check_value(value)) > BULK_LIMIT - HEADER_BYTES:
            raise CacheValueError(f"redis: a value of {len(value)} bytes; a string has at most {BULK_LIMIT}")
        ms = server_ms(ttl)
        return header(expires_at(self._clock.now(), ttl)) + value, b"" if ms is None else b"%d" % ms

    def _storing(self, name: bytes, value: bytes, ttl: float | None) -> bytes:
        if _is_over(ttl):
            check_value(value)
            return encode(b"UNLINK", name)
        stored, px = self._stored(value, ttl)
        return encode(b"SET", name, stored, b"PX", px) if px else encode(b"SET", name, stored)

    @staticmethod
    def _read(stored: bytes, now: float) -> tuple[CacheEntry | None, bool]:
        """The entry, None where it has ended; and whether it is one."""
        end = ends(stored)
        if end is not None:
            return (CacheEntry(stored[HEADER_BYTES:], instant(end)) if end > now else None), True
        return (CacheEntry(stored), True) if _is_integer(stored) else (None, False)

    def _values(self, names: list[bytes], deadline: Deadline) -> list[Reply]:
        """What is stored under many names: by MGET, which takes half the time, or by a GET each in a cluster."""
        got: list[Reply] = []
        for start in range(0, len(names), _MANY):
            batch = names[start : start + _MANY]
            reply: Reply = None
            if not self._servers.clustered:
                reply = self._servers.one(batch[0], encode(b"MGET", *batch), deadline)
            if isinstance(reply, ErrorReply) and reply.code != "CROSSSLOT":
                raise refused(deadline.what, reply)
            if isinstance(reply, list) and len(reply) == len(batch):
                got += reply
            else:
                got += self._servers.many([(name, encode(b"GET", name)) for name in batch], deadline)
        return got

    def _is_live(self, head: Reply) -> bool:
        """Whether a GETRANGE of the header says that something is there; another type than a string is something."""
        if isinstance(head, ErrorReply):
            return head.code == "WRONGTYPE"
        if not isinstance(head, bytes) or not head:
            return False
        end = ends(head)
        return end is None or end > self._clock.now()

    def _heads(self, names: list[bytes], deadline: Deadline) -> list[Reply]:
        heads = self._servers.many([(name, encode(b"GETRANGE", name, *_HEAD)) for name in names], deadline)
        for head in heads:
            if not (isinstance(head, ErrorReply) and head.code == "WRONGTYPE"):
                expect(deadline.what, head, bytes)
        return heads

    def _exists(self, key: str, deadline: Deadline) -> bool:
        return self._is_live(self._heads([self._names.entry(key)], deadline)[0])

    def _delete_all(self, keys: Iterable[str], deadline: Deadline) -> int:
        requests = []
        for key in keys:
            name = self._names.entry(key)
            requests += [(name, encode(b"GETRANGE", name, *_HEAD)), (name, encode(b"UNLINK", name))]
        got = self._servers.many(requests, deadline)
        count = 0
        for head, gone in zip(got[::2], got[1::2], strict=True):
            expect(deadline.what, gone, int)
            # An entry that had ended was absent; one that appeared between the two commands was there.
            count += gone == 1 and (head == b"" or self._is_live(head))
        return count

    def _unlink(self, names: list[bytes], deadline: Deadline) -> int:
        groups: dict[int, list[bytes]] = {}
        for name in names:
            groups.setdefault(slot(name) if self._servers.clustered else 0, []).append(name)
        gone = self._servers.many([(group[0], encode(b"UNLINK", *group)) for group in groups.values()], deadline)
        for each in gone:
            expect(deadline.what, each, int)
        return sum(cast("list[int]", gone))

    def _scan(self, address: Address, pattern: bytes, what: str) -> Iterator[list[bytes]]:
        """The names on one master that match, in steps of a budget each."""
        cursor = b"0"
        while True:
            command = encode(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _SCAN_COUNT)
            reply = self._servers.at(address, command, self._deadline(what))
            expect(what, reply, list)
            parts = cast("list[Reply]", reply)
            if len(parts) != 2 or not isinstance(parts[0], bytes) or not isinstance(parts[1], list):
                raise CacheUnavailable(f"{what}: the server's reply is of another command")
            if parts[1]:
                yield [name for name in parts[1] if isinstance(name, bytes)]
            cursor = parts[0]
            if cursor == b"0":
                return

    def _script(
        self,
        script: Script,
        names: tuple[bytes, ...],
        arguments: tuple[bytes, ...],
        deadline: Deadline,
        *,
        safe: bool = True,
    ) -> bytes | int:
        tail = (b"%d" % len(names), *names, *arguments)
        reply = self._servers.one(names[0], encode(b"EVALSHA", script.sha, *tail), deadline, safe=safe)
        if isinstance(reply, ErrorReply) and reply.code == "NOSCRIPT":
            reply = self._servers.one(names[0], encode(b"EVAL", script.source, *tail), deadline, safe=safe)
        if isinstance(reply, ErrorReply):
            raise refused(deadline.what, reply)
        expect(deadline.what, reply, (bytes, int))
        return cast("bytes | int", reply)


def _is_over(ttl: float | None) -> bool:
    return ttl is not None and ttl <= 0


def _is_integer(text: bytes) -> bool:
    return len(text) <= 20 and (text[1:] if text[:1] == b"-" else text).isdigit()


def _numbers(told: bytes) -> dict[str, int | float]:
    wanted = {b"used_memory": "bytes", b"maxmemory": "max_bytes", b"evicted_keys": "evictions"}
    found: dict[str, int | float] = {}
    for line in told.split(b"\r\n"):
        name, _, number = line.partition(b":")
        if name in wanted and number.isdigit():
            found[wanted[name]] = int(number)
    return found
