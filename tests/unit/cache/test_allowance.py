"""Slow answers share one budget, quick ones cost nothing, and time heals."""

from __future__ import annotations

import threading

import pytest

from lanner.cache.allowance import LEAST_MS, WINDOW_S, capped
from lanner.cache.backend import CacheEntry
from lanner.cache.breaker import CacheTierOpen, GuardedBackend
from lanner.cache.errors import CacheUnavailable
from lanner.cache.memory import MemoryBackend
from lanner.cache.stream import Deadline
from lanner.clock import ManualClock

BUDGET_MS = 50.0


class Slow(MemoryBackend):
    """A store whose every answer takes `takes` milliseconds, or fails when its deadline is over first."""

    name = "remote"
    budget_ms = BUDGET_MS

    def __init__(self, clock: ManualClock, takes: float) -> None:
        super().__init__(clock=clock)
        self.clock = clock
        self.takes = takes
        self.asked = 0

    def get(self, key: str) -> CacheEntry | None:
        self.asked += 1
        deadline = Deadline(self.clock, self.budget_ms, "remote get")
        waited = min(self.takes, deadline.left_ms())
        self.clock.advance(waited / 1000)
        if waited < self.takes:
            raise deadline.spent()
        return super().get(key)


def read(guarded: GuardedBackend, times: int) -> int:
    """Reads as a request does them; how many were answered."""
    answered = 0
    for _ in range(times):
        try:
            guarded.get("key")
        except CacheUnavailable:
            continue
        answered += 1
    return answered


@pytest.mark.parametrize(("takes", "answered"), [(30, 1), (49, 1), (20, 2), (12, 4), (60, 0)])
def test_a_request_of_many_calls_waits_for_one_budget(takes: float, answered: int) -> None:
    """However slow the answers are; then the breaker is open and nobody waits."""
    clock = ManualClock()
    store = Slow(clock, takes)
    guarded = GuardedBackend(store, clock)
    before = clock.monotonic()
    assert read(guarded, 20) == answered
    assert (clock.monotonic() - before) * 1000 <= BUDGET_MS + LEAST_MS
    assert store.asked == answered + 1
    with pytest.raises(CacheTierOpen):
        guarded.get("key")


def test_quick_answers_may_be_as_many_as_a_request_needs() -> None:
    """Less than a fifth of the budget is not slow: a healthy store far away is used."""
    clock = ManualClock()
    guarded = GuardedBackend(Slow(clock, 0.99 * BUDGET_MS / 5), clock)
    assert read(guarded, 200) == 200


def test_the_account_is_closed_after_a_moment() -> None:
    """A store that is slow now and then is not left alone for that."""
    clock = ManualClock()
    guarded = GuardedBackend(Slow(clock, 30), clock)
    for _ in range(50):
        assert read(guarded, 1) == 1
        clock.advance(WINDOW_S)


def test_a_store_that_recovers_is_used_within_five_seconds() -> None:
    """With its whole budget."""
    clock = ManualClock()
    store = Slow(clock, 30)
    guarded = GuardedBackend(store, clock)
    read(guarded, 5)
    store.takes = 1
    clock.advance(4)
    assert read(guarded, 20) == 20


def test_another_thread_has_an_account_of_its_own() -> None:
    """It serves another request."""
    clock = ManualClock()
    guarded = GuardedBackend(Slow(clock, 30), clock)
    assert read(guarded, 1) == 1
    answered: list[int] = []
    thread = threading.Thread(target=lambda: answered.append(read(guarded, 1)))
    thread.start()
    thread.join()
    assert answered == [1]


def test_nothing_is_capped_outside_an_operation() -> None:
    """Also after one that failed."""
    clock = ManualClock()
    read(GuardedBackend(Slow(clock, 30), clock), 3)
    assert capped(500) == 500
