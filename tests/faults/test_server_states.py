"""Servers that answer, and will not do it: full, read-only, loading, another type, another login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.cache.cache import Cache
from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable, CacheValueError
from lanner.cache.functions import remember
from lanner.cache.memcached import MemcachedBackend
from lanner.cache.redis import RedisBackend
from lanner.clock import ManualClock
from tests.contract.cache.certificates import write_certificate
from tests.contract.cache.servers import HOST, PASSWORD, Server, ask, free_port, start_memcached, start_redis
from tests.faults.conftest import PATIENT_MS
from tests.faults.scripted_server import answering

SECRET = "s3cret-word"


def redis(port: int, **options: object) -> RedisBackend:
    return RedisBackend(HOST, port, budget_ms=PATIENT_MS, **options)  # type: ignore[arg-type]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Server]:
    """A Redis that a test may spoil."""
    server = start_redis(tmp_path)
    yield server
    server.stop()


def writes(cache: CacheBackend) -> dict[str, object]:
    """What each write raised or returned."""
    attempts = {
        "set": lambda: cache.set("new", b"x" * 100),
        "set_many": lambda: cache.set_many({"new": b"x"}),
        "add": lambda: cache.add("added", b"x"),
        "increment": lambda: cache.increment("n"),
        "acquire": lambda: cache.acquire("lease", "me", 10),
    }
    results: dict[str, object] = {}
    for name, attempt in attempts.items():
        try:
            results[name] = attempt()
        except Exception as error:
            results[name] = type(error)
    return results


def test_a_full_redis(own_redis: Server) -> None:
    """maxmemory without eviction: writes fail, reads and deletes go on, and writes after room was made."""
    cache = redis(own_redis.port)
    cache.set("key", b"value")
    assert ask(own_redis.port, b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction") == b"OK"
    assert ask(own_redis.port, b"CONFIG", b"SET", b"maxmemory", b"1") == b"OK"
    assert set(writes(cache).values()) == {CacheUnavailable}
    with pytest.raises(CacheUnavailable, match=r"redis set: the server refused \(OOM\)"):
        cache.set("key", b"other")
    assert cache.get("key") == CacheEntry(b"value")
    assert cache.delete("key") is True
    assert ask(own_redis.port, b"CONFIG", b"SET", b"maxmemory", b"0") == b"OK"
    assert CacheUnavailable not in writes(cache).values()


def test_a_read_only_replica(own_redis: Server) -> None:
    """As after a failover: writes fail, reads go on, and writes once it is a master again."""
    cache = redis(own_redis.port)
    cache.set("key", b"value")
    dead = free_port()
    assert ask(own_redis.port, b"REPLICAOF", HOST.encode(), b"%d" % dead) == b"OK"
    assert set(writes(cache).values()) == {CacheUnavailable}
    with pytest.raises(CacheUnavailable, match="READONLY"):
        cache.set("key", b"other")
    assert cache.get("key") == CacheEntry(b"value")
    assert ask(own_redis.port, b"REPLICAOF", b"NO", b"ONE") == b"OK"
    assert CacheUnavailable not in writes(cache).values()


def test_a_replica_without_its_master(own_redis: Server) -> None:
    """MASTERDOWN is unavailable, for reads too."""
    assert ask(own_redis.port, b"CONFIG", b"SET", b"replica-serve-stale-data", b"no") == b"OK"
    assert ask(own_redis.port, b"REPLICAOF", HOST.encode(), b"%d" % free_port()) == b"OK"
    with pytest.raises(CacheUnavailable, match="MASTERDOWN"):
        redis(own_redis.port).get("key")


def test_what_another_program_stored_is_replaced(redis_server: Server) -> None:
    """A miss of the facade and of a cached function, with the real server's errors."""
    backend = redis(redis_server.port, prefix="mixed")
    for key in (b"mixed|fn::list", b"mixed|list"):
        ask(redis_server.port, b"DEL", key)
        assert ask(redis_server.port, b"RPUSH", key, b"x") == 1
    cache = Cache(backend)
    assert cache.get("list") is None
    assert cache.set("list", 1)
    assert cache.get("list") == 1
    made = iter(range(9))
    assert [remember(backend, "list", 60, lambda: next(made)) for _ in range(2)] == [0, 0]


def test_what_another_program_stored(redis_server: Server) -> None:
    """Another type, or a string that is none of ours, is no value; a plain integer is a counter."""
    cache = redis(redis_server.port, prefix="foreign")
    ask(redis_server.port, b"DEL", b"foreign|list", b"foreign|text", b"foreign|n")
    assert ask(redis_server.port, b"RPUSH", b"foreign|list", b"x") == 1
    assert ask(redis_server.port, b"SET", b"foreign|text", b"not ours") == b"OK"
    assert ask(redis_server.port, b"INCRBY", b"foreign|n", b"41") == 41
    for key in ("list", "text"):
        with pytest.raises(CacheValueError):
            cache.get(key)
        with pytest.raises(CacheValueError):
            cache.increment(key)
        assert cache.exists(key) is True
    with pytest.raises(CacheValueError, match="WRONGTYPE"):
        cache.add("list", b"x")
    with pytest.raises(CacheValueError):
        cache.touch("list", 10)
    assert cache.get_many(["list", "text", "n"]) == {"n": CacheEntry(b"41")}
    assert cache.increment("n") == 42
    assert cache.touch("n", 100) is True
    assert sorted(cache.keys()) == ["list", "n", "text"]
    assert cache.delete("list") is True
    cache.set("text", b"ours")
    assert cache.get("text") == CacheEntry(b"ours")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"password": SECRET}, "WRONGPASS"),
        ({"username": "nobody", "password": SECRET}, "WRONGPASS"),
        ({}, "NOAUTH"),
        ({"password": PASSWORD, "database": 99}, "ERR"),
    ],
)
def test_a_login_that_is_refused(tmp_path: Path, options: dict[str, object], code: str) -> None:
    """Unavailable, by the server's code; neither error nor repr has the password."""
    server = start_redis(tmp_path, "--requirepass", PASSWORD)
    try:
        cache = redis(server.port, **options)
        with pytest.raises(CacheUnavailable, match=code) as caught:
            cache.get("key")
        told = f"{caught.value!r} {caught.value.__cause__!r} {cache!r} {vars(cache)!r}"
        assert SECRET not in told and PASSWORD not in told
    finally:
        server.stop()


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """Is unavailable, whoever it claims to be; nothing was sent before it was checked."""
    bundle = write_certificate(tmp_path / "server.pem")
    elsewhere = write_certificate(tmp_path / "elsewhere.pem", address="127.0.0.2")
    server = start_redis(tmp_path, "--requirepass", PASSWORD, tls=bundle)
    try:
        with pytest.raises(CacheUnavailable, match="does not verify"):
            redis(server.port, tls=True, password=PASSWORD).get("key")
        with pytest.raises(CacheUnavailable, match="does not verify"):
            redis(server.port, tls=True, password=PASSWORD, ca_bundle=str(elsewhere)).get("key")
        assert redis(server.port, tls=True, password=PASSWORD, ca_bundle=str(bundle)).get("key") is None
        with pytest.raises(CacheUnavailable):
            redis(server.port, password=PASSWORD).get("key")
    finally:
        server.stop()


def test_a_user_with_few_rights(tmp_path: Path) -> None:
    """An ACL user may do what it may; the rest is unavailable."""
    server = start_redis(tmp_path)
    try:
        rules = (b"on", b">" + PASSWORD.encode(), b"~mine*", b"+get", b"+set", b"+select")
        assert ask(server.port, b"ACL", b"SETUSER", b"reader", *rules) == b"OK"
        cache = redis(server.port, username="reader", password=PASSWORD, prefix="mine", database=2)
        cache.set("key", b"value")
        assert cache.get("key") == CacheEntry(b"value")
        with pytest.raises(CacheUnavailable, match="NOPERM"):
            cache.increment("n")
        with pytest.raises(CacheUnavailable, match="NOPERM"):
            redis(server.port, username="reader", password=PASSWORD, prefix="theirs").get("key")
    finally:
        server.stop()


@pytest.mark.parametrize(
    "reply",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
        b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        b"-ERR unknown command, with args beginning with: " + SECRET.encode() + b"\r\n",
        b"-" + SECRET.encode() + b"\r\n",
        b"-\r\n",
        b":1\r\n",
        b"*0\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"+OK\r\n+more\r\n",
        b"$-2\r\n",
        b"$5\r\nabcdefg\r\n",
        b"$99999999999\r\n",
        b":twelve\r\n",
        b"*-7\r\n",
        b"*1\r\n" * 20,
        b"%1\r\n+resp\r\n:3\r\n",
        b"VALUE x 0 1\r\nx\r\nEND\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-MOVED 1 :0:\r\n",
        b"-MOVED 99999 127.0.0.1:1\r\n",
        b"-MOVED x 127.0.0.1:1\r\n",
    ],
    ids=repr,
)
def test_replies_that_are_no_values_for_get(reply: bytes) -> None:
    """Unavailable, and the message repeats nothing of what was said."""
    with answering(reply) as server, pytest.raises(CacheUnavailable) as caught:
        redis(server.port).get("key")
    assert SECRET not in str(caught.value)


def test_a_server_that_redirects_in_circles() -> None:
    """Ends after a few, and is unavailable."""
    with answering(lambda _: b"-MOVED 12539 127.0.0.1:%d\r\n" % server.port) as server:
        with pytest.raises(CacheUnavailable, match="redirected more than 5 times"):
            redis(server.port).get("key")
        assert len(server.received) == 6


def test_a_full_memcached() -> None:
    """Without eviction, stores fail when memory is used up; what is there is still read."""
    server = start_memcached("-m", "8", "-M")
    try:
        cache = MemcachedBackend(HOST, server.port, budget_ms=PATIENT_MS)
        cache.set("key", b"value")
        with pytest.raises(CacheUnavailable, match="SERVER_ERROR"):
            for number in range(10_000):
                cache.set(f"key {number}", b"x" * 10_000)
        assert cache.get("key") == CacheEntry(b"value")
        assert cache.delete("key") is True
    finally:
        server.stop()


def test_a_value_that_memcached_cannot_hold() -> None:
    """`CacheValueError`, the old value is gone, and the connection's next answers are its own."""
    server = start_memcached()
    try:
        cache = MemcachedBackend(HOST, server.port, budget_ms=PATIENT_MS)
        cache.set("key", b"old")
        with pytest.raises(CacheValueError, match="larger"):
            cache.set("key", b"x" * 2_000_000)
        with pytest.raises(CacheValueError):
            cache.add("other", b"x" * 2_000_000)
        cache.acquire("key", "me", 10)
        with pytest.raises(CacheValueError):
            cache.set_held("key", b"x" * 2_000_000, 10, "me")
        assert cache.get("key") is None
        cache.set("key", b"new")
        assert cache.get("key") == CacheEntry(b"new")
    finally:
        server.stop()


@pytest.mark.parametrize(
    "reply",
    [
        b"ERROR\r\n",
        b"CLIENT_ERROR bad data chunk " + SECRET.encode() + b"\r\n",
        b"SERVER_ERROR out of memory storing object\r\n",
        b"STORED\r\n",
        b"END\r\nEND\r\n",
        b"VALUE\r\n",
        b"VALUE somebody 0 1 1\r\nx\r\nEND\r\n",
        b"VALUE %|generation 0 99999999999999 1\r\n",
        b"VALUE %|generation 0 -1 1\r\n",
        b"STORED\r\nVALUE %|generation 0 3 1\r\nabcdef\r\nEND\r\n",
        b"STORED\r\nEND\r\nEND\r\n",
        b"+OK\r\n",
        b"\x81\x00\x00\x00\r\n",
    ],
    ids=repr,
)
def test_answers_that_are_none_of_memcached(reply: bytes) -> None:
    """Unavailable, and the message repeats nothing of what was said."""
    with answering(reply) as server, pytest.raises(CacheUnavailable) as caught:
        MemcachedBackend(HOST, server.port, budget_ms=200).get("key")
    assert SECRET not in str(caught.value)


def test_a_memcached_that_was_emptied(tmp_path: Path) -> None:
    """flush_all takes the generation too: everything is a miss, and new values are kept."""
    server = start_memcached()
    try:
        clock = ManualClock()
        cache = MemcachedBackend(HOST, server.port, prefix="x", budget_ms=PATIENT_MS, clock=clock)
        other = MemcachedBackend(HOST, server.port, prefix="x", budget_ms=PATIENT_MS, clock=clock)
        cache.set("key", b"value")
        assert other.get("key") == CacheEntry(b"value")
        ask_memcached(server.port, b"flush_all\r\n")
        assert cache.get("key") is None
        cache.set("key", b"new")
        assert other.get("key") == CacheEntry(b"new")
        ask_memcached(server.port, b"set x%|generation 0 0 7\r\nno good\r\n")
        assert cache.get("key") is None
        cache.set("key", b"newer")
        assert other.get("key") == CacheEntry(b"newer")
    finally:
        server.stop()


def ask_memcached(port: int, command: bytes) -> bytes:
    """The first piece of a Memcached's answer."""
    import socket

    with socket.create_connection((HOST, port)) as sock:
        sock.sendall(command)
        return sock.recv(65536)


@pytest.mark.parametrize("kind", [RedisBackend, MemcachedBackend])
def test_a_budget_is_spent_on_silence_once(kind: type[RedisBackend] | type[MemcachedBackend]) -> None:
    """No second attempt after a budget: the error says that it is spent."""
    with answering(b"") as server:
        cache = kind(HOST, server.port, budget_ms=50)
        with pytest.raises(CacheBudgetSpent, match="the budget of 50 ms is spent"):
            cache.get("key")
        assert server.connections == 1
