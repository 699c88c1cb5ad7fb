"""The record of a computed value: what is stored under the key of a cached function.

    1 byte    0xC2: version 1 of this record
    1 byte    its kind: a value; `failed`, the last computation raised; `removed`, somebody invalidated it
    8 x 3     delta (seconds the computation took), fresh_until, kept_until (seconds since the epoch), IEEE 754 doubles
    4 bytes   the length of the tags, unsigned
    the tags  JSON: generation by tag, as of before the computation
    the rest  the value's envelope (`lanner.cache.codec`); of a marker, 8 bytes at random

Markers hold no value. `failed` lets those who wait compute for themselves at once. `removed` tells a computation that
was under way during an invalidation that its result is out of date; each differs from every other.

Failure modes: whatever is no such record, or has a value that cannot be read, is None: a miss.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import Any

import orjson

from lanner.cache.codec import UnreadableEntry, decode

MARK = 0xC2
VALUE, FAILED, REMOVED = 1, 2, 3
_HEADER = Struct(">BBdddI")
_NONCE_BYTES = 8
_UNCHANGING = (str, int, float, bool, bytes, type(None))
"""Types whose one object may be given to everybody; of others each caller gets an own."""


class Record:
    """A record that was read. `value` is the caller's own to change."""

    __slots__ = ("_shareable", "_value", "delta", "envelope", "fresh_until", "kept_until", "kind", "tags")

    def __init__(
        self, kind: int, delta: float, fresh_until: float, kept_until: float, tags: dict[str, int], envelope: bytes
    ) -> None:
        self.kind = kind
        self.delta = delta
        self.fresh_until = fresh_until
        self.kept_until = kept_until
        self.tags = tags
        self.envelope = envelope
        self._value = decode(envelope) if kind == VALUE else None
        self._shareable = isinstance(self._value, _UNCHANGING)

    def value(self) -> Any:  # Any: what the function returned, as JSON or bytes
        """The value: the same object again only where nobody can change it."""
        return self._value if self._shareable else decode(self.envelope)

    def is_same(self, other: Record | None) -> bool:
        """Whether both were read from one record."""
        if other is None:
            return False
        mine = (self.kind, self.fresh_until, self.delta, self.tags, self.envelope)
        return mine == (other.kind, other.fresh_until, other.delta, other.tags, other.envelope)


def write(delta: float, fresh_until: float, kept_until: float, tags: dict[str, int], envelope: bytes) -> bytes:
    """The record of a value."""
    names = orjson.dumps(tags) if tags else b""
    return _HEADER.pack(MARK, VALUE, delta, fresh_until, kept_until, len(names)) + names + envelope


def marker(kind: int) -> bytes:
    """A marker, like no other before it."""
    return _HEADER.pack(MARK, kind, 0.0, 0.0, 0.0, 0) + os.urandom(_NONCE_BYTES)


def read(stored: bytes) -> Record | None:
    """The record in stored bytes, or None where there is none that this code reads."""
    if len(stored) < _HEADER.size or stored[0] != MARK:
        return None
    _, kind, delta, fresh_until, kept_until, length = _HEADER.unpack_from(stored)
    start = _HEADER.size + length
    try:
        tags = orjson.loads(stored[_HEADER.size : start]) if length else {}
        return Record(kind, delta, fresh_until, kept_until, tags, stored[start:])
    except (UnreadableEntry, orjson.JSONDecodeError):
        return None
