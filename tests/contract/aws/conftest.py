"""A moto server in a process of its own, and clients of it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.clock import SystemClock

REGION = "eu-central-1"
START_DEADLINE_S = 30.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of a running moto server."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "moto ended instead of serving"
                assert time.monotonic() < deadline, "moto did not start in time"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wire_client(service: str, target_prefix: str, url: str) -> AwsJsonClient:
    """A wire client of moto."""
    return AwsJsonClient(
        service,
        target_prefix,
        region=REGION,
        endpoint=url,
        credentials=StaticCredentials(Credentials("AKIDEXAMPLE", "secret", "token")),
        clock=SystemClock(),
        default_budget_ms=10_000,
    )


@pytest.fixture
def dynamodb(moto_url: str) -> Iterator[AwsJsonClient]:
    """DynamoDB over the wire."""
    client = wire_client("dynamodb", "DynamoDB_20120810", moto_url)
    yield client
    client.reset()


@pytest.fixture
def sqs(moto_url: str) -> Iterator[AwsJsonClient]:
    """SQS over the wire."""
    client = wire_client("sqs", "AmazonSQS", moto_url)
    yield client
    client.reset()


@pytest.fixture
def boto(moto_url: str) -> Any:
    """Makes boto3 clients of moto."""
    import boto3

    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name=REGION)
    return lambda service: session.client(service, endpoint_url=moto_url)
