"""Reading one HTTP/1.1 answer (RFC 9112) from bytes that arrive in pieces.

A GetItem over `http.client`, whose answers go through the e-mail parser, takes twice the CPU of one read here (144 us
against 74 us, one machine and run); AWS's answers need far less. What is read: status line, headers, then a body framed
by `Content-Length`, by the chunked coding, or by the end of the connection. Interim answers (1xx) are skipped.

Refused, as `Malformed`: bare LF and obs-fold, white space before the colon, two differing lengths, a length beside
`Transfer-Encoding`, codings other than chunked, a head above `HEAD_LIMIT` or a body above `BODY_LIMIT` bytes, and an
end of the connection before the answer's end (`Truncated`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 32 * 1024 * 1024
"""Twice the largest answer of the services used here (DynamoDB BatchGetItem: 16 MB)."""

_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_NO_BODY = (204, 304)


class Malformed(Exception):
    """The peer's bytes are not an answer this reader accepts; the message says where."""


class Truncated(Malformed):
    """The connection ended in the middle of an answer; `started` is False where not a byte had come."""

    def __init__(self, message: str, *, started: bool = True) -> None:
        super().__init__(message)
        self.started = started


class Answer:
    """An HTTP answer; header names are lower case, `reusable` says whether the connection may serve another request.

    A plain class: one is made for every call, and a frozen dataclass takes three times as long to make.
    """

    __slots__ = ("body", "headers", "reusable", "status")

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes, reusable: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.reusable = reusable

    def header(self, name: bytes) -> str | None:
        """A header's value by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


def parse_head(head: bytes) -> tuple[int, int, dict[bytes, bytes]]:
    """HTTP minor version, status and headers of a head without its final empty line. Raises `Malformed`."""
    first, *lines = head.split(b"\r\n")
    status = first[9:12]
    if (
        first[:7] != b"HTTP/1."
        or first[7:8] not in (b"0", b"1")
        or first[8:9] != b" "
        or not (len(status) == 3 and status.isdigit() and status >= b"100")
        or first[12:13] not in (b"", b" ")
    ):
        raise Malformed(f"not an HTTP/1.1 status line: {first[:60]!r}")
    if not head.count(b"\n") == head.count(b"\r") == len(lines):
        raise Malformed("a line of the head does not end with CRLF")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or b" " in name or b"\t" in name:
            raise Malformed(f"not a header line: {line[:60]!r}")
        name = name.lower()
        value = value.strip(b" \t")
        headers[name] = headers[name] + b", " + value if name in headers else value
    return first[7] - 48, int(status), headers


class AnswerReader:
    """Reads answers from `receive`, which returns the next bytes, b"" at the connection's end."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = b""

    def read(self) -> Answer:
        """The next final answer. Raises `Malformed`, and whatever `receive` raises."""
        while True:
            minor, status, headers = parse_head(self._head())
            if status >= 200:
                break
            if status == 101:
                raise Malformed("the peer switched protocols, which nobody asked for")
        tokens = headers.get(b"connection", b"").lower()
        reusable = b"close" not in tokens and (minor == 1 or b"keep-alive" in tokens)
        if b"transfer-encoding" in headers:
            body = self._chunked(headers)
        elif status in _NO_BODY:
            body = b""
        elif b"content-length" in headers:
            body = self._exactly(_length(headers[b"content-length"]))
        else:
            body, reusable = self._until_end(), False
        # Bytes beyond the answer belong to no request: the connection is out of step.
        return Answer(status, headers, body, reusable and not self._buffer)

    def _more(self, doing: str) -> None:
        piece = self._receive()
        if not piece:
            raise Truncated(f"the connection ended {doing}", started=bool(self._buffer) or doing != "before the answer")
        self._buffer = self._buffer + piece if self._buffer else piece

    def _head(self) -> bytes:
        if not self._buffer:
            self._more("before the answer")
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise Malformed(f"the head is longer than {HEAD_LIMIT} bytes")
            self._more("within the head")
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        return head

    def _exactly(self, length: int) -> bytes:
        missing = length - len(self._buffer)
        if missing <= 0:
            body, self._buffer = self._buffer[:length], self._buffer[length:]
            return body
        pieces = [self._buffer]
        self._buffer = b""
        while missing > 0:
            piece = self._receive()
            if not piece:
                raise Truncated(f"the connection ended {missing} bytes before the body's end")
            pieces.append(piece)
            missing -= len(piece)
        whole = b"".join(pieces)
        self._buffer = whole[length:]
        return whole[:length]

    def _until_end(self) -> bytes:
        pieces, size = [self._buffer], len(self._buffer)
        self._buffer = b""
        while piece := self._receive():
            size += len(piece)
            if size > BODY_LIMIT:
                raise Malformed(f"the body is longer than {BODY_LIMIT} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise Malformed(f"a line of the chunked body is longer than {HEAD_LIMIT} bytes")
            self._more("within the chunked body")
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _chunked(self, headers: dict[bytes, bytes]) -> bytes:
        coding = headers[b"transfer-encoding"].lower()
        if coding != b"chunked" or b"content-length" in headers:
            raise Malformed(f"unusable framing: Transfer-Encoding {coding!r}, Content-Length beside it or not")
        pieces: list[bytes] = []
        size = 0
        while length := _chunk_length(self._line()):
            size += length
            if size > BODY_LIMIT:
                raise Malformed(f"the body is longer than {BODY_LIMIT} bytes")
            pieces.append(self._exactly(length))
            if self._exactly(2) != b"\r\n":
                raise Malformed("a chunk does not end with CRLF")
        while self._line():  # trailer fields, of which none matters here
            pass
        return b"".join(pieces)


def _length(value: bytes) -> int:
    """A Content-Length; the same value repeated counts once (RFC 9112, section 6.3)."""
    values = {item.strip() for item in value.split(b",")} if b"," in value else {value}
    text = values.pop()
    if values or not text.isdigit() or len(text) > 12:
        raise Malformed(f"not a Content-Length: {value[:60]!r}")
    length = int(text)
    if length > BODY_LIMIT:
        raise Malformed(f"the body is longer than {BODY_LIMIT} bytes")
    return length


def _chunk_length(line: bytes) -> int:
    digits = line.partition(b";")[0].strip(b" \t")
    if not digits or len(digits) > 8 or not _HEXADECIMAL.issuperset(digits):
        raise Malformed(f"not a chunk size: {line[:60]!r}")
    return int(digits, 16)
