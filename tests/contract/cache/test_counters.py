"""Counters: numbers in the same key space."""

from __future__ import annotations

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.cache.errors import CacheValueError
from lanner.clock import ManualClock
from tests.contract.cache.conftest import Store

MOST = 2**63 - 1


def test_a_counter_starts_at_its_initial_value(cache: CacheBackend) -> None:
    """And the delta is added to that."""
    assert cache.increment("n") == 1
    assert cache.increment("m", 5, initial=10) == 15
    assert cache.increment("m", 5, initial=10) == 20


def test_a_counter_reads_as_its_digits(cache: CacheBackend) -> None:
    """In one read and in many."""
    cache.increment("n", 41)
    cache.increment("n")
    assert cache.get("n") == CacheEntry(b"42", None)
    assert cache.get_many(["n"]) == {"n": CacheEntry(b"42", None)}
    assert cache.exists("n")


def test_digits_that_were_stored_are_a_counter(cache: CacheBackend, clock: ManualClock) -> None:
    """`set` and `increment` meet, and the lifetime stays."""
    cache.set("n", b"41", 10)
    assert cache.increment("n", ttl=1000) == 42
    assert cache.get("n") == CacheEntry(b"42", clock.now() + 10)
    cache.set("n", b"0")
    assert cache.increment("n", 7) == 7


@pytest.mark.parametrize("value", [b"", b"x", b"1.5", b"1 ", b"0x1", b"1" * 30, b"\xe7", b"v" * 400_000], ids=repr)
def test_a_value_that_is_no_number_cannot_be_counted(cache: CacheBackend, value: bytes) -> None:
    """`CacheValueError`, and the value stays as it is."""
    cache.set("key", value, 100)
    with pytest.raises(CacheValueError):
        cache.increment("key")
    entry = cache.get("key")
    assert entry is not None and entry.value == value and entry.expires_at is not None


def test_subtracting(store: Store) -> None:
    """Below 0 too, but in Memcached, which stays at 0."""
    cache = store.make()
    assert cache.increment("n", 5) == 5
    assert cache.increment("n", -3) == 2
    assert cache.increment("n", -3) == (-1 if store.kind.negative else 0)
    assert cache.get("n") == CacheEntry(b"-1" if store.kind.negative else b"0")
    assert cache.increment("n", 2) == (1 if store.kind.negative else 2)
    assert cache.increment("m", -1, initial=-1) == (-2 if store.kind.negative else 0)


def test_the_range_is_64_bits(store: Store) -> None:
    """What would leave it is `CacheValueError`, and the counter stays."""
    cache = store.make()
    assert cache.increment("n", MOST) == MOST
    assert cache.get("n") == CacheEntry(b"%d" % MOST)
    with pytest.raises(CacheValueError):
        cache.increment("n")
    assert cache.increment("n", -1) == MOST - 1
    assert cache.increment("n", 0) == MOST - 1
    with pytest.raises(CacheValueError):
        cache.increment("new", 1, initial=MOST)
    assert cache.get("new") is None
    if store.kind.negative:
        assert cache.increment("low", -MOST, initial=-1) == -MOST - 1
        with pytest.raises(CacheValueError):
            cache.increment("low", -1)


def test_the_ttl_is_that_of_the_first(cache: CacheBackend, clock: ManualClock) -> None:
    """A window of a limiter: later increments do not prolong it, and it ends exactly."""
    assert cache.increment("n", ttl=1.5) == 1
    end = clock.now() + 1.5
    clock.advance(1)
    assert cache.increment("n", ttl=100) == 2
    assert cache.get("n") == CacheEntry(b"2", end)
    clock.advance(0.499)
    assert cache.increment("n") == 3
    clock.advance(0.001)
    assert cache.get("n") is None
    assert cache.increment("n", ttl=10) == 1
    assert cache.get("n") == CacheEntry(b"1", clock.now() + 10)


def test_a_counter_without_ttl_stays(cache: CacheBackend, clock: ManualClock) -> None:
    """And gets none later."""
    cache.increment("n")
    cache.increment("n", ttl=1)
    clock.advance(10**6)
    assert cache.increment("n") == 3


def test_a_ttl_of_nothing_keeps_no_counter(cache: CacheBackend) -> None:
    """The number is that of a first increment; one that is there counts on."""
    assert cache.increment("n", 2, initial=3, ttl=0) == 5
    assert cache.get("n") is None
    cache.increment("n")
    assert cache.increment("n", ttl=-1) == 2


def test_a_counter_can_be_added_deleted_and_replaced(cache: CacheBackend) -> None:
    """As any entry can."""
    cache.increment("n")
    assert cache.add("n", b"x") is False
    assert cache.delete("n") is True
    assert cache.increment("n") == 1
    cache.set("n", b"text")
    with pytest.raises(CacheValueError):
        cache.increment("n")
