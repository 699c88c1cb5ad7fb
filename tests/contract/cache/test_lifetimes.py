"""Lifetimes: by the caller's clock to the millisecond, whatever the store's own clock does."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.clock import ManualClock

DAY_S = 24 * 3600


def test_an_entry_knows_when_it_ends(cache: CacheBackend, clock: ManualClock) -> None:
    """`expires_at` is now and the ttl, in one read and in many."""
    cache.set("key", b"value", 1.5)
    expected = CacheEntry(b"value", clock.now() + 1.5)
    assert cache.get("key") == expected
    assert cache.get_many(["key"]) == {"key": expected}


@pytest.mark.parametrize("ttl", [0.001, 0.25, 1.0, 1.5, 59.999, 40 * DAY_S, 100 * 365 * DAY_S])
def test_an_entry_is_there_until_its_end(cache: CacheBackend, clock: ManualClock, ttl: float) -> None:
    """A moment before it is, at that moment it is not: no whole seconds, no limit of 30 days."""
    cache.set("key", b"value", ttl)
    entry = cache.get("key")
    assert entry is not None and entry.expires_at is not None
    assert abs(entry.expires_at - (clock.now() + ttl)) < 0.001
    clock.set(entry.expires_at - 0.0005)
    assert cache.exists("key")
    assert cache.get("key") == entry
    clock.set(entry.expires_at)
    assert not cache.exists("key")
    assert cache.get("key") is None


def _stores(cache: CacheBackend) -> bool:
    cache.set("key", b"new")
    return cache.get("key") == CacheEntry(b"new")


GONE: dict[str, Callable[[CacheBackend], bool]] = {
    "get": lambda cache: cache.get("key") is None,
    "get_many": lambda cache: cache.get_many(["key"]) == {},
    "exists": lambda cache: cache.exists("key") is False,
    "delete": lambda cache: cache.delete("key") is False,
    "delete_many": lambda cache: cache.delete_many(["key"]) == 0,
    "touch": lambda cache: cache.touch("key", 100) is False and cache.get("key") is None,
    "add": lambda cache: cache.add("key", b"new") and cache.get("key") == CacheEntry(b"new"),
    "increment": lambda cache: cache.increment("key", 2, initial=5) == 7 and cache.get("key") == CacheEntry(b"7"),
    "set": _stores,
    "keys": lambda cache: not cache.lists_keys or list(cache.keys()) == [],
}


@pytest.mark.parametrize("operation", GONE)
@pytest.mark.parametrize("value", [b"value", b"42", b"v" * 400_000], ids=["text", "digits", "large"])
def test_what_has_ended_is_absent_for_every_operation(
    cache: CacheBackend, clock: ManualClock, operation: str, value: bytes
) -> None:
    """Whether or not the store has removed it."""
    cache.set("key", value, 10)
    clock.advance(10)
    assert GONE[operation](cache)


def test_without_ttl_nothing_ends(cache: CacheBackend, clock: ManualClock) -> None:
    """None, and infinity, are for ever."""
    cache.set("key", b"value")
    cache.set("too", b"value", math.inf)
    clock.advance(1000 * 365 * DAY_S)
    assert {key: entry.value for key, entry in cache.get_many(["key", "too"]).items()} == dict.fromkeys(
        ["key", "too"], b"value"
    )


@pytest.mark.parametrize("ttl", [0, -1, -0.001, -math.inf])
def test_a_ttl_of_nothing_stores_nothing(cache: CacheBackend, ttl: float) -> None:
    """And removes what is there; `add` finds something or stores nothing."""
    for key in ("set", "set_many", "touch", "add"):
        cache.set(key, b"old")
    cache.set("set", b"new", ttl)
    cache.set_many({"set_many": b"new", "other": b"new"}, ttl)
    assert cache.touch("touch", ttl) is True
    assert cache.touch("absent", ttl) is False
    assert cache.add("add", b"new", ttl) is False
    assert cache.add("added", b"new", ttl) is False
    assert cache.get_many(["set", "set_many", "other", "touch", "added"]) == {}


def test_touch_gives_another_lifetime(cache: CacheBackend, clock: ManualClock) -> None:
    """Longer, shorter, and for ever; the value stays."""
    cache.set("key", b"value", 10)
    assert cache.touch("key", 100) is True
    clock.advance(99)
    assert cache.get("key") == CacheEntry(b"value", clock.now() + 1)
    assert cache.touch("key", 0.5) is True
    clock.advance(0.25)
    assert cache.touch("key", None) is True
    assert cache.get("key") == CacheEntry(b"value", None)
    assert cache.touch("key", 1) is True
    clock.advance(1)
    assert cache.touch("key", 1) is False


def test_touch_keeps_a_counter_and_a_large_value(cache: CacheBackend, clock: ManualClock) -> None:
    """Whatever form the store has them in."""
    cache.increment("n", 3, ttl=10)
    cache.set("large", b"v" * 800_000, 10)
    assert cache.touch("n", 100) and cache.touch("large", 100)
    clock.advance(50)
    assert cache.increment("n") == 4
    entry = cache.get("large")
    assert entry is not None and entry.value == b"v" * 800_000


def test_a_clock_that_goes_back_revives_nothing_that_was_replaced(cache: CacheBackend, clock: ManualClock) -> None:
    """An operator sets the clock: entries end by what it says then."""
    cache.set("key", b"value", 10)
    clock.set(clock.now() - 3600)
    assert cache.get("key") is not None
    cache.set("key", b"new", 5)
    clock.advance(5)
    assert cache.get("key") is None
