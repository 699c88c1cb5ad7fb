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
from errno import ELOOP
from stat import S_ISREG
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
LONGEST_NAME = 1 << 24
"""Bytes of a lease's file, or of a name, that are read."""
NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Of whatever is opened here: what is in a folder that others may write to need not be ours. Not on Windows."""
_READ = os.O_RDONLY | NO_LINKS | getattr(os, "O_BINARY", 0)


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
    with suppress(OSError):
        descriptor, _ = _opened(path)
        if descriptor is None:
            return None
        with open(descriptor, "rb") as stored:
            if path.endswith(".lease"):
                head = stored.read(_LEASE.size)
                if len(head) == _LEASE.size:
                    end, length = _LEASE.unpack(head)
                    return stored.read(min(length, LONGEST_NAME)), end
                return None
            head = stored.read(HEAD_BYTES)
            if len(head) == HEAD_BYTES and head[:4] == MAGIC:
                _, _, end, length = _HEAD.unpack(head)
                return stored.read(min(length, LONGEST_NAME)), end
    return None


def pack_total(total: int) -> bytes:
    """The content of a shard's lock file."""
    return _TOTAL.pack(max(total, 0))


def unpack_total(stored: bytes) -> int:
    """The bytes of a shard's entries; 0 where nobody has counted."""
    total: int = _TOTAL.unpack(stored)[0] if len(stored) == _TOTAL.size else 0
    return total


TOTAL_BYTES = _TOTAL.size


def content_of(path: str, most: int = LONGEST_NAME) -> bytes | None:
    """A file's bytes; None where there is no file, nothing for what is no file of ours. Raises `OSError` otherwise."""
    try:
        descriptor, size = _opened(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if descriptor is None:
        return b""
    try:
        return os.read(descriptor, size + 1) if size <= most else b""
    finally:
        os.close(descriptor)


def _opened(path: str) -> tuple[int | None, int]:
    """A descriptor of a file and its size; None for a link, a pipe, a device or a folder, which nobody here made.

    Opened without waiting: a pipe that nobody writes to would hold a request up for ever.
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        if error.errno == ELOOP:
            return None, 0
        raise
    state = os.fstat(descriptor)
    if S_ISREG(state.st_mode):
        return descriptor, state.st_size
    os.close(descriptor)
    return None, 0


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
