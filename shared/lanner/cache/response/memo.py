"""Decoded records, remembered in this process under their key while the store returns the bytes that they came from.

Bounded by number and by bytes, the oldest out first: a record holds its body beside the store's bytes, so that what is
remembered costs twice its size at most. Reading is a look into `entries`, without a lock; writing takes one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lanner.cache.response.record import Stored

MOST: Final = 1024  # records: the hot ones of one environment
MOST_BYTES: Final = 16 * 2**20  # of stored bytes; Lambda's smallest environment has 128 MB


class Memo:
    """At most `most` decoded records of `most_bytes` stored bytes; a `most` of 0 remembers nothing."""

    __slots__ = ("_bytes", "_lock", "entries", "most", "most_bytes")

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.entries: dict[str, tuple[bytes, Stored]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str, value: bytes) -> Stored | None:
        """What these bytes were decoded to: the very object, or equal bytes."""
        known = self.entries.get(key)
        if known is not None and (known[0] is value or known[0] == value):
            return known[1]
        return None

    def put(self, key: str, value: bytes, stored: Stored) -> None:
        """Remember, in place of what was there."""
        size = len(value)
        with self._lock:
            self._drop(key)
            if self.most <= 0 or size > self.most_bytes:
                return
            while self.entries and (len(self.entries) >= self.most or self._bytes + size > self.most_bytes):
                self._drop(next(iter(self.entries)))
            self.entries[key] = (value, stored)
            self._bytes += size

    def drop(self, key: str) -> None:
        """Forget."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: str) -> None:
        known = self.entries.pop(key, None)
        if known is not None:
            self._bytes -= len(known[0])
