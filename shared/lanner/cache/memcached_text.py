"""Memcached's classic text protocol: retrieval and storage commands, read strictly.

Source: github.com/memcached/memcached, doc/protocol.txt. An answer is lines of `VALUE <key> <flags> <bytes> <cas>` with
a data block each and `END`, or one word. Anything else is `Garbled`. `ERROR`, `CLIENT_ERROR` and `SERVER_ERROR` are
raised as what they mean; the connection is closed then, because a refused storage command may leave its data block to
be read as commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.stream import Garbled

if TYPE_CHECKING:
    from collections.abc import Collection

    from lanner.cache.stream import Stream

STORED = b"STORED"
DELETED = b"DELETED"
WORDS = frozenset({STORED, b"NOT_STORED", b"EXISTS", b"NOT_FOUND", DELETED})

VALUE_LIMIT = 1024 * 1024 * 1024
"""The largest item size that a server can be started with (-I)."""


class Item(NamedTuple):
    """What a `gets` found: the data block, its client flags, and its unique for `cas`."""

    data: bytes
    flags: int
    unique: int


def retrieval(names: Collection[bytes]) -> bytes:
    """One `gets` for all of the names."""
    return b"gets %b\r\n" % b" ".join(names)


def storage(
    verb: bytes, name: bytes, data: bytes, *, flags: int = 0, exptime: int = 0, unique: int | None = None
) -> bytes:
    """A `set`, `add` or `cas`."""
    if unique is None:
        return b"%b %b %d %d %d\r\n%b\r\n" % (verb, name, flags, exptime, len(data), data)
    return b"%b %b %d %d %d %d\r\n%b\r\n" % (verb, name, flags, exptime, len(data), unique, data)


def read_items(stream: Stream, names: Collection[bytes], what: str) -> dict[bytes, Item]:
    """The answer to a `gets` of these names: those that are there."""
    found: dict[bytes, Item] = {}
    while (line := stream.line()) != b"END":
        words = line.split(b" ")
        if words[0] != b"VALUE":
            raise _refusal(line, what)
        if len(words) != 5 or not (words[2].isdigit() and words[3].isdigit() and words[4].isdigit()):
            raise Garbled("not a VALUE line")
        name, size = words[1], int(words[3])
        if name not in names or name in found or size > VALUE_LIMIT or len(words[4]) > 20:
            raise Garbled("a VALUE that nobody asked for")
        found[name] = Item(stream.block(size), int(words[2]), int(words[4]))
    return found


def read_word(stream: Stream, what: str) -> bytes:
    """The answer to a storage command or `delete`."""
    line = stream.line()
    if line not in WORDS:
        raise _refusal(line, what)
    return line


def read_statistics(stream: Stream, what: str) -> dict[bytes, bytes]:
    """The answer to `stats`."""
    told: dict[bytes, bytes] = {}
    while (line := stream.line()) != b"END":
        words = line.split(b" ", 2)
        if words[0] != b"STAT" or len(words) != 3:
            raise _refusal(line, what)
        told[words[1]] = words[2]
    return told


def _refusal(line: bytes, what: str) -> Exception:
    if line.startswith(b"SERVER_ERROR object too large"):
        return CacheValueError(f"{what}: the value is larger than the server's items may be (-I)")
    for kind in (b"SERVER_ERROR", b"CLIENT_ERROR", b"ERROR"):
        if line.startswith(kind):
            return CacheUnavailable(f"{what}: the server refused ({kind.decode()})")
    return Garbled("not an answer of Memcached")
