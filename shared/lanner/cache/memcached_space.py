"""Names and data blocks of a Memcached cache under one of its generations.

Memcached cannot list, so `clear` changes the generation that is part of every name, and what was stored under the old
one is never asked for again. A name has at most 250 bytes, none of them a space or a control character (protocol.txt);
what does not fit is hashed, and the data block then holds the whole key, so that two keys of one hash are two keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.lifetime import HEADER_BYTES, ends, header
from lanner.cache.naming import check_key, digest, entry_space, own_space, to_bytes

if TYPE_CHECKING:
    from lanner.cache.memcached_text import Item

NAME_LIMIT = 250
PREFIX_LIMIT = 100
"""Bytes of a prefix that leave room for the generation and a hash; a longer one is hashed itself."""

PLAIN = 1
HASHED = 2
"""Client flags: which of the two a data block is."""

_LENGTH_BYTES = 4


def is_plain(text: str) -> bool:
    """Whether it may be part of a name as it is."""
    return text.isascii() and text.isprintable() and " " not in text


class Space:
    """Where a cache's entries and leases are, in one generation."""

    __slots__ = ("_entries", "_leases", "generation")

    def __init__(self, prefix: str, generation: bytes) -> None:
        space = _plain_prefix(prefix)
        self.generation = generation
        self._entries = entry_space(space).encode() + generation + b"|"
        self._leases = own_space(space).encode() + generation + b"|"

    def entry(self, key: str) -> bytes:
        """The name of an entry."""
        return _name(self._entries, check_key(key))

    def lease(self, key: str) -> bytes:
        """The name of a lease."""
        return _name(self._leases, check_key(key))


def generation_name(prefix: str) -> bytes:
    """Where the generation itself is."""
    return f"{own_space(_plain_prefix(prefix))}generation".encode()


def pack(name: bytes, key: str, value: bytes, end: float) -> tuple[int, bytes]:
    """Client flags and data block of a value that ends at `end`."""
    if not _is_hashed(name):
        return PLAIN, header(end) + value
    whole = to_bytes(key)
    return HASHED, header(end) + len(whole).to_bytes(_LENGTH_BYTES, "big") + whole + value


def unpack(key: str, item: Item) -> tuple[bytes, float] | None:
    """Value and end of a data block; None where it is another key's, or nothing of ours."""
    end = ends(item.data)
    if end is None:
        return None
    if item.flags == PLAIN:
        return item.data[HEADER_BYTES:], end
    start = HEADER_BYTES + _LENGTH_BYTES
    stop = start + int.from_bytes(item.data[HEADER_BYTES:start], "big")
    if item.flags != HASHED or item.data[start:stop] != to_bytes(key):
        return None
    return item.data[stop:], end


def _plain_prefix(prefix: str) -> str:
    return prefix if is_plain(prefix) and len(entry_space(prefix)) <= PREFIX_LIMIT else f"#{digest(to_bytes(prefix))}"


def _name(space: bytes, key: str) -> bytes:
    if is_plain(key) and len(space) + 1 + len(key) <= NAME_LIMIT:
        return b"%b=%b" % (space, key.encode())
    return b"%b#%b" % (space, digest(to_bytes(key)).encode())


def _is_hashed(name: bytes) -> bool:
    # The space has exactly two bars: after the prefix, and after the generation.
    return name.split(b"|", 2)[2][:1] == b"#"
