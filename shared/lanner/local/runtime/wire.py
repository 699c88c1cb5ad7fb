"""A small HTTP/1.1 server for clients on this machine: Lambda runtimes and AWS SDKs that call `Invoke`.

One connection is served one request at a time; what arrives meanwhile stays in the buffer. States of a connection:

    head -> body (by length or chunked) -> serving -> head ...      closed at end of input, bad input, or our stop

A body above the listener's limit is read and thrown away, and the request says so (`too_large`), so that the client
hears an answer where a closed connection would only look like a crash. Malformed input is answered with 400 and the
connection ends. Nothing here waits: a handler answers whenever it can, through `WireConnection.reply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

MAX_HEAD = 2 * 1024 * 1024
"""awslambdaric sends its X-Ray cause in a header of up to 1 MB."""

JSON = "application/json"
_BLANK = " \t"


class WireRequest(NamedTuple):
    """One request. Header names are lower case; of a repeated header the last value counts."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False


WireHandler = Callable[[WireRequest, "WireConnection"], None]


class BadRequestError(ValueError):
    """What arrived is not HTTP/1.1 as we read it; the message says what was wrong."""


def reason(status: int) -> str:
    """The reason phrase of a status, or an empty one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def response_head(status: int, length: int, headers: Mapping[str, str], content_type: str = JSON) -> bytes:
    """Status line and headers of a response with a body of `length` bytes."""
    lines = [f"HTTP/1.1 {status} {reason(status)}", f"Content-Type: {content_type}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def parse_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    """Method, target, HTTP version and headers of one head without its last blank line.

    Raises `BadRequestError` for a malformed line (RFC 9112 section 3 and 5).
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(f"the request line {first[:80]!r} is not `METHOD target HTTP/1.x`")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name[0] in _BLANK or name[-1] in _BLANK:
            raise BadRequestError(f"the header line {line[:80]!r} is not `Name: value`")
        headers[name.lower()] = value.strip(" \t")
    return parts[0], parts[1], parts[2], headers


class BodyReader:
    """Takes one body out of a buffer, piece by piece, keeping at most `limit` bytes of it."""

    def __init__(self, headers: Mapping[str, str], limit: int) -> None:
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = 0
        self._trailers = False
        if not self._chunked:
            length = headers.get("content-length", "0")
            if not (length.isascii() and length.isdigit()):
                raise BadRequestError(f"Content-Length {length[:40]!r} is not a number of bytes")
            self._left = int(length)
        self._limit = limit
        self._kept = bytearray()
        self.too_large = False

    @property
    def body(self) -> bytes:
        return b"" if self.too_large else bytes(self._kept)

    def feed(self, buffer: bytearray) -> bool:
        """Consume from the front of `buffer`; true once the body is complete. Raises `BadRequestError`."""
        if not self._chunked:
            self._take(buffer)
            return self._left == 0
        while True:
            if self._trailers:
                return self._skip_trailers(buffer)
            if self._left:
                self._take(buffer, margin=2)
                if self._left:
                    return False
            line, found, _ = buffer.partition(b"\r\n")
            if not found:
                return False
            del buffer[: len(line) + 2]
            self._begin_chunk(bytes(line))

    def _begin_chunk(self, line: bytes) -> None:
        size = line.split(b";", 1)[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise BadRequestError(f"the chunk size {size[:40]!r} is not hexadecimal") from None
        if length == 0:
            self._trailers = True
        else:
            self._left = length + 2  # the chunk's own line end is taken with it

    def _skip_trailers(self, buffer: bytearray) -> bool:
        while True:
            line, found, _ = buffer.partition(b"\r\n")
            if not found:
                return False
            del buffer[: len(line) + 2]
            if not line:
                return True

    def _take(self, buffer: bytearray, margin: int = 0) -> None:
        """Move up to `_left` bytes; the last `margin` of them are framing and are not kept."""
        count = min(len(buffer), self._left)
        content = max(0, min(count, self._left - margin))
        if len(self._kept) + content > self._limit:
            self.too_large = True
            self._kept.clear()
        if not self.too_large:
            self._kept += buffer[:content]
        del buffer[:count]
        self._left -= count


class WireConnection(asyncio.Protocol):
    """One client. A handler keeps the connection and calls `reply` when it has the answer."""

    def __init__(self, handle: WireHandler, limit: int, open_connections: set[WireConnection]) -> None:
        self._handle = handle
        self._limit = limit
        self._open = open_connections
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._last_bare_head: tuple[bytes, tuple[str, str, dict[str, str]] | None] = (b"", None)
        self._reader: BodyReader | None = None
        self._serving = False
        self._keep_alive = True
        self.on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._open.discard(self)
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    @property
    def closed(self) -> bool:
        return self._transport is None

    def write(self, data: bytes) -> None:
        """Send a whole response that the caller has framed itself; the connection then takes the next request."""
        if self._transport is None:
            return
        self._transport.write(data)
        self._serving = False
        if not self._keep_alive:
            self._transport.close()
        elif self._buffer:
            self._advance()

    def reply(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, content_type: str = JSON
    ) -> None:
        """Answer the request being served."""
        self.write(response_head(status, len(body), headers or {}, content_type) + body)

    def stream(self, data: bytes) -> None:
        """Send a part of an answer that ends with the connection."""
        if self._transport is not None:
            self._transport.write(data)

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _advance(self) -> None:
        try:
            while not self._serving and self._transport is not None:
                request = self._next_request()
                if request is None:
                    return
                self._serving = True
                self._handle(request, self)
        except BadRequestError as error:
            self._keep_alive = False
            self.reply(400, str(error).encode(), content_type="text/plain; charset=utf-8")

    def _next_request(self) -> WireRequest | None:
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        method, target, headers = self._head
        reader = self._reader
        if reader is None:
            self._head = None
            return WireRequest(method, target, headers, b"")
        if not reader.feed(self._buffer):
            return None
        self._head = self._reader = None
        return WireRequest(method, target, headers, reader.body, reader.too_large)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequestError(f"the head of the request is longer than {MAX_HEAD} bytes")
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        if head == self._last_bare_head[0]:  # a runtime asks for its next invocation in the same words every time
            self._head = self._last_bare_head[1]
            return True
        method, target, version, headers = parse_head(head)
        self._keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self._head = (method, target, headers)
        if "content-length" in headers or "transfer-encoding" in headers:
            self._reader = BodyReader(headers, self._limit)
        elif self._keep_alive:
            self._last_bare_head = (head, self._head)
        if "expect" in headers and headers["expect"].lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True


class WireServer:
    """A listener on a loopback port whose requests go to one handler. `limit` is the largest body in bytes."""

    def __init__(self, handle: WireHandler, *, limit: int) -> None:
        self._handle = handle
        self._limit = limit
        self._server: asyncio.Server | None = None
        self._connections: set[WireConnection] = set()
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port. Raises `OSError` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    def _accept(self) -> WireConnection:
        return WireConnection(self._handle, self._limit, self._connections)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
