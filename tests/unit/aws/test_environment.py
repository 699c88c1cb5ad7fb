"""What the environment decides: endpoints, regions, the process's clients, and what an import loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lanner.aws import clients, wire
from lanner.aws.connection import Endpoint
from lanner.aws.endpoints import service_endpoint, service_region
from lanner.aws.errors import AwsError
from tests.unit.aws.fault_server import FaultServer


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "https://dynamodb.eu-central-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://b:2"}, "http://b:2"),
        ({"AWS_ENDPOINT_URL_SQS": "http://b:2"}, "https://dynamodb.eu-central-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://a:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://dynamodb.eu-central-1.amazonaws.com",
        ),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "https://dynamodb-fips.eu-central-1.amazonaws.com"),
    ],
)
def test_endpoints_are_chosen_as_the_sdks_do(environ: dict[str, str], url: str) -> None:
    """The service's variable, then the general one, then the public endpoint."""
    assert service_endpoint("dynamodb", "eu-central-1", environ) == url


def test_china_has_a_domain_of_its_own() -> None:
    """Regions named cn-* are in another partition."""
    assert service_endpoint("sqs", "cn-north-1", {}) == "https://sqs.cn-north-1.amazonaws.com.cn"


def test_the_region_is_asked_for_by_name() -> None:
    """AWS_REGION, then AWS_DEFAULT_REGION; neither, or nonsense, is an error that names the variable."""
    assert service_region({"AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"
    for environ in ({}, {"AWS_REGION": "evil.example/"}):
        with pytest.raises(AwsError, match="AWS_REGION is"):
            service_region(environ)


@pytest.mark.parametrize(
    "url", ["", "localhost:1", "ftp://a", "http://", "http://a/path", "http://a?q=1", "http://u@a", "http://a:x"]
)
def test_an_endpoint_is_a_scheme_and_a_host(url: str) -> None:
    """Anything else is named in the error."""
    with pytest.raises(AwsError, match="the endpoint"):
        Endpoint(url)


def test_default_ports_are_not_in_the_host_header() -> None:
    """Host holds the port only where it is unusual, and brackets around IPv6."""
    assert [Endpoint(url).authority for url in ("https://a", "https://a:443", "http://a:81", "http://[::1]:81")] == [
        "a",
        "a",
        "a:81",
        "[::1]:81",
    ]


@pytest.fixture
def environment(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """`server` as the process's AWS."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
    wire.reset()
    clients.reset()
    yield server
    wire.reset()
    clients.reset()


def test_the_processs_clients_are_made_once(environment: FaultServer) -> None:
    """dynamodb() and sqs() give the same client each time, and speak to their own service."""
    assert wire.dynamodb() is wire.dynamodb()
    assert wire.sqs() is wire.sqs()
    wire.dynamodb().call("GetItem", {})
    wire.sqs().call("SendMessage", {})
    assert [request.headers["x-amz-target"] for request in environment.requests] == [
        "DynamoDB_20120810.GetItem",
        "AmazonSQS.SendMessage",
    ]


def test_reset_reads_the_environment_again(environment: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restore another endpoint may hold."""
    before = wire.dynamodb()
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert wire.dynamodb() is before
    wire.reset()
    wire.dynamodb().call("GetItem", {})
    assert "/us-east-1/dynamodb/" in environment.requests[0].headers["authorization"]


def test_boto3_clients_are_kept_for_each_service_and_region(environment: FaultServer) -> None:
    """One client for one (service, region, endpoint), with short timeouts and standard retries."""
    first = clients.client("sqs")
    assert clients.client("sqs") is first
    assert clients.client("sqs", region="us-east-1") is not first
    config = first.meta.config
    assert (config.connect_timeout, config.read_timeout) == (clients.CONNECT_TIMEOUT_S, clients.READ_TIMEOUT_S)
    assert config.retries["mode"] == "standard"
    assert first.meta.endpoint_url == environment.url
    clients.reset()
    assert clients.client("sqs") is not first


HEAVY = {"boto3", "botocore", "ssl", "socket", "http.client", "urllib.parse", "email", "asyncio", "orjson", "random"}


@pytest.mark.parametrize("module", ["wire", "invoke", "dynamodb", "clients", "credentials", "sigv4", "errors"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    """A fresh interpreter that imports a module of lanner.aws has loaded none of these, by name."""
    shared = Path(wire.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(shared)!r}); import lanner.aws.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY.isdisjoint(loaded.split())
