"""Real servers behind the proxy, one backend of each kind that reaches its server through it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.cache.backend import CacheBackend
from lanner.cache.dynamodb import TABLE_DEFINITION, DynamoDBBackend
from lanner.cache.memcached import MemcachedBackend
from lanner.cache.redis import RedisBackend
from lanner.clock import SystemClock
from tests.contract.cache.certificates import write_certificate
from tests.contract.cache.servers import HOST, PASSWORD, Server, start_memcached, start_redis
from tests.faults.proxy import Proxy

TABLE = "cache-faults"
PATIENT_MS = 20_000


class Target:
    """A backend behind a proxy, and one that is not."""

    def __init__(self, proxy: Proxy, make: Callable[..., CacheBackend], direct_port: int) -> None:
        self.proxy = proxy
        self._make = make
        self._prefix = f"f{os.getpid()}-{next(_numbers)}-"
        self.direct = make(direct_port, self._prefix, PATIENT_MS)

    def through(self, budget_ms: float) -> CacheBackend:
        """The backend that has to cope."""
        return self._make(self.proxy.port, self._prefix, budget_ms)


_numbers = itertools.count()


def dynamodb_client(port: int) -> AwsJsonClient:
    """A wire client of a port of loopback."""
    return AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-west-1",
        endpoint=f"http://{HOST}:{port}",
        credentials=StaticCredentials(Credentials("AKIDEXAMPLE", "not-a-secret")),
        clock=SystemClock(),
    )


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis for the session."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_target(redis_server: Server) -> tuple[int, Callable[..., CacheBackend]]:
    """Redis."""

    def make(port: int, prefix: str, budget_ms: float) -> CacheBackend:
        return RedisBackend(HOST, port, prefix=prefix, budget_ms=budget_ms)

    return redis_server.port, make


@pytest.fixture(scope="session")
def redis_tls_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Callable[..., CacheBackend]]]:
    """Redis with TLS and a password."""
    folder = tmp_path_factory.mktemp("redis_tls")
    bundle = write_certificate(folder / "server.pem")
    server = start_redis(folder, "--requirepass", PASSWORD, tls=bundle)

    def make(port: int, prefix: str, budget_ms: float) -> CacheBackend:
        return RedisBackend(
            HOST, port, prefix=prefix, budget_ms=budget_ms, tls=True, password=PASSWORD, ca_bundle=str(bundle)
        )

    yield server.port, make
    server.stop()


@pytest.fixture(scope="session")
def memcached_target() -> Iterator[tuple[int, Callable[..., CacheBackend]]]:
    """Memcached."""
    server = start_memcached()

    def make(port: int, prefix: str, budget_ms: float) -> CacheBackend:
        return MemcachedBackend(HOST, port, prefix=prefix, budget_ms=budget_ms)

    yield server.port, make
    server.stop()


@pytest.fixture(scope="session")
def dynamodb_target(moto_server: str) -> tuple[int, Callable[..., CacheBackend]]:
    """DynamoDB, as moto has it."""
    upstream = int(moto_server.rpartition(":")[2])
    definition: dict[str, Any] = {"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST", **TABLE_DEFINITION}
    dynamodb_client(upstream).call("CreateTable", definition, budget_ms=PATIENT_MS)

    def make(port: int, prefix: str, budget_ms: float) -> CacheBackend:
        return DynamoDBBackend(TABLE, prefix=prefix, budget_ms=budget_ms, client=dynamodb_client(port))

    return upstream, make


@pytest.fixture(params=["redis", "redis_tls", "memcached", "dynamodb"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Each network backend behind a proxy of its own."""
    upstream, make = request.getfixturevalue(f"{request.param}_target")
    proxy = Proxy(upstream)
    yield Target(proxy, make, upstream)
    proxy.stop()
