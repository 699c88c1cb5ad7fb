"""Chunked bodies (RFC 9112, section 7.1), decoded strictly from a growing buffer.

States: size -> data -> data end -> size ... -> trailer -> done. Extensions and trailer fields are read and dropped,
within limits; a bare LF, a size that is not plain hexadecimal, or data longer than its size is an error.
"""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\Z")
_MAX_LINE = 4_096
_MAX_TRAILER = 10_240


class ChunkedError(ValueError):
    """A chunked body that breaks the format."""


class ChunkedDecoder:
    """Takes bytes off the front of a buffer; `body` is what has been decoded so far."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.done = False
        self._left = 0  # bytes of the current chunk still to come
        self._state = "size"
        self._trailer = 0

    def feed(self, buffer: bytearray) -> None:
        """Consume what can be consumed. Raises `ChunkedError`; sets `done` after the trailer section."""
        while not self.done:
            before = len(buffer)
            if self._state == "data":
                self._data(buffer)
            else:
                line = self._line(buffer)
                if line is not None:
                    self._on_line(line)
            if len(buffer) == before:
                return

    def _line(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(b"\n")
        if end < 0:
            if len(buffer) > _MAX_LINE:
                raise ChunkedError(f"a chunk's size line is longer than {_MAX_LINE} bytes")
            return None
        if end == 0 or buffer[end - 1] != 0x0D:
            raise ChunkedError("lines of a chunked body end with CRLF, not with LF alone")
        line = bytes(buffer[: end - 1])
        del buffer[: end + 1]
        return line

    def _on_line(self, line: bytes) -> None:
        if self._state == "data end":
            if line:
                raise ChunkedError("a chunk's data is longer than its size")
            self._state = "size"
        elif self._state == "trailer":
            self._trailer += len(line)
            if self._trailer > _MAX_TRAILER:
                raise ChunkedError(f"the trailer section is longer than {_MAX_TRAILER} bytes")
            self.done = not line
        else:
            size = _SIZE.match(line)
            if size is None:
                raise ChunkedError(f"a chunk's size is hexadecimal, not {line[:40]!r}")
            self._left = int(size[1], 16)
            self._state = "data" if self._left else "trailer"

    def _data(self, buffer: bytearray) -> None:
        taken = min(self._left, len(buffer))
        self.body += buffer[:taken]
        del buffer[:taken]
        self._left -= taken
        if not self._left:
            self._state = "data end"
