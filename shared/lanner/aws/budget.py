"""The milliseconds one call may take, from connecting to the last byte, retries and waits between them included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.aws.errors import BudgetSpent

if TYPE_CHECKING:
    from lanner.clock import Clock


class Budget:
    """A deadline on the monotonic clock; `what` names the call in error messages."""

    __slots__ = ("_clock", "_deadline", "ms", "what")

    def __init__(self, clock: Clock, ms: float, what: str) -> None:
        if ms <= 0:
            raise BudgetSpent(f"{what}: the budget is {ms:g} ms, so there is no time for the call")
        self._clock = clock
        self._deadline = clock.monotonic() + ms / 1000
        self.ms = ms
        self.what = what

    def left(self) -> float:
        """Seconds that remain, 0 or less when the budget is spent."""
        return self._deadline - self._clock.monotonic()

    def timeout(self, *, outcome_unknown: bool = False) -> float:
        """Seconds that remain, as a socket takes them (more than 0). Raises `BudgetSpent`."""
        left = self.left()
        if left <= 0:
            raise self.spent(outcome_unknown=outcome_unknown)
        return left

    def spent(self, *, outcome_unknown: bool = False) -> BudgetSpent:
        """The error that says so."""
        return BudgetSpent(f"{self.what}: the budget of {self.ms:g} ms is spent", outcome_unknown=outcome_unknown)
