"""A request for a version that another function serves is handed to it, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import orjson
import pytest

from lanner.aws import invoke
from lanner.pipeline.forward import MARK
from tests.builders import query_of, rest_event


class Sibling(BaseHTTPRequestHandler):
    """Lambda's Invoke, answering as the sibling function would."""

    protocol_version = "HTTP/1.1"
    received: ClassVar[list[tuple[str, Any]]] = []
    answer: ClassVar[tuple[int, dict[str, str], bytes]] = (200, {}, b"{}")

    def do_POST(self) -> None:
        event = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        self.received.append((self.path, event))
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing."""


@pytest.fixture
def sibling(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Sibling]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sibling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LANNER_FORWARD_V1", "users-v1:live")
    monkeypatch.setattr(invoke, "_kept", [])
    Sibling.received = []
    yield Sibling
    server.shutdown()
    server.server_close()


@pytest.fixture
def second(api: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: api(versions=("v2",), paths={"/things": "GET"})


BY_QUERY = rest_event(path="/things", query=query_of("version=1"))


def test_the_sibling_answers(second: Callable[[], Any], sibling: type[Sibling]) -> None:
    """Same event, same answer, headers and cookies included."""
    answer = {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-api-version": "v1"},
        "multiValueHeaders": {"set-cookie": ["a=1"]},
        "body": '{"from":"v1"}',
        "isBase64Encoded": False,
    }
    sibling.answer = (200, {}, orjson.dumps(answer))
    made = second()
    status, headers, body = made(BY_QUERY)
    assert (status, headers["x-api-version"], body) == (200, "v1", {"from": "v1"})
    ((path, event),) = sibling.received
    assert path == "/2015-03-31/functions/users-v1%3Alive/invocations"
    assert event == {**BY_QUERY, MARK: True}


def test_what_was_forwarded_is_not_forwarded_again(second: Callable[[], Any], sibling: type[Sibling]) -> None:
    """Two functions that name each other do not play ping-pong."""
    status, _, body = second()({**BY_QUERY, MARK: True})
    assert (status, body["type"]) == (404, "/problems/version-not-here")
    assert sibling.received == []


def test_a_sibling_that_fails_is_a_503(second: Callable[[], Any], sibling: type[Sibling]) -> None:
    """Its error is ours to explain, with a time to come back."""
    sibling.answer = (200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType":"E","errorMessage":"m"}')
    status, headers, body = second()(BY_QUERY)
    assert (status, headers["retry-after"], body["type"]) == (503, "1", "/problems/unavailable")


def test_nobody_to_forward_to_is_a_404(second: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer lists what is served here."""
    monkeypatch.delenv("LANNER_FORWARD_V1", raising=False)
    status, _, body = second()(BY_QUERY)
    assert (status, body["supported"]) == (404, ["v2"])
