"""What a file is, by its content: magic numbers at its beginning, else whether all of it is text.

    PNG, JPEG, GIF, WebP, PDF, ZIP, gzip    by their first bytes (their specifications; RFC 2083, RFC 1952, ...)
    application/json                        text that parses; above `JSON_MAX` bytes, text in matching brackets
    text/csv                                text that was declared as CSV, or whose lines have as many columns each
    text/plain                              UTF-8 without control characters but tab, line feed, form feed, CR
    application/octet-stream                anything else

A `Content` is fed the file from its beginning and holds its first `HEAD` bytes (`JSON_MAX` at most) and its last ones.
"""

from __future__ import annotations

import codecs
import hashlib

HEAD = 4_096
"""Bytes that the magic numbers and the shape of lines are looked for in."""
JSON_MAX = 1 << 20
"""Bytes up to which JSON is parsed as a whole."""
TAIL = 64

OCTET_STREAM = "application/octet-stream"
PLAIN = "text/plain"
CSV = "text/csv"
JSON = "application/json"

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),  # an archive with nothing in it
    (b"\x1f\x8b\x08", "application/gzip"),
)
_TEXT_CONTROLS = b"\t\n\x0c\r"
_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in _TEXT_CONTROLS)
_DELIMITERS = (b",", b";", b"\t")
_BRACKETS = {b"{": b"}", b"[": b"]"}


class Content:
    """Size, SHA-256 and type of the bytes that were fed."""

    __slots__ = ("_decoder", "_digest", "_head", "_is_text", "_tail", "size")

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self._tail = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def feed(self, data: bytes) -> None:
        """The bytes that follow those before."""
        self.size += len(data)
        self._digest.update(data)
        if len(self._head) < JSON_MAX + 1:
            self._head += data[: JSON_MAX + 1 - len(self._head)]
        self._tail = (self._tail + data[-TAIL:])[-TAIL:]
        if self._is_text:
            try:
                self._decoder.decode(data)
            except UnicodeDecodeError:
                self._is_text = False
            else:
                self._is_text = len(data.translate(None, _CONTROLS)) == len(data)

    @property
    def sha256(self) -> str:
        """The checksum of everything, in hexadecimal."""
        return self._digest.hexdigest()

    def detected(self, declared: str) -> str:
        """The media type. `declared` decides nothing but that text with one column is CSV."""
        head = bytes(self._head[:HEAD])
        for magic, media_type in _MAGIC:
            if head.startswith(magic):
                return media_type
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "image/webp"
        if not self._is_text or not self.size or self._decoder.getstate()[0]:
            return OCTET_STREAM
        if self._is_json():
            return JSON
        return CSV if declared == CSV or _has_columns(head) else PLAIN

    def _is_json(self) -> bool:
        text = bytes(self._head).lstrip(b" \t\r\n")
        if text[:1] not in _BRACKETS:
            return False
        if self.size > JSON_MAX:
            return self._tail.rstrip(b" \t\r\n").endswith(_BRACKETS[text[:1]])
        import orjson

        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            return False
        return True


def _has_columns(head: bytes) -> bool:
    """At least two lines, all with the same number of delimiters of one kind. The last line may be cut off."""
    lines = head.splitlines()
    if len(head) == HEAD:
        lines.pop()
    if len(lines) < 2 or any(b'"' in line for line in lines):
        return len(lines) >= 2 and any(b'"' + each + b'"' in lines[0] for each in _DELIMITERS)
    return any(lines[0].count(each) and len({line.count(each) for line in lines}) == 1 for each in _DELIMITERS)
