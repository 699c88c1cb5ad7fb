"""A Redis cluster that changes under its clients: slots that move, masters that die."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable
from lanner.cache.redis import RedisBackend
from lanner.cache.slots import slot
from tests.contract.cache.servers import HOST, Server, ask, start_cluster
from tests.faults.conftest import PATIENT_MS
from tests.faults.proxy import Proxy


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[Server]]:
    """Three masters that a test may spoil."""
    servers = start_cluster(tmp_path)
    yield servers
    for server in servers:
        server.stop()


def backend(server: Server, *, cluster: bool = True) -> RedisBackend:
    return RedisBackend(HOST, server.port, cluster=cluster, budget_ms=PATIENT_MS)


def node_id(server: Server) -> bytes:
    found = ask(server.port, b"CLUSTER", b"MYID")
    assert isinstance(found, bytes)
    return found


def owner(key: str) -> int:
    """Which of the three masters has a key's slot."""
    number = slot(f"|{key}".encode())
    return next(master for master in range(3) if number < (master + 1) * 16384 // 3)


def keys_of(master: int, count: int) -> list[str]:
    """Keys whose slots one master has."""
    return [key for key in map("key {}".format, range(1000)) if owner(key) == master][:count]


def test_a_client_that_knows_of_no_cluster_learns_it(cluster: list[Server]) -> None:
    """The first MOVED says so; many keys, lists and scripts work at once."""
    cache = backend(cluster[0], cluster=False)
    values = {f"key {number}": b"%d" % number for number in range(100)}
    cache.set_many(values)
    assert cache.get_many(values) == {key: CacheEntry(value) for key, value in values.items()}
    assert cache.acquire("key 1", "me", 10) and cache.set_held("key 1", b"new", None, "me")
    assert sorted(cache.keys()) == sorted(values)
    assert cache.statistics()["entries"] == 100
    assert cache.clear() == 100
    cache.close()


def test_a_list_is_of_every_master(cluster: list[Server]) -> None:
    """Also for a client that was not told of a cluster and has met none."""
    cache = backend(cluster[0])
    cache.set_many({f"key {number}": b"" for number in range(60)})
    for operation in (lambda fresh: len(list(fresh.keys())), lambda fresh: fresh.clear()):
        assert operation(backend(cluster[1], cluster=False)) == 60
    cache.close()


def test_a_seed_that_falls_silent(cluster: list[Server]) -> None:
    """Costs one operation its budget; the next one asks another master."""
    proxy = Proxy(cluster[0].port)
    cache = RedisBackend(HOST, proxy.port, cluster=True, budget_ms=1000)
    (kept,) = keys_of(1, 1)
    cache.set(kept, b"x")
    proxy.switch("silent")
    assert cache.get(kept) == CacheEntry(b"x")
    cache.reset()
    with pytest.raises(CacheBudgetSpent):
        cache.get(kept)
    assert cache.get(kept) == CacheEntry(b"x")
    cache.close()
    proxy.stop()


def test_keys_are_on_every_master(cluster: list[Server]) -> None:
    """The map is used: each master has its share, and answers for itself."""
    cache = backend(cluster[1])
    cache.set_many({f"key {number}": b"" for number in range(300)})
    sizes = [ask(server.port, b"DBSIZE") for server in cluster]
    assert all(isinstance(size, int) and size > 50 for size in sizes)
    assert cache.delete_many([f"key {number}" for number in range(300)]) == 300
    cache.close()


def test_a_slot_that_moves(cluster: list[Server]) -> None:
    """ASK while it does, MOVED once it has, for one key and for many."""
    cache = backend(cluster[0])
    key, there = keys_of(0, 2)
    cache.set(there, b"stays")
    number = b"%d" % slot(f"|{key}".encode())
    first, second = node_id(cluster[0]), node_id(cluster[1])
    assert ask(cluster[1].port, b"CLUSTER", b"SETSLOT", number, b"IMPORTING", first) == b"OK"
    assert ask(cluster[0].port, b"CLUSTER", b"SETSLOT", number, b"MIGRATING", second) == b"OK"
    # Absent in the old place: asked of the new one, where a script and a plain command both write.
    assert cache.get(key) is None
    cache.set(key, b"value", 100)
    assert cache.increment(f"{{|{key}}}n", 5) == 5
    assert cache.get_many([key, there]).keys() == {key, there}
    assert ask(cluster[0].port, b"DBSIZE") == 1
    for server in (cluster[1], cluster[0], cluster[2]):
        assert ask(server.port, b"CLUSTER", b"SETSLOT", number, b"NODE", second) == b"OK"
    assert cache.get_many([key, there]).keys() == {key, there}
    assert cache.delete(key) is True
    assert sorted(cache.keys()) == sorted([there, f"{{|{key}}}n"])
    cache.close()


def test_a_master_that_dies(cluster: list[Server]) -> None:
    """Its keys are unavailable; the seed's death leaves the others in use."""
    cache = backend(cluster[0])
    (lost,), (kept,) = keys_of(0, 1), keys_of(1, 1)
    for server in cluster:
        assert ask(server.port, b"CONFIG", b"SET", b"cluster-require-full-coverage", b"no") == b"OK"
    cache.set_many({lost: b"x", kept: b"x"})
    cluster[0].stop()
    for _ in range(3):
        with pytest.raises(CacheUnavailable):
            cache.get(lost)
        assert cache.get(kept) == CacheEntry(b"x")
    cache.reset()
    with contextlib.suppress(CacheUnavailable):
        cache.get(lost)
    assert cache.get(kept) == CacheEntry(b"x")
    cache.close()


def test_a_cluster_without_all_slots(cluster: list[Server]) -> None:
    """CLUSTERDOWN, or a slot that nobody serves, is unavailable; it works again when it is served."""
    cache = backend(cluster[0])
    (key,) = keys_of(0, 1)
    cache.set(key, b"value")
    number = b"%d" % slot(f"|{key}".encode())
    for server in cluster:
        assert ask(server.port, b"CLUSTER", b"DELSLOTS", number) == b"OK"
    with pytest.raises(CacheUnavailable, match="CLUSTERDOWN"):
        cache.get(key)
    for server in cluster:
        ask(server.port, b"CLUSTER", b"SETSLOT", number, b"NODE", node_id(cluster[0]))
    for _ in range(1000):
        with contextlib.suppress(CacheUnavailable):
            cache.get(key)
            break
    else:
        pytest.fail("it does not come back")
    cache.close()
