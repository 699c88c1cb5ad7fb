"""Every backend over the real thing, behind one fixture: `store` makes caches of one kind in one place."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.cache.backend import CacheBackend
from lanner.cache.dynamodb import TABLE_DEFINITION, DynamoDBBackend
from lanner.cache.file import FileBackend
from lanner.cache.memcached import MemcachedBackend
from lanner.cache.memory import MemoryBackend
from lanner.cache.redis import RedisBackend
from lanner.cache.tiered import TieredCache
from lanner.clock import Clock, ManualClock, SystemClock
from tests.contract.cache.certificates import write_certificate
from tests.contract.cache.servers import (
    HOST,
    PASSWORD,
    Server,
    start_cluster,
    start_memcached,
    start_redis,
)

BUDGET_MS = 20_000
"""No test here is about the budget, and the machine may be busy."""

TABLE = "cache-contract"
LARGEST_ITEM = "8m"


class Kind(NamedTuple):
    """A kind of store: its fixture, and what is true of it."""

    fixture: str
    shared: bool = True
    """Whether two caches of one prefix are one, also in another process."""
    negative: bool = True


KINDS = {
    "memory": Kind("memory_store", shared=False),
    "file": Kind("file_store"),
    "dynamodb": Kind("dynamodb_store"),
    "redis": Kind("redis_store"),
    "redis-cluster": Kind("redis_cluster_store"),
    "redis-tls": Kind("redis_tls_store"),
    "memcached": Kind("memcached_store", negative=False),
    "memcached-tls": Kind("memcached_tls_store", negative=False),
    "tiered": Kind("tiered_store", shared=False),
    "tiered-expired": Kind("tiered_expired_store"),
}

Make = Callable[..., CacheBackend]


class Store:
    """One kind of store. `make` gives a cache in it; each test's prefix is its own."""

    def __init__(self, name: str, kind: Kind, make: Make, prefix: str) -> None:
        self.name = name
        self.kind = kind
        self._make = make
        self._prefix = prefix
        self._made: list[CacheBackend] = []

    def make(self, prefix: str = "", clock: Any = None) -> CacheBackend:
        """A cache with the test's prefix and this one behind it."""
        made = self._make(prefix=self._prefix + prefix, clock=clock or SystemClock())
        self._made.append(made)
        return made

    def close(self) -> None:
        for each in self._made:
            each.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis for the session."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def memcached_server() -> Iterator[Server]:
    """A Memcached for the session, with room for large values."""
    server = start_memcached("-I", LARGEST_ITEM, "-m", "128")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def memory_store() -> Make:
    """Caches in this process, each of its own."""
    return lambda prefix, clock: MemoryBackend(clock=clock)


@pytest.fixture(scope="session")
def file_store(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Caches in one folder."""
    folder = str(tmp_path_factory.mktemp("files") / "cache")
    return lambda **options: FileBackend(folder, **{"budget_ms": BUDGET_MS, **options})


@pytest.fixture(scope="session")
def tiered_expired_store(redis_store: Make) -> Make:
    """Memory in front of one Redis, so that nothing is seen late: the near tier keeps nothing for long."""

    def make(prefix: str, clock: Clock) -> CacheBackend:
        shared = redis_store(prefix=prefix, clock=clock)
        return TieredCache([MemoryBackend(clock=clock), shared], l1_ttl=1e-9, jitter=0, clock=clock)

    return make


@pytest.fixture(scope="session")
def tiered_store(redis_store: Make) -> Make:
    """Memory in front of one Redis, without jitter and limit of its own, so that lifetimes are those asked for."""

    def make(prefix: str, clock: Clock) -> CacheBackend:
        tiers = [MemoryBackend(clock=clock), redis_store(prefix=prefix, clock=clock)]
        return TieredCache(tiers, l1_ttl=None, jitter=0, clock=clock)

    return make


@pytest.fixture(scope="session")
def redis_store(redis_server: Server) -> Make:
    """Caches in one Redis."""
    return lambda **options: RedisBackend(HOST, redis_server.port, budget_ms=BUDGET_MS, **options)


@pytest.fixture(scope="session")
def redis_cluster_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Caches in a cluster of three masters."""
    servers = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield lambda **options: RedisBackend(HOST, servers[0].port, cluster=True, budget_ms=BUDGET_MS, **options)
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def redis_tls_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Caches in a Redis that speaks TLS and wants a password, in its database 3."""
    folder = tmp_path_factory.mktemp("redis_tls")
    bundle = write_certificate(folder / "server.pem")
    server = start_redis(folder, "--requirepass", PASSWORD, tls=bundle)
    yield lambda **options: RedisBackend(
        HOST,
        server.port,
        tls=True,
        username="default",
        password=PASSWORD,
        database=3,
        ca_bundle=str(bundle),
        budget_ms=BUDGET_MS,
        **options,
    )
    server.stop()


@pytest.fixture(scope="session")
def memcached_store(memcached_server: Server) -> Make:
    """Caches in one Memcached."""
    return lambda **options: MemcachedBackend(HOST, memcached_server.port, budget_ms=BUDGET_MS, **options)


@pytest.fixture(scope="session")
def memcached_tls_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Caches in a Memcached that speaks TLS."""
    folder = tmp_path_factory.mktemp("memcached_tls")
    folder.chmod(0o755)
    bundle = write_certificate(folder / "server.pem")
    server = start_memcached("-I", LARGEST_ITEM, "-m", "128", tls=bundle)
    yield lambda **options: MemcachedBackend(
        HOST, server.port, tls=True, ca_bundle=str(bundle), budget_ms=BUDGET_MS, **options
    )
    server.stop()


@pytest.fixture(scope="session")
def dynamodb_client(moto_server: str) -> AwsJsonClient:
    """A wire client of moto."""
    return AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-west-1",
        endpoint=moto_server,
        credentials=StaticCredentials(Credentials("AKIDEXAMPLE", "not-a-secret")),
        clock=SystemClock(),
    )


@pytest.fixture(scope="session")
def dynamodb_store(dynamodb_client: AwsJsonClient) -> Make:
    """Caches in one table."""
    dynamodb_client.call(
        "CreateTable", {"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST", **TABLE_DEFINITION}, budget_ms=BUDGET_MS
    )
    return lambda **options: DynamoDBBackend(TABLE, client=dynamodb_client, budget_ms=BUDGET_MS, **options)


_numbers = itertools.count()


@pytest.fixture(params=sorted(KINDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store, empty as far as the test can see."""
    kind = KINDS[request.param]
    make = request.getfixturevalue(kind.fixture)
    made = Store(request.param, kind, make, f"t{os.getpid()}-{next(_numbers)}-")
    yield made
    made.close()


@pytest.fixture
def clock() -> ManualClock:
    """The clock of `cache`; the store has its own."""
    return ManualClock()


@pytest.fixture
def cache(store: Store, clock: ManualClock) -> CacheBackend:
    """A cache of each kind, whose clock the test moves."""
    return store.make(clock=clock)
