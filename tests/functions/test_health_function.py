"""`health.app`: liveness calls nobody, readiness names what is down, within its budget."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from health.app import lambda_handler
from lanner.aws import wire
from tests.functions.gateway_events import Answer, rest_event

Table = Callable[[dict[str, str]], None]


class Tables:
    """A server on loopback that speaks as much of DynamoDB as readiness asks for."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.asked: list[dict[str, object]] = []
        tables = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                tables.asked.append({"operation": self.headers["X-Amz-Target"].partition(".")[2], **call})
                missing = call["TableName"] in tables.missing
                body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}' if missing else b"{}"
                self.send_response(400 if missing else 200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The function's environment as the template gives it."""
    for name, value in {
        "LANNER_USERS_TABLE": "users",
        "LANNER_CATALOG_TABLE": "catalog",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    wire.reset()
    yield monkeypatch
    wire.reset()


@pytest.fixture
def tables(environment: pytest.MonkeyPatch) -> Iterator[Tables]:
    """Two tables that answer."""
    found = Tables()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", found.url)
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_liveness_is_exactly_this() -> None:
    """Load balancers compare bodies; a cache must not answer for the process."""
    answer = Answer(lambda_handler(rest_event("/health"), None))
    assert (answer.status, answer.body) == (200, b'{"status":"OK"}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-api-version"] == "v2"


def test_liveness_in_a_deprecated_version_says_nothing_of_deprecation() -> None:
    """A health check outlives the version it is asked in."""
    answer = Answer(lambda_handler(rest_event("/health", stage="v1"), None))
    assert answer.status == 200
    assert not {"deprecation", "sunset", "x-api-warn"} & set(answer.headers)


def test_ready_when_every_table_answers(tables: Tables) -> None:
    """Each dependency is asked for one item that cannot exist, as its policy allows."""
    answer = Answer(lambda_handler(rest_event("/health/ready"), None))
    assert answer.status == 200
    assert {name: check["status"] for name, check in answer.json()["checks"].items()} == {
        "users table": "OK",
        "catalog table": "OK",
    }
    assert {call["operation"] for call in tables.asked} == {"GetItem"}
    assert all(call["Key"]["pk"] == {"S": "HEALTH"} for call in tables.asked)  # type: ignore[index]
    assert answer.headers["cache-control"] == "no-store"


def test_not_ready_names_what_is_down(tables: Tables) -> None:
    """One missing table is 503; the other one is still reported as up."""
    tables.missing.add("catalog")
    answer = Answer(lambda_handler(rest_event("/health/ready"), None))
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    problem = answer.json()
    assert problem["detail"] == "Not ready: catalog table did not answer"
    assert {name: check["status"] for name, check in problem["checks"].items()} == {
        "users table": "OK",
        "catalog table": "DOWN",
    }


def test_not_ready_when_nobody_listens(environment: pytest.MonkeyPatch) -> None:
    """A refused connection is an answer in time, and says nothing of hosts."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    answer = Answer(lambda_handler(rest_event("/health/ready"), None))
    assert answer.status == 503
    assert {check["status"] for check in answer.json()["checks"].values()} == {"DOWN"}
    assert str(port).encode() not in answer.body
