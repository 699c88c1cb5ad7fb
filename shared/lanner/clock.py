"""Time as a value that is passed in: code asks a `Clock`, tests move one. Nothing else in `lanner` reads the time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock and monotonic time in seconds, and a way to wait."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a manual clock moves instead."""
        ...


class SystemClock:
    """The machine's time."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both clocks forward. Raises `ValueError` for a negative step: use `set` to move the wall clock back."""
        if seconds < 0:
            raise ValueError(f"advance takes seconds of 0 or more, not {seconds}")
        self._now += seconds
        self._monotonic += seconds

    def set(self, now: float) -> None:
        """Put the wall clock anywhere, as an operator or NTP would; the monotonic clock does not move."""
        self._now = now
