"""Leases: one holder at a time, by the clock; waiting with a budget."""

from __future__ import annotations

import itertools

import pytest

from lanner.cache.lease import LONGEST_ASKING, LONGEST_PAUSE, Lease, Patience, wait_for
from lanner.cache.memory import MemoryBackend
from lanner.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def backend(clock: ManualClock) -> MemoryBackend:
    return MemoryBackend(clock=clock)


def take(backend: MemoryBackend, clock: ManualClock) -> Lease:
    lease = Lease.acquire(backend, "key", 1000, clock)
    assert lease is not None
    return lease


def test_a_lease_is_granted_to_one(backend: MemoryBackend, clock: ManualClock) -> None:
    """While somebody has the lease nobody else gets it, in the same thread neither."""
    lease = take(backend, clock)
    assert lease.held
    assert Lease.acquire(backend, "key", 1000, clock) is None
    assert Lease.acquire(backend, "other", 1000, clock) is not None


def test_leaving_the_block_gives_it_back(backend: MemoryBackend, clock: ManualClock) -> None:
    """Also when the block raises."""
    with pytest.raises(RuntimeError), take(backend, clock):
        raise RuntimeError
    assert take(backend, clock).held


def test_a_dead_holders_lease_expires(backend: MemoryBackend, clock: ManualClock) -> None:
    """After its time it is somebody else's, and the first holder can store nothing."""
    first = take(backend, clock)
    clock.advance(1.0)
    assert not first.held
    second = take(backend, clock)
    assert not first.set(b"late", 60)
    assert not first.release()
    assert second.set(b"in time", 60)
    entry = backend.get("key")
    assert entry is not None
    assert entry.value == b"in time"


def test_storing_ends_the_lease(backend: MemoryBackend, clock: ManualClock) -> None:
    """Once the work is stored the next one may begin."""
    lease = take(backend, clock)
    assert lease.set(b"done", None)
    assert not lease.held
    assert take(backend, clock).held


def test_waiting_ends_with_what_was_seen(clock: ManualClock) -> None:
    """The first look that is not None is the answer, and nobody waits after it."""
    looks = iter([None, None, 0])
    assert wait_for(lambda: next(looks), clock, 60) == 0
    assert list(looks) == []


def test_waiting_ends_with_the_budget(clock: ManualClock) -> None:
    """No pause goes past the deadline, and pauses grow: a long wait does not mean thousands of looks."""
    looks: list[float] = []
    began = clock.monotonic()
    assert wait_for(lambda: looks.append(clock.monotonic()), clock, 10) is None
    assert clock.monotonic() - began == pytest.approx(10)
    assert 45 < len(looks) < 150


def test_without_a_budget_there_is_one_look(clock: ManualClock) -> None:
    """A budget of nothing still looks."""
    looks: list[int] = []
    assert wait_for(lambda: looks.append(1), clock, 0) is None
    assert looks == [1]


def test_who_waits_asks_for_the_lease_less_often_than_it_reads(clock: ManualClock) -> None:
    """At once, then after pauses that double to half a second: everybody else contends for the same lease."""
    patience = Patience(clock, 10)
    asked = []
    looks = 0
    while True:
        if patience.asks():
            asked.append(clock.monotonic())
        if not patience.pause():
            break
        looks += 1
    assert asked[0] == 0
    assert len(asked) < 30 < looks
    assert (
        max(after - before for before, after in itertools.pairwise(asked)) < 1.5 * LONGEST_ASKING + 1.5 * LONGEST_PAUSE
    )
