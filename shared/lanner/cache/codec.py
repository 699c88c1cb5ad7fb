"""Application values as bytes: a versioned envelope of JSON or of bytes, compressed where that pays. Never pickle.

    1 byte    0xC1: version 1 of this envelope
    1 byte    what is inside (1 JSON, 2 bytes, 3 "known to be absent") in the low half, how it is compressed (0 not,
              1 zlib, 2 zstd) in the high
    4 bytes   CRC-32 of the rest, big-endian: the start of a number or of bytes would pass for a whole one
    the rest  the value

The first byte can begin neither JSON nor UTF-8 text, nor a counter, so what somebody else stored is told apart. An int
of 64 bits is stored as its decimal digits, as counters are, so what was set can be counted on.

Compression: zstd where this Python has it, zlib otherwise; each is read wherever its codec is there, and an envelope
whose codec is missing here is unreadable: a miss.

Failure modes: `CacheValueError` from `encode` for what is neither bytes nor JSON; `UnreadableEntry` from `decode` for
anything that `encode` did not make, a decompressed size above `LARGEST` included. Callers take it for a miss and count.
"""

from __future__ import annotations

import zlib
from typing import Any
from zlib import crc32

import orjson

from lanner.cache.errors import CacheError, CacheValueError

VERSION = 0xC1
HEADER_BYTES = 6
_JSON, _BYTES, _ABSENT = 1, 2, 3
_PLAIN, _ZLIB, _ZSTD = 0, 1, 2
COMPRESSED_FROM = 1024
"""Bytes: what is smaller is stored for the same price compressed or not (DynamoDB bills writes by the KB)."""
COUNTER_MIN, COUNTER_MAX = -(1 << 63), (1 << 63) - 1
LONGEST_COUNTER = 19
"""Digits of a signed 64-bit integer."""
WORTH = 0.9
"""Compression has to save a tenth to be kept: reading it costs every time."""
LARGEST = 64 * 1024 * 1024
"""Bytes that an entry may have when decompressed; more is a bomb."""

_PREFIX = {
    (kind, codec): bytes((VERSION, codec << 4 | kind)) for kind in (_JSON, _BYTES, _ABSENT) for codec in (0, 1, 2)
}
_zstd: list[Any] = []  # Any: the module `compression.zstd` or `zstandard`, or None, once it was looked for


class UnreadableEntry(CacheError):
    """Stored bytes are no envelope that this code reads."""


class Absent:
    """The type of `ABSENT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = Absent()
"""What is stored where it is known that there is nothing: a negative entry, which is not None."""


def encode(value: Any) -> bytes:  # Any: bytes, or whatever orjson writes
    """The envelope of a value. Raises `CacheValueError`."""
    if isinstance(value, bytes | bytearray | memoryview):
        kind, body = _BYTES, bytes(value)
    elif value is ABSENT:
        kind, body = _ABSENT, b""
    elif type(value) is int and COUNTER_MIN <= value <= COUNTER_MAX:
        return b"%d" % value
    else:
        kind = _JSON
        try:
            body = orjson.dumps(value)
        except TypeError as error:
            raise CacheValueError(f"a cached value is bytes or JSON: {error}") from None
    if len(body) > LARGEST:
        raise CacheValueError(f"a cached value of {len(body)} bytes is larger than {LARGEST}")
    if len(body) >= COMPRESSED_FROM:
        codec, smaller = _compressed(body)
        if len(smaller) <= len(body) * WORTH:
            return _PREFIX[kind, codec] + crc32(smaller).to_bytes(4, "big") + smaller
    return _PREFIX[kind, _PLAIN] + crc32(body).to_bytes(4, "big") + body


def decode(stored: bytes) -> Any:  # Any: what was encoded
    """The value in an envelope. Raises `UnreadableEntry`."""
    if stored[:1] != b"\xc1":
        return _counter(stored)
    if len(stored) < HEADER_BYTES:
        raise UnreadableEntry("an entry is cut short")
    flags = stored[1]
    body = stored[HEADER_BYTES:]
    if crc32(body) != int.from_bytes(stored[2:HEADER_BYTES], "big"):
        raise UnreadableEntry("an entry is damaged or cut short")
    if flags >> 4:
        body = _decompressed(body, flags >> 4)
    kind = flags & 0xF
    if kind == _ABSENT and not body:
        return ABSENT
    if kind == _BYTES:
        return body
    if kind == _JSON:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise UnreadableEntry(f"an entry says JSON and is none: {error}") from None
    raise UnreadableEntry(f"an entry of the unknown kind {kind}")


def _counter(stored: bytes) -> int:
    digits = stored[1:] if stored[:1] == b"-" else stored
    if digits.isdigit() and len(digits) <= LONGEST_COUNTER:
        return int(stored)
    raise UnreadableEntry("an entry that is no envelope of ours")


def _compressed(body: bytes) -> tuple[int, bytes]:
    zstd = _find_zstd()
    if zstd is not None:
        return _ZSTD, bytes(zstd.compress(body, 1))
    return _ZLIB, zlib.compress(body, 1)


def _decompressed(body: bytes, codec: int) -> bytes:
    try:
        if codec == _ZLIB:
            expander = zlib.decompressobj()
            plain = expander.decompress(body, LARGEST)
            whole = expander.eof and not expander.unconsumed_tail and not expander.unused_data
        elif codec == _ZSTD:
            plain, whole = _from_zstd(body)
        else:
            raise UnreadableEntry(f"an entry in the unknown compression {codec}")
    except UnreadableEntry:
        raise
    except Exception as error:  # each codec has an error of its own, and one of them is not importable everywhere
        raise UnreadableEntry(f"an entry does not decompress: {type(error).__name__}") from None
    if not whole:
        raise UnreadableEntry("a compressed entry is cut short, or larger than anything that is stored")
    return plain


def _from_zstd(body: bytes) -> tuple[bytes, bool]:
    zstd = _find_zstd()
    if zstd is None:
        raise UnreadableEntry("an entry is compressed with zstd, which this Python cannot read")
    if hasattr(zstd, "ZstdDecompressor") and hasattr(zstd, "ZstdFile"):  # compression.zstd
        expander = zstd.ZstdDecompressor()
        plain = expander.decompress(body, LARGEST)
        return plain, bool(expander.eof) and not expander.unused_data
    reader = zstd.ZstdDecompressor().stream_reader(body)
    plain = reader.read(LARGEST)
    return plain, len(plain) < LARGEST and zstd.frame_content_size(body) in (-1, len(plain))


def _find_zstd() -> Any:
    if not _zstd:
        from importlib import import_module

        found = None
        for name in ("compression.zstd", "zstandard"):
            try:
                found = import_module(name)
                break
            except ImportError:
                continue
        _zstd.append(found)
    return _zstd[0]
