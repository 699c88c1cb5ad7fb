"""A scripted server, a standing clock, and a client of the one by the other."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.clock import ManualClock
from tests.unit.aws.fault_server import FaultServer

KEYS = Credentials("AKIDEXAMPLE", "secret-of-example")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that answers `{}` unless its script says otherwise."""
    served = FaultServer()
    yield served
    served.stop()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only moves by what the code under test sleeps."""
    return ManualClock(time.time())


@pytest.fixture
def client(server: FaultServer, clock: ManualClock) -> Iterator[AwsJsonClient]:
    """A DynamoDB client of `server`."""
    made = AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-central-1",
        endpoint=server.url,
        credentials=StaticCredentials(KEYS),
        clock=clock,
    )
    yield made
    made.reset()
