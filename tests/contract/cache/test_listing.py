"""`keys` and `clear`, for the stores that can list, and for the one that cannot."""

from __future__ import annotations

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.cache.errors import CacheValueError
from lanner.clock import ManualClock
from tests.contract.cache.conftest import Store


@pytest.fixture
def listing(cache: CacheBackend) -> CacheBackend:
    """A cache that lists."""
    if not cache.lists_keys:
        pytest.skip("it cannot list")
    return cache


def test_keys_lists_what_starts_with_a_prefix(listing: CacheBackend) -> None:
    """Everything without one."""
    names = ["users/1", "users/2", "users", "use", "catalog", "größe/1", "n"]
    listing.set_many(dict.fromkeys(names[:-1], b""))
    listing.increment("n")
    assert sorted(listing.keys()) == sorted(names)
    assert sorted(listing.keys("users/")) == ["users/1", "users/2"]
    assert sorted(listing.keys("größe")) == ["größe/1"]
    assert list(listing.keys("absent")) == []


def test_many_keys_are_each_listed_once(listing: CacheBackend) -> None:
    """More than a page of any store."""
    names = [f"key {number}" for number in range(1201)]
    listing.set_many(dict.fromkeys(names, b"v"))
    assert sorted(listing.keys()) == sorted(names)
    assert listing.clear() == 1201
    assert list(listing.keys()) == []


@pytest.mark.parametrize("pattern", ["*", "?", "[a]", "[^a]", "\\", "\\*", "a*", "{a}", "%|", "%", "_"])
def test_a_prefix_is_no_pattern(store: Store, pattern: str) -> None:
    """Characters that mean something to a store's matching mean themselves."""
    cache = store.make(pattern)
    if not cache.lists_keys:
        pytest.skip("it cannot list")
    other = store.make("a")
    other.set("key", b"")
    cache.set_many({f"{pattern}key": b"", "key": b"", "akey": b""})
    assert sorted(cache.keys()) == sorted([f"{pattern}key", "key", "akey"])
    assert list(cache.keys(pattern)) == (["akey"] if pattern == "a" else [f"{pattern}key"])
    assert cache.clear(pattern) == 1
    assert sorted(cache.keys()) == ["akey", "key"]
    assert cache.clear() == 2
    assert other.get("key") == CacheEntry(b"")


def test_clear_removes_what_starts_with_a_prefix(listing: CacheBackend) -> None:
    """And says how many."""
    listing.set_many({"a1": b"", "a2": b"v" * 500_000, "a" * 3000: b"", "b1": b""})
    listing.increment("a3")
    assert listing.clear("a") == 4
    assert list(listing.keys()) == ["b1"]
    assert listing.get_many(["a1", "a2", "a3"]) == {}
    assert listing.clear("a") == 0


def test_clear_removes_everything_of_this_cache(store: Store) -> None:
    """And nothing of another; also what another process's cache of the same prefix has cached about it."""
    cache, neighbour = store.make("x"), store.make("xy")
    cache.set_many({"a": b"1", "b": b"2"})
    cache.increment("n", 5)
    neighbour.set("a", b"theirs")
    same = store.make("x") if store.kind.shared else cache
    same.get("a")
    same.clear()
    assert cache.get_many(["a", "b", "n"]) == {}
    assert cache.increment("n") == 1
    assert cache.add("a", b"new") is True
    assert same.get("a") == CacheEntry(b"new")
    assert neighbour.get("a") == CacheEntry(b"theirs")
    cache.clear()
    cache.clear()
    assert same.get("a") is None


def test_writes_after_a_clear_elsewhere_are_kept(store: Store) -> None:
    """Each kind of write of a cache that has not heard of the clear yet."""
    if not store.kind.shared:
        pytest.skip("two of these have nothing in common")
    cache, other = store.make(), store.make()
    cache.set("old", b"")
    other.clear()
    cache.set("set", b"1")
    other.clear()
    assert cache.get("set") is None
    other.clear()
    assert cache.add("add", b"2") is True
    assert other.get("add") == CacheEntry(b"2")
    other.clear()
    assert cache.increment("n") == 1
    assert other.increment("n") == 2
    other.clear()
    assert cache.acquire("key", "one", 10) is True
    assert other.acquire("key", "two", 10) is False
    other.clear()
    assert cache.set_held("key", b"", None, "one") is False
    assert cache.delete("n") is False


def test_what_has_ended_is_not_listed(listing: CacheBackend, clock: ManualClock) -> None:
    """`clear` removes it, and may count it."""
    listing.set("short", b"", 10)
    listing.set("long", b"", 20)
    clock.advance(10)
    assert list(listing.keys()) == ["long"]
    assert listing.clear() in (1, 2)


def test_a_store_that_cannot_list_says_so(cache: CacheBackend) -> None:
    """At the call, not at the first step of the iterator."""
    if cache.lists_keys:
        pytest.skip("it can list")
    with pytest.raises(CacheValueError):
        cache.keys()
    with pytest.raises(CacheValueError):
        cache.clear("some")
