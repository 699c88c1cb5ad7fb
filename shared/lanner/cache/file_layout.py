"""What the files of the file tier hold: entries, leases, and a shard's total. Bytes in, values out, no cache in sight.

    entry   4s magic, I checksum of all that follows it, d expiry (seconds, infinity for ever), I bytes of name,
            name, value
    lease   d expiry, I bytes of name, name, token
    total   q bytes of the shard's entries

All big-endian. The name is the key with its cache's prefix (`lanner.cache.naming`).
"""

# Importing pathlib costs a cold start 5 ms.
# ruff: noqa: PTH108, PTH116, PTH123
from __future__ import annotations

import os
from contextlib import suppress
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from lanner.cache.naming import to_bytes

_HEAD = Struct(">4sIdI")
_SUMMED_FROM = 8
MAGIC = b"LCF1"
_LEASE = Struct(">dI")
_TOTAL = Struct(">q")
HEAD_BYTES = _HEAD.size


class FoundEntry(NamedTuple):
    """An entry as it was stored."""

    name: bytes
    value: bytes
    end: float


def pack_entry(name: bytes, value: bytes, end: float) -> bytes:
    """The content of an entry's file."""
    rest = _HEAD.pack(b"", 0, end, len(name))[_SUMMED_FROM:] + name + value
    return MAGIC + crc32(rest).to_bytes(4, "big") + rest


def unpack_entry(content: bytes) -> FoundEntry | None:
    """What `pack_entry` packed; None for anything else, and for what is not whole."""
    if len(content) < HEAD_BYTES:
        return None
    magic, checksum, end, length = _HEAD.unpack_from(content)
    if magic != MAGIC or crc32(content[_SUMMED_FROM:]) != checksum:
        return None
    start = HEAD_BYTES + length
    return FoundEntry(content[HEAD_BYTES:start], content[start:], end)


def pack_lease(name: bytes, token: str, end: float) -> bytes:
    """The content of a lease's file."""
    return _LEASE.pack(end, len(name)) + name + to_bytes(token)


def lease_token(content: bytes, now: float) -> bytes | None:
    """Who has the lease; None where it is over, or no lease."""
    if len(content) < _LEASE.size:
        return None
    end, length = _LEASE.unpack_from(content)
    return None if end <= now else content[_LEASE.size + length :]


def name_and_end(path: str) -> tuple[bytes, float] | None:
    """The name and the end of an entry or lease, read from the head of its file; None where there is none to read."""
    with suppress(OSError), open(path, "rb") as stored:
        if path.endswith(".lease"):
            head = stored.read(_LEASE.size)
            if len(head) == _LEASE.size:
                end, length = _LEASE.unpack(head)
                return stored.read(length), end
            return None
        head = stored.read(HEAD_BYTES)
        if len(head) == HEAD_BYTES and head[:4] == MAGIC:
            _, _, end, length = _HEAD.unpack(head)
            return stored.read(length), end
    return None


def pack_total(total: int) -> bytes:
    """The content of a shard's lock file."""
    return _TOTAL.pack(max(total, 0))


def unpack_total(stored: bytes) -> int:
    """The bytes of a shard's entries; 0 where nobody has counted."""
    total: int = _TOTAL.unpack(stored)[0] if len(stored) == _TOTAL.size else 0
    return total


TOTAL_BYTES = _TOTAL.size


def content_of(path: str) -> bytes | None:
    """A file's bytes, None where there is no file. Raises `OSError` otherwise."""
    try:
        with open(path, "rb") as stored:
            return stored.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def size_of(path: str) -> int:
    """A file's size, 0 where there is none."""
    try:
        return os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def unlink(path: str) -> None:
    """Remove a file, where there is one."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)
