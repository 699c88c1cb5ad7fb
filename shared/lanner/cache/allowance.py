"""What a thread may still spend on a tier whose answers are slow: the tier's budget once, and not for each operation.

A request makes several operations, and each answer within its budget is an answer. So a tier that takes most of the
budget every time would cost a request several budgets without ever failing. Answers that take more than a share
(`SLOW`) of the budget are therefore added up. What they have taken is missing from the budget of the operations after
them, so that the one for which nothing is left fails and opens the breaker.

    quick answers    cost nothing: a healthy store may be asked as often as a request needs
    slow answers     add up, for `WINDOW_S` from the first of them; then the thread begins anew
    spent            the next operation fails within what is left, at least `LEAST_MS`; its breaker then opens, for at
                     least as long as the account is remembered

A window of time and not a request, because a backend knows of no requests; it is longer than the cache's part of one.
The account belongs to a thread and a tier (`Account`, in `breaker`); `capped` is where backends make their deadlines.
"""

from __future__ import annotations

import threading
from math import inf

SLOW = 0.2
WINDOW_S = 1.0
LEAST_MS = 1.0


class _Cap(threading.local):
    ms = inf


_cap = _Cap()


def capped(budget_ms: float) -> float:
    """The milliseconds of an operation: its budget, or what slow answers have left of it."""
    return min(budget_ms, _cap.ms)


class Account(threading.local):
    """What one thread has spent on slow answers of one tier, in milliseconds."""

    def __init__(self, budget_ms: float) -> None:
        self._budget_ms = budget_ms
        self._spent = 0.0
        self._since = -inf

    def begin(self, now: float) -> None:
        """An operation begins at `now`, in seconds of a monotonic clock."""
        if self._spent:
            if now - self._since > WINDOW_S:
                self._spent = 0.0
            else:
                _cap.ms = max(LEAST_MS, self._budget_ms - self._spent)

    def end(self, began: float, now: float) -> None:
        """It is over, whatever came of it."""
        _cap.ms = inf
        taken = (now - began) * 1000
        if taken > SLOW * self._budget_ms:
            if not self._spent:
                self._since = began
            self._spent += taken
