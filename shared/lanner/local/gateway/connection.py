"""One client connection: HTTP/1.1 with keep-alive and pipelining.

States: `head` (waiting for or reading a header section) -> `body` -> `busy` (the handler works; further pipelined
bytes wait in the buffer, and reading pauses when they become many) -> `head` again, or `closing`: the answer is out,
nothing more is read, and the socket goes when the client has gone or the linger deadline has passed.

Failure modes: a malformed head or body is answered once and closed; a head or body that comes too slowly gets 408;
an idle connection is closed silently; a client that does not take its answer is cut. A client that leaves while its
request is being handled does not stop the handler: as on AWS, the function runs on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from lanner.local.gateway.chunked import ChunkedDecoder, ChunkedError
from lanner.local.gateway.head import MAX_HEAD_BYTES, HeadError, parse_head
from lanner.local.gateway.message import REASONS, HttpAnswer, HttpHead, HttpRequest
from lanner.local.tasks import start_task

if TYPE_CHECKING:
    from lanner.local.gateway.server import HttpServer

_log = logging.getLogger("lanner.gateway")

_END_OF_HEAD = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PIPELINE_BYTES = 65_536  # waiting bytes at which reading pauses while a request is handled
_BODILESS = frozenset({204, 304})
_NO_HEAD = HttpHead("", "", "", "", (), {}, "")

_date_second = 0
_date_text = ""


def _date() -> str:
    """The Date header's value, formatted once a second."""
    global _date_second, _date_text
    now = int(time.time())
    if now != _date_second:
        _date_second, _date_text = now, formatdate(now, usegmt=True)
    return _date_text


def serialize(answer: HttpAnswer, *, head_only: bool, close: bool) -> bytes:
    """The bytes of an answer. `head_only` for HEAD: the length of the body, but not the body (RFC 9110, 9.3.2).

    A function that gave no body to HEAD has not said how long GET's is, and 0 would be wrong (section 8.6): no length.
    """
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}", f"Date: {_date()}"]
    lines.extend(f"{name}: {value}" for name, value in answer.headers)
    if answer.status not in _BODILESS and (answer.body or not head_only):
        lines.append(f"Content-Length: {len(answer.body)}")
    lines.append("Connection: close" if close else "Connection: keep-alive")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError(f"a header of the answer holds a line break: {answer.headers!r}")
    data = head.encode("latin-1", "replace") + _END_OF_HEAD
    return data if head_only or answer.status in _BODILESS else data + answer.body


class Connection(asyncio.Protocol):
    """The protocol of one accepted socket."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._limits = server.limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._client = ""
        self._buffer = bytearray()
        self._state = "head"
        self._head: HttpHead | None = None
        self._last_head: tuple[bytes, HttpHead] = (b"", _NO_HEAD)
        self._chunks: ChunkedDecoder | None = None
        self._task: asyncio.Task[None] | None = None
        self._deadline = 0.0
        self._paused = False
        self._writable: asyncio.Event | None = None
        self._last = False  # close after the current answer

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if peer else ""
        self._deadline = self._loop.time() + self._limits.idle_seconds
        if not self._server.opened(self, self._transport):
            self._refuse(503, "the gateway is stopping" if self._server.stopping else "too many open connections")

    def data_received(self, data: bytes) -> None:
        if self._state == "closing":
            return
        self._buffer += data
        if self._state != "busy":
            self._advance()
        elif len(self._buffer) > _PIPELINE_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        # A client may half-close after its last request and still read the answers.
        self._last = True
        return self._state == "busy"

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        if self._writable is not None:
            self._writable.set()
        if self._task is None:
            self._server.closed(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # the server's side

    def check_deadline(self, now: float) -> None:
        """Close what has waited too long; called by the server's sweep."""
        if self._state == "busy" and self._writable is None:
            return
        if now < self._deadline or self._transport is None:
            return
        if self._state in ("closing", "busy"):
            self.abort()
        elif self._state == "head" and not self._buffer:
            self._transport.close()
        else:
            self._refuse(408, f"the {'body' if self._state == 'body' else 'header section'} took too long to arrive")

    def close_when_idle(self) -> None:
        """Close now, or after the request that is being handled."""
        self._last = True
        if self._state != "busy" and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection and the handler's task."""
        self._last = True
        self._buffer.clear()
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    # reading

    def _advance(self) -> None:
        """Read as many messages as the buffer holds, one at a time."""
        try:
            if self._head is None:
                self._read_head()
            if self._head is not None and self._state == "body":
                self._read_body(self._head)
        except HeadError as error:
            self._refuse(error.status, error.reason)
        except ChunkedError as error:
            self._refuse(400, str(error))

    def _read_head(self) -> None:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):  # RFC 9112, section 2.2: empty lines before a request line are ignored
            del buffer[:2]
        end = buffer.find(_END_OF_HEAD)
        if end < 0 or end > MAX_HEAD_BYTES:
            if len(buffer) > MAX_HEAD_BYTES:
                raise HeadError(431, f"the header section is longer than {MAX_HEAD_BYTES} bytes")
            if buffer.count(b"\n") != buffer.count(b"\r\n"):
                raise HeadError(400, "lines end with CRLF, not with LF alone")
            self._await_head()
            return
        raw = bytes(buffer[: end + 4])
        if raw != self._last_head[0]:  # a client that keeps its connection often says the same again
            self._last_head = (raw, parse_head(raw))
        self._head = head = self._last_head[1]
        del buffer[: end + 4]
        self._state = "body"
        self._deadline = self._loop.time() + self._limits.body_seconds
        if head.content_length is not None and head.content_length > self._limits.body:
            raise HeadError(413, f"the body is {head.content_length} bytes; API Gateway takes {self._limits.body}")
        self._chunks = ChunkedDecoder() if head.chunked else None
        if head.expects_continue and not buffer and (head.chunked or head.content_length) and self._transport:
            self._transport.write(_CONTINUE)

    def _await_head(self) -> None:
        """Start the head's deadline with its first byte; later bytes do not prolong it."""
        if self._buffer and self._state == "head":
            self._state = "slow head"
            self._deadline = self._loop.time() + self._limits.head_seconds

    def _read_body(self, head: HttpHead) -> None:
        buffer = self._buffer
        if self._chunks is not None:
            self._chunks.feed(buffer)
            if len(self._chunks.body) > self._limits.body:
                raise HeadError(413, f"the body is larger than {self._limits.body} bytes, which API Gateway takes")
            if not self._chunks.done:
                return
            body = bytes(self._chunks.body)
        else:
            length = head.content_length or 0
            if len(buffer) < length:
                return
            body = bytes(buffer[:length])
            del buffer[:length]
        self._state = "busy"
        self._head = self._chunks = None
        request = HttpRequest(head, body, self._client, self._server.port)
        # At once, without a turn of the loop, unless more has been pipelined: answers would nest within each other.
        task = start_task(self._loop, self._handle(request), eager=not buffer)
        if self._state == "busy":
            self._task = task

    # answering

    async def _handle(self, request: HttpRequest) -> None:
        close = False
        try:
            try:
                answer = await self._server.handler.answer(request)
                close = self._last or not request.head.keep_alive or self._server.stopping
                self._send(answer, head_only=request.head.method == "HEAD", close=close)
            except Exception:
                # The boundary of the process: a mistake of ours must not take the connection's client with it.
                _log.exception("the gateway failed to answer %s %s", request.head.method, request.head.path)
                close = True
                self._send(self._server.handler.refuse(500, "the gateway failed", request.head), close=True)
            if self._writable is not None and self._transport is not None:
                self._deadline = self._loop.time() + self._limits.write_seconds
                await self._writable.wait()
        finally:
            self._finish(close)

    def _finish(self, close: bool) -> None:
        self._task = None
        if self._transport is None:
            self._server.closed(self)
            return
        if close or self._last:
            self._state = "closing"
            self._transport.close()
            return
        self._state = "head"
        self._deadline = self._loop.time() + self._limits.idle_seconds
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._buffer:
            self._advance()

    def _send(self, answer: HttpAnswer, *, head_only: bool = False, close: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(serialize(answer, head_only=head_only, close=close))

    def _refuse(self, status: int, reason: str) -> None:
        """Answer an error, stop reading, and leave the client time to read it before the socket goes.

        Closing at once would reset the connection while the client still sends, and it would never see the answer.
        """
        answer = self._server.handler.refuse(status, reason, self._head)
        self._send(answer, close=True)
        self._state = "closing"
        self._buffer.clear()
        self._deadline = self._loop.time() + self._limits.linger_seconds
        if self._transport is not None and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
