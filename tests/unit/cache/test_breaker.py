"""The breaker: one failure opens, one caller tries, a store that is back is used within five seconds."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from lanner.cache.backend import CacheEntry
from lanner.cache.breaker import LONGEST_PAUSE, Breaker, CacheTierOpen, GuardedBackend
from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.clock import ManualClock
from tests.unit.cache.stores import Switched


def test_the_first_failure_opens_and_the_store_is_left_alone() -> None:
    """A request with ten calls waits once."""
    clock = ManualClock()
    store = Switched(clock=clock)
    guarded = GuardedBackend(store, clock)
    store.down = True
    for _ in range(10):
        with pytest.raises(CacheUnavailable):
            guarded.get("key")
    assert store.asked == ["get"]
    assert guarded.breaker.state == "open"
    assert guarded.breaker.refused == 9


def test_a_store_that_is_back_is_used_within_five_seconds() -> None:
    """However long it was away, the pause grows to four seconds and no further."""
    clock = ManualClock()
    store = Switched(clock=clock)
    guarded = GuardedBackend(store, clock)
    store.down = True
    asked_at = []
    for _ in range(600):
        before = len(store.asked)
        with pytest.raises(CacheUnavailable):
            guarded.get("key")
        if len(store.asked) > before:
            asked_at.append(clock.monotonic())
        clock.advance(0.1)
    gaps = [later - earlier for earlier, later in pairwise(asked_at)]
    assert gaps[:3] == pytest.approx([1, 2, 4], abs=0.11)
    assert max(gaps) <= LONGEST_PAUSE + 0.11
    store.down = False
    clock.advance(LONGEST_PAUSE)
    assert guarded.get("key") is None
    assert guarded.breaker.state == "closed"


def test_after_success_the_pause_is_short_again() -> None:
    """What happened before does not count."""
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
        clock.advance(LONGEST_PAUSE)
        assert breaker.allows()
    breaker.succeeded()
    breaker.failed()
    clock.advance(1)
    assert breaker.state == "half-open"


def test_one_caller_tries_while_the_others_are_refused() -> None:
    """Half-open lets a single call through, whatever the number of threads."""
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.advance(1)
    start = threading.Barrier(8)
    allowed: list[bool] = []

    def ask() -> None:
        start.wait()
        allowed.append(breaker.allows())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 1


def test_a_value_that_cannot_be_stored_opens_nothing() -> None:
    """The store answered: it is there."""
    guarded = GuardedBackend(Switched(), ManualClock())
    guarded.set("key", b"no counter")
    with pytest.raises(CacheValueError):
        guarded.increment("key")
    assert guarded.breaker.state == "closed"


def test_setting_the_wall_clock_back_does_not_keep_it_open() -> None:
    """Pauses are measured by the clock that never goes back."""
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.set(0)
    clock.advance(1)
    assert breaker.allows()


def test_refusal_is_told_apart() -> None:
    """Statistics can count what was never asked."""
    clock = ManualClock()
    store = Switched(clock=clock)
    guarded = GuardedBackend(store, clock)
    store.down = True
    with pytest.raises(CacheUnavailable):
        guarded.set("key", b"v")
    with pytest.raises(CacheTierOpen, match="remote"):
        guarded.set("key", b"v")


def test_a_trial_that_never_came_back_is_not_waited_for_for_ever() -> None:
    """A process that forks while a thread tries has no such thread in the child."""
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.advance(LONGEST_PAUSE)
    assert breaker.allows()
    assert not breaker.allows()
    clock.advance(LONGEST_PAUSE)
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.state == "closed"


def test_an_interrupted_call_proves_nothing() -> None:
    """Ctrl-C in the middle of a trial leaves the store alone for another pause."""
    clock = ManualClock()

    class Interrupted(Switched):
        def get(self, key: str) -> CacheEntry | None:
            raise KeyboardInterrupt

    store = Interrupted(clock=clock)
    store.get = Interrupted.get.__get__(store)  # type: ignore[method-assign]
    guarded = GuardedBackend(store, clock)
    guarded.breaker.failed()
    clock.advance(LONGEST_PAUSE)
    with pytest.raises(KeyboardInterrupt):
        guarded.get("key")
    assert guarded.breaker.state == "open"
