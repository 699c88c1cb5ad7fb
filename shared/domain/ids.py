"""Ids: UUIDv7 (RFC 9562 section 5.7), so that their order is the order of creation.

Layout: 48 bits of Unix milliseconds, version 7, a 12 bit counter (section 6.2, method 1), variant, 62 random bits.
Within one process ids only grow, also when the clock goes back or many are made in one millisecond: the counter then
carries into the milliseconds. Across processes they are ordered by the clocks' milliseconds. The random bits come
from the operating system for every id, so a process restored from a snapshot repeats nothing.
"""

from __future__ import annotations

import os
import threading
from binascii import a2b_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lanner.clock import Clock

FIRST = "00000000-0000-0000-0000-000000000000"
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
MALFORMED = "ids are UUIDs, for example 0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"

_COUNTER_START_MASK = 0x7FF  # the counter's top bit starts as 0: 2,048 ids at least before it carries


class IdGenerator:
    """Makes ids from a clock; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0  # milliseconds and counter of the latest id, as one number of 60 bits

    def __call__(self) -> str:
        random = int.from_bytes(os.urandom(10))
        with self._lock:
            now = int(self._clock.now() * 1000) << 12
            if now > self._last | 0xFFF:
                self._last = now | (random >> 62 & _COUNTER_START_MASK)
            else:
                self._last += 1
            stamp = self._last
        high = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
        low = 0x8000_0000_0000_0000 | (random & 0x3FFF_FFFF_FFFF_FFFF)
        return write(high << 64 | low)


def write(number: int) -> str:
    """128 bits as the text of a UUID."""
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def read(text: str) -> str | None:
    """The id that a client wrote, in lower case (RFC 9562 section 4), or None where it is no UUID."""
    if len(text) != 36 or text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
        return None
    try:
        if len(a2b_hex(text.replace("-", ""))) != 16:
            return None
    except ValueError:
        return None
    return text.lower()


def created_ms(known_id: str) -> int:
    """Milliseconds since the Unix epoch at which the id was made."""
    return int(known_id[:8] + known_id[9:13], 16)


def first_of(milliseconds: int) -> str:
    """The smallest id that can have been made in this millisecond."""
    return write(milliseconds << 80)


def after(known_id: str) -> str:
    """The smallest possible id behind this one; `LAST` has none behind it and is its own."""
    return write(min(_number(known_id) + 1, (1 << 128) - 1))


def before(known_id: str) -> str:
    """The greatest possible id in front of this one; `FIRST` has none in front of it and is its own."""
    return write(max(_number(known_id) - 1, 0))


def _number(known_id: str) -> int:
    return int(known_id.replace("-", ""), 16)
