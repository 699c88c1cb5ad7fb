"""HTTP/1.1 for the engine: parsing by httptools, one connection a protocol, answers in the order of requests.

Keep-alive, pipelining, chunked bodies, `Expect: 100-continue` (S3 clients wait for it), HEAD. A malformed request is
answered 400 and its connection closed; a body above `LIMIT` is 413. TCP_NODELAY is set, or every kept-alive answer
would wait 40 ms for the peer's delayed acknowledgement.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httptools

LIMIT = 512 * 1024 * 1024  # bytes of one body; S3 parts are held in memory
_NO_BODY = (204, 304)


@dataclass
class Request:
    """One request as it stands on the wire; header names in lower case."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    keep_alive: bool = True

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True)
class Answer:
    """A status line's rest (`200 OK`), headers and the whole body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class Answering(Protocol):
    """What answers requests; `None` from `answer` means that `wait` has to be awaited for it."""

    def answer(self, request: Request) -> Answer | None: ...

    async def wait(self, request: Request) -> Answer: ...


async def serve_socket(listener: socket.socket, make: Callable[[], Connection]) -> asyncio.Server:
    """Serve an already bound socket."""
    return await asyncio.get_running_loop().create_server(make, sock=listener)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, application: Answering) -> None:
        self._application = application
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: list[Request] = []
        self._waiting: asyncio.Task[None] | None = None
        self._request = Request("", "")
        self._parts: list[bytes] = []
        self._size = 0

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._transport = None
        self._queue.clear()
        if self._waiting is not None:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("501 Not Implemented", "this server does not upgrade connections")
        except httptools.HttpParserError as error:
            self._refuse("400 Bad Request", f"malformed request: {error}")
        self._drain()

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        self._request = Request("", "")
        self._parts = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._request.method = self._parser.get_method().decode("latin-1")
        self._request.keep_alive = self._parser.should_keep_alive()
        if self._request.header("expect").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > LIMIT:
            self._refuse("413 Payload Too Large", f"a body may have {LIMIT} bytes")
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
        self._request.body = b"".join(self._parts)
        self._queue.append(self._request)

    # -- answering

    def _drain(self) -> None:
        """Answer what has arrived, in order; stop where an answer has to be waited for."""
        while self._queue and self._waiting is None and self._transport is not None:
            request = self._queue.pop(0)
            answer = self._application.answer(request)
            if answer is None:
                self._waiting = asyncio.get_running_loop().create_task(self._wait(request))
            else:
                self._send(request, answer)

    async def _wait(self, request: Request) -> None:
        answer = await self._application.wait(request)
        self._waiting = None
        self._send(request, answer)
        self._drain()

    def _send(self, request: Request, answer: Answer) -> None:
        if self._transport is None:
            return
        status = int(answer.status[:3])
        lines = [f"HTTP/1.1 {answer.status}"]
        length = None
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in ("connection", "transfer-encoding"):
                lines.append(f"{name}: {value}")
        if request.method == "HEAD":
            lines.append(f"content-length: {length or 0}")
        elif status not in _NO_BODY:
            lines.append(f"content-length: {len(answer.body)}")
        if not request.keep_alive:
            lines.append("connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        body = b"" if request.method == "HEAD" or status in _NO_BODY else answer.body
        self._transport.write(head + body)
        if not request.keep_alive:
            self._transport.close()

    def _refuse(self, status: str, message: str) -> None:
        if self._transport is None:
            return
        body = message.encode()
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()
        self._transport = None
