"""The memory tier: bounds, what goes first, identity, threads."""

from __future__ import annotations

import random
import threading

import pytest

from lanner.cache.errors import CacheConfigError, CacheValueError
from lanner.cache.memory import LARGEST_SHARE, OVERHEAD, MemoryBackend
from lanner.clock import ManualClock


def test_a_hit_is_the_object_that_was_stored() -> None:
    """Callers keep what they decoded for as long as the bytes are the same object."""
    cache = MemoryBackend()
    value = b"x" * 1000
    cache.set("key", value, 10)
    first, second = cache.get("key"), cache.get("key")
    assert first is not None
    assert first.value is value
    assert first is second


def test_bytes_are_bounded_whatever_the_sizes() -> None:
    """The sum of keys, values and overheads never passes max_bytes."""
    cache = MemoryBackend(max_bytes=100_000)
    draw = random.Random(1)
    for at in range(3_000):
        cache.set(f"k{draw.randrange(500)}", b"x" * draw.randrange(5_000))
        numbers = cache.statistics()
        assert numbers["bytes"] <= 100_000, at
    held = [(key, cache.get(key)) for key in list(cache.keys())]
    assert cache.statistics()["bytes"] == sum(len(key) + len(entry.value) + OVERHEAD for key, entry in held if entry)


def test_entries_are_bounded() -> None:
    """No more than max_entries, and the one just stored is there."""
    cache = MemoryBackend(max_entries=10)
    for at in range(100):
        cache.set(f"k{at}", b"v")
        assert cache.get(f"k{at}") is not None
        assert cache.statistics()["entries"] <= 10
    assert cache.statistics()["evictions"] == 90


@pytest.mark.parametrize("room", [1, 2, 3])
def test_the_smallest_rooms_work(room: int) -> None:
    """Room for one, two or three entries, overwritten, read and replaced, always holds the last one stored."""
    cache = MemoryBackend(max_entries=room)
    draw = random.Random(room)
    for _ in range(2_000):
        key = f"k{draw.randrange(5)}"
        if draw.random() < 0.5:
            cache.get(key)
        else:
            cache.set(key, b"v")
            assert cache.exists(key)
        assert len(list(cache.keys())) <= room


def test_an_entry_too_large_is_refused_and_the_old_one_is_gone() -> None:
    """What was there would be out of date."""
    cache = MemoryBackend(max_bytes=10_000)
    cache.set("key", b"old")
    cache.set("key", b"x" * (10_000 // LARGEST_SHARE))
    assert cache.get("key") is None
    assert cache.add("key", b"x" * 9_000) is False
    assert cache.statistics()["refused"] == 2


def test_what_is_over_goes_before_what_is_not() -> None:
    """Room is made by expired entries first, wherever they stand in their queue."""
    clock = ManualClock()
    cache = MemoryBackend(max_entries=20, clock=clock)
    for at in range(10):
        cache.set(f"lasting{at}", b"v")
    for at in range(10):
        cache.set(f"brief{at}", b"v", 5)
    clock.advance(6)
    for at in range(10):
        cache.set(f"new{at}", b"v")
    assert all(cache.exists(f"lasting{at}") for at in range(10))
    assert cache.statistics()["evictions"] == 0
    assert cache.statistics()["expirations"] == 10


def test_a_lifetime_that_was_renewed_is_the_one_that_counts() -> None:
    """The end that a key had before it was touched does not put it out."""
    clock = ManualClock()
    cache = MemoryBackend(max_entries=2, clock=clock)
    cache.set("kept", b"v", 5)
    cache.touch("kept", 100)
    cache.get("kept")
    clock.advance(6)
    cache.set("one", b"v")
    cache.set("two", b"v")
    assert cache.exists("kept")


def test_many_lifetimes_are_remembered_in_bounded_room() -> None:
    """A hundred thousand different ends keep a few thousand records."""
    clock = ManualClock()
    cache = MemoryBackend(max_entries=1_000, clock=clock)
    for at in range(100_000):
        cache.set(f"k{at % 2_000}", b"v", 1 + at % 977)
    assert len(cache._ends._heap) <= 8192


def test_a_write_is_never_paid_for_by_a_walk_over_everything() -> None:
    """When every entry was read, one write still looks at a bounded number of them."""
    cache = MemoryBackend(max_entries=5_000)
    for at in range(5_000):
        cache.set(f"k{at}", b"v")
    for _ in range(4):
        for at in range(5_000):
            cache.get(f"k{at}")
    steps = 0

    class Counting(type(cache._queues._main)):  # type: ignore[misc]
        def popitem(self, last: bool = True) -> object:
            nonlocal steps
            steps += 1
            return super().popitem(last)

    cache._queues._window = Counting(cache._queues._window)
    cache._queues._main = Counting(cache._queues._main)
    cache.set("new", b"v")
    assert 0 < steps <= 66


def test_bounds_that_hold_nothing_are_an_error_when_made() -> None:
    """Configuration fails at once and not in a request."""
    with pytest.raises(CacheConfigError, match="max_bytes"):
        MemoryBackend(max_bytes=10)
    with pytest.raises(CacheConfigError, match="max_entries"):
        MemoryBackend(max_entries=0)


def test_a_ttl_that_is_no_number_is_refused() -> None:
    """NaN compares with nothing: an entry would never end."""
    with pytest.raises(CacheValueError, match="NaN"):
        MemoryBackend().set("key", b"v", float("nan"))


def test_evictions_are_told_by_key() -> None:
    """Who listens hears every key that was put out, and no key that was deleted or over."""
    clock = ManualClock()
    cache = MemoryBackend(max_entries=2, clock=clock)
    told: list[str] = []
    cache.on_evict = told.append
    cache.set("over", b"v", 1)
    cache.set("deleted", b"v")
    cache.delete("deleted")
    clock.advance(2)
    for name in ("a", "b", "c"):
        cache.set(name, b"v")
    assert told == ["a"]


def test_threads_lose_no_count_and_break_no_bound() -> None:
    """Four threads set, read, delete and count in a room too small for them."""
    cache = MemoryBackend(max_bytes=200_000, max_entries=300)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        try:
            for _ in range(3_000):
                key = f"k{draw.randrange(600)}"
                cache.get(key)
                cache.set(key, b"x" * draw.randrange(900), draw.choice((None, 0.001, 60)))
                if draw.random() < 0.1:
                    cache.delete(key)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    numbers = cache.statistics()
    assert numbers["bytes"] <= 200_000
    assert numbers["entries"] <= 300
    queues = cache._queues
    assert len(queues._window) + len(queues._main) == len(cache._nodes)
    assert queues.bytes == sum(node.size for node in cache._nodes.values())
    assert queues._window_bytes == sum(node.size for node in queues._window.values())
