"""When an entry ends: by the caller's clock to the millisecond and better, by the store's clock not before that.

The store removes an entry some time after it ended; whether it has ended is decided on read, by the instant that is
stored with it. In a store of bytes that instant is a header of the value: one byte that says what follows, then an
IEEE 754 double (big-endian), the seconds since the epoch, infinity for ever.
"""

from __future__ import annotations

from math import ceil, inf
from struct import Struct

from lanner.cache.errors import CacheValueError

HEADER = Struct(">cd")
MARK = b"\xe7"
"""No digit and no start of UTF-8 text: what another program stored is told apart."""

HEADER_BYTES = HEADER.size
LONGEST_MS = 10**14
"""3,170 years: what Redis adds to its clock without an overflow."""

MARGIN_MS = 1000
"""How much longer a server keeps an entry: its clock is another, and by the caller's the entry must not end early."""


def expires_at(now: float, ttl: float | None) -> float:
    """The instant at which an entry stored at `now` ends; infinity for ever. Raises `CacheValueError` for NaN."""
    if ttl is None:
        return inf
    if ttl != ttl:
        raise CacheValueError("a ttl is a number of seconds, not NaN")
    return now + ttl


def header(end: float) -> bytes:
    """The header of an entry that ends at `end`."""
    return HEADER.pack(MARK, end)


def ends(stored: bytes) -> float | None:
    """When the entry that starts with this header ends; None where it has no such header."""
    if stored[:1] != MARK or len(stored) < HEADER_BYTES:
        return None
    return HEADER.unpack_from(stored)[1]  # type: ignore[no-any-return]


def instant(end: float) -> float | None:
    """As `CacheEntry.expires_at` has it."""
    return None if end == inf else end


def server_ms(ttl: float | None) -> int | None:
    """Whole milliseconds after which a server may remove the entry, rounded up, with a margin; None for ever."""
    if ttl is None or ttl == inf:
        return None
    return ceil(max(0.0, min(ttl * 1000, float(LONGEST_MS)))) + MARGIN_MS
