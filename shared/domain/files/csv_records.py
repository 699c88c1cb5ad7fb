"""CSV as RFC 4180 has it, read in pieces: records with the place where each begins, in bounded memory.

The reader works on bytes: quotes, delimiters and line breaks are ASCII, which UTF-8 never uses inside a character. So
every record has a byte offset, and reading can go on at any of them in another process.

    feed(bytes) ... feed(bytes), end()      what has arrived; `end` says that nothing more will
    records()                               the records that are complete so far

A record that is wrong costs itself and nothing behind it; it has a `problem` in the place of fields:

    a quote inside an unquoted field, text behind a closing quote      the line is skipped
    a quote that is never closed, a record above `MAX_RECORD` bytes    its first line is skipped
    bytes that are not UTF-8                                           the record is skipped

Beyond the RFC: a line ends at CRLF or at LF alone, empty lines are no records, a byte order mark in front is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RECORD = 65_536
"""Bytes. The longest user is about 3 kB; a missing quote must not pull the rest of a file into memory."""

BOM = b"\xef\xbb\xbf"

_QUOTE = 0x22
_LF = 0x0A

_BARE_QUOTE = (
    'has a quote inside a field that does not begin with one: put the field in quotes and write "" for a quote'
)
_BEHIND_QUOTE = "has text behind a closing quote: only a delimiter or the end of the line may follow"
_UNCLOSED = "has a quote that is never closed"
_TOO_LONG = f"is longer than {MAX_RECORD} bytes: is a closing quote missing?"


class Record:
    """One record. `offset` and `line` (from 1) are where it begins, `end` is the offset behind it."""

    __slots__ = ("end", "fields", "line", "offset", "problem")

    def __init__(self, offset: int, end: int, line: int, fields: list[str], problem: str | None = None) -> None:
        self.offset = offset
        self.end = end
        self.line = line
        self.fields = fields
        self.problem = problem

    def __repr__(self) -> str:
        return f"Record(line {self.line}, {len(self.fields)} fields)"  # what is in it is personal


class CsvReader:
    """Reads from byte `offset` of a file, where line `line` begins."""

    __slots__ = ("_at", "_buffer", "_delimiter", "_ended", "_overlong", "_start", "line")

    def __init__(self, delimiter: str, offset: int = 0, line: int = 1) -> None:
        self._delimiter = delimiter.encode("ascii")
        self._buffer = b""
        self._start = offset  # the file's offset of the buffer's first byte
        self._at = 0  # where the next record begins in the buffer
        self._ended = False
        self._overlong: int | None = None  # the offset of a line without an end so far, which is being dropped
        self.line = line

    @property
    def offset(self) -> int:
        """Where the next record begins in the file."""
        return self._start + self._at

    def feed(self, data: bytes) -> None:
        """The bytes that follow those before."""
        self._buffer = self._buffer[self._at :] + data
        self._start += self._at
        self._at = 0

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True

    def records(self) -> Iterator[Record]:
        """The records that are complete."""
        if self.offset == 0 and self._buffer.startswith(BOM):
            self._at = len(BOM)
        while self._at < len(self._buffer) or (self._ended and self._overlong is not None):
            record = self._next()
            if record is None:
                return
            if record.fields or record.problem is not None:
                yield record

    def _next(self) -> Record | None:
        """The record at `_at`, which is then behind it; None where more bytes are needed."""
        buffer, start = self._buffer, self._at
        line_end = buffer.find(b"\n", start)
        if line_end < 0 and not self._ended:
            if self._overlong is None and len(buffer) - start > MAX_RECORD:
                self._overlong = self._start + start
            if self._overlong is not None:
                self._at = len(buffer)
            return None
        line_end = len(buffer) if line_end < 0 else line_end
        if self._overlong is not None:
            return self._take(start, line_end, [], _TOO_LONG)
        if buffer.find(b'"', start, line_end) < 0:
            if line_end - start > MAX_RECORD:
                return self._take(start, line_end, [], _TOO_LONG)
            return self._take(start, line_end, buffer[start:line_end].removesuffix(b"\r").split(self._delimiter))
        return self._quoted(start, line_end)

    def _quoted(self, start: int, line_end: int) -> Record | None:
        """A record with quotes. `stop` is looked for in the line that `at` is on, whose end is found once."""
        buffer, fields, at, here = self._buffer, list[bytes](), start, line_end
        while True:
            if at < len(buffer) and buffer[at] == _QUOTE:
                close = self._closing(at + 1)
                if close is None:
                    return self._unfinished(start, line_end)
                fields.append(buffer[at + 1 : close].replace(b'""', b'"'))
                at = close + 1
                if not self._ended and at + 1 >= len(buffer):  # the two bytes of a CRLF may still come
                    return self._unfinished(start, line_end)
            else:
                here = self._line_end(at) if at > here else here
                stop = buffer.find(self._delimiter, at, here)
                stop = here if stop < 0 else stop
                if stop == len(buffer) and not self._ended:
                    return self._unfinished(start, line_end)
                if buffer.find(b'"', at, stop) >= 0:
                    return self._skip(start, self._line_end(stop), _BARE_QUOTE)
                fields.append(buffer[at:stop].removesuffix(b"\r") if self._is_line_end(stop) else buffer[at:stop])
                at = stop
            if at - start > MAX_RECORD:
                return self._skip(start, line_end, _TOO_LONG)
            if buffer.startswith(b"\r\n", at) or (at == len(buffer) - 1 and buffer.endswith(b"\r")):
                at += 1
            if self._is_line_end(at):
                return self._take(start, at, fields)
            if not buffer.startswith(self._delimiter, at):
                return self._skip(start, self._line_end(at), _BEHIND_QUOTE)
            at += 1

    def _closing(self, at: int) -> int | None:
        """Where the quote is that closes a field whose text begins at `at`; None where it has not arrived."""
        buffer = self._buffer
        while True:
            found = buffer.find(b'"', at)
            if found < 0 or (found + 1 == len(buffer) and not self._ended):
                return None
            if not buffer.startswith(b'""', found):
                return found
            at = found + 2

    def _line_end(self, at: int) -> int:
        found = self._buffer.find(b"\n", at)
        return len(self._buffer) if found < 0 else found

    def _is_line_end(self, at: int) -> bool:
        return at >= len(self._buffer) or self._buffer[at] == _LF

    def _unfinished(self, start: int, line_end: int) -> Record | None:
        if len(self._buffer) - start > MAX_RECORD:
            return self._skip(start, line_end, _TOO_LONG)
        return self._skip(start, line_end, _UNCLOSED) if self._ended else None

    def _skip(self, start: int, line_end: int, problem: str) -> Record | None:
        if line_end == len(self._buffer) and not self._ended and line_end - start <= MAX_RECORD:
            return None
        return self._take(start, line_end, [], problem)

    def _take(self, start: int, line_end: int, fields: list[bytes], problem: str | None = None) -> Record:
        end = min(line_end + 1, len(self._buffer))
        line, offset = self.line, self._start + start if self._overlong is None else self._overlong
        self._overlong = None
        self.line += self._buffer.count(b"\n", start, end)
        self._at = end
        texts: list[str] = []
        if fields != [b""]:
            try:
                texts = [field.decode() for field in fields]
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                problem = f"is not UTF-8: it has the byte 0x{byte:02X} where a character should begin or go on"
        return Record(offset, self._start + end, line, texts, problem)
