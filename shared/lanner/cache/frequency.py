"""How often keys were asked for lately, of more keys than there are entries: the sketch of TinyLFU.

A count-min sketch (Cormode, Muthukrishnan, 2005) of small counters, with aging as in TinyLFU (Einziger, Friedman,
Manes: "TinyLFU: A highly efficient cache admission policy", ACM Transactions on Storage 2017): a key counts in `ROWS`
rows, its frequency is the least of its counters, and all counters are halved again and again, so that what was popular
once is forgotten.

Halving goes round by blocks, one for every `ADDS_PER_BLOCK` additions, and not through the whole sketch at once: no
write pays for all keys, and the counters of all keys are not cut in the same moment, which lets a loop over more than
the room in by chance (bench/cache_memory.py).

The sketch doubles with the number of entries; what was counted stays, since a key's place is taken by its last bits.
Not safe under threads: its owner has a lock.
"""

from __future__ import annotations

ROWS = 3
SLOTS = 16
"""Counters per entry in each row, at least: 48 bytes an entry."""
MOST = 15
"""Four bits, as in the paper: what is asked for more often than that is kept anyway."""
BLOCK = 64
ADDS_PER_BLOCK = 96
"""All counters are halved once in 24 to 48 additions per entry; the paper has 10, where a full round is one moment."""
_LEAST_SLOTS = 8192
_HALF = bytes(count >> 1 for count in range(256))
_SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbouring hashes go far apart
_64_BITS = (1 << 64) - 1


class Frequencies:
    """Counters by the hash of a key."""

    __slots__ = ("_due", "_mask", "_place", "_rows")

    def __init__(self) -> None:
        self._rows = [bytearray(_LEAST_SLOTS) for _ in range(ROWS)]
        self._mask = _LEAST_SLOTS - 1
        self._place = 0
        self._due = 0

    def fit(self, entries: int) -> None:
        """Have room for so many entries."""
        while entries * SLOTS > self._mask + 1:
            self._rows = [row + row for row in self._rows]
            self._mask = 2 * self._mask + 1

    def add(self, hashed: int, times: int = 1) -> None:
        """Count a key that was asked for."""
        spread = (hashed * _SPREAD) & _64_BITS
        mask = self._mask
        first, second, third = self._rows  # spelled out: this is what a write costs
        if (count := first[at := (spread >> 8) & mask] + times) <= MOST:
            first[at] = count
        else:
            first[at] = MOST
        if (count := second[at := (spread >> 24) & mask] + times) <= MOST:
            second[at] = count
        else:
            second[at] = MOST
        if (count := third[at := (spread >> 40) & mask] + times) <= MOST:
            third[at] = count
        else:
            third[at] = MOST
        self._due += times
        if self._due >= ADDS_PER_BLOCK:
            self._age()

    def of(self, hashed: int) -> int:
        """How often a key was asked for lately, 0 to `MOST`; by chance more, never less."""
        spread = (hashed * _SPREAD) & _64_BITS
        mask = self._mask
        first, second, third = self._rows
        return min(first[(spread >> 8) & mask], second[(spread >> 24) & mask], third[(spread >> 40) & mask])

    def _age(self) -> None:
        self._due -= ADDS_PER_BLOCK
        place = self._place
        for row in self._rows:
            row[place : place + BLOCK] = row[place : place + BLOCK].translate(_HALF)
        self._place = (place + BLOCK) & self._mask
