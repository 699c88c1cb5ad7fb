"""How long a failed attempt waits before the next one: exponential backoff with full jitter.

The wait is uniform between 0 and `min(maximum, first * factor ** (attempt - 1))`: with full jitter the fewest calls
collide (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
"""

from __future__ import annotations

MAX_WAIT = 43_200.0
"""Seconds: SQS hides a message for 12 hours at most."""


class Retry:
    """Seconds of backoff. Raises `ValueError` for what is no backoff: negative, shrinking, or above 12 hours."""

    __slots__ = ("factor", "first", "maximum")

    def __init__(self, first: float = 1.0, *, factor: float = 2.0, maximum: float = 900.0) -> None:
        if first < 0 or factor < 1 or not first <= maximum <= MAX_WAIT:
            raise ValueError(f"0 <= first <= maximum <= {MAX_WAIT:g} and factor >= 1, not {first}, {maximum}, {factor}")
        self.first = first
        self.factor = factor
        self.maximum = maximum

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the failure of `attempt` (1 and up)."""
        # The exponent is bounded: a float overflows at 2 ** 1024.
        return float(min(self.maximum, self.first * self.factor ** min(attempt - 1, 64)))

    def wait(self, attempt: int, random: float) -> float:
        """The wait after the failure of `attempt`, for a `random` from 0 up to 1."""
        return self.ceiling(attempt) * random
