"""HTTP messages as the gateway sees them, after the wire and before any API's rules.

Nothing is decoded here that a client could have meant otherwise: `path` and `query` are the bytes of the request
target as text, header names keep their case and their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

REASONS: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class HttpHead:
    """Request line and header section of one request.

    `fields` holds the last value per lower-case name; `headers` everything as sent. `content_length` is None where
    none was sent.
    """

    method: str
    path: str
    query: str
    version: str  # `HTTP/1.1`
    headers: tuple[tuple[str, str], ...]
    fields: Mapping[str, str]
    host: str  # host[:port] as sent; "" for an HTTP/1.0 request without one
    content_length: int | None = None
    chunked: bool = False
    keep_alive: bool = True
    expects_continue: bool = False


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One whole request and where it came from."""

    head: HttpHead
    body: bytes = b""
    client: str = "127.0.0.1"
    server_port: int = 0

    def header(self, name: str) -> str | None:
        """The last value of a header by its lower-case `name`."""
        return self.head.fields.get(name)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One response. `headers` go out as they are; Date, Content-Length and Connection are the server's."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    note: str = field(default="", compare=False)  # for the developer's eyes: why this answer; never sent

    def header(self, name: str) -> str | None:
        """The first value of a header by its lower-case `name`."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


def json_answer(status: int, body: bytes, *headers: tuple[str, str], note: str = "") -> HttpAnswer:
    """An answer with `application/json`."""
    return HttpAnswer(status, (("Content-Type", "application/json"), *headers), body, note)


def host_name(host: str) -> str:
    """The lower-case name in a Host value, without port and IPv6 brackets."""
    if host.startswith("["):
        return host[1 : host.find("]")].lower()
    return host.partition(":")[0].lower()
