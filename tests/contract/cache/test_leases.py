"""Leases: one of many does the work, and one that slept past its lease overwrites nothing."""

from __future__ import annotations

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.clock import ManualClock
from tests.contract.cache.conftest import Store


def test_a_lease_is_one_tokens(cache: CacheBackend) -> None:
    """Another waits until it is given back; its holder may take it again."""
    assert cache.acquire("key", "one", 10) is True
    assert cache.acquire("key", "two", 10) is False
    assert cache.acquire("key", "one", 10) is True
    assert cache.acquire("other key", "two", 10) is True
    assert cache.release("key", "one") is True
    assert cache.acquire("key", "two", 10) is True


def test_a_lease_ends_by_its_time(cache: CacheBackend, clock: ManualClock) -> None:
    """Exactly: a dead holder holds nobody up."""
    cache.acquire("key", "one", 1.5)
    clock.advance(1.499)
    assert cache.acquire("key", "two", 10) is False
    clock.advance(0.001)
    assert cache.acquire("key", "two", 10) is True
    assert cache.acquire("key", "one", 10) is False


def test_a_holder_renews_its_lease(cache: CacheBackend, clock: ManualClock) -> None:
    """To the new ttl from now."""
    cache.acquire("key", "one", 10)
    clock.advance(9)
    assert cache.acquire("key", "one", 10) is True
    clock.advance(9)
    assert cache.acquire("key", "two", 10) is False
    clock.advance(1)
    assert cache.acquire("key", "two", 10) is True


def test_only_the_holder_releases(cache: CacheBackend, clock: ManualClock) -> None:
    """Not another token, not twice, not after its end."""
    cache.acquire("key", "one", 10)
    assert cache.release("key", "two") is False
    assert cache.acquire("key", "two", 10) is False
    assert cache.release("key", "one") is True
    assert cache.release("key", "one") is False
    assert cache.release("never", "one") is False
    cache.acquire("key", "one", 10)
    clock.advance(10)
    assert cache.release("key", "one") is False
    cache.acquire("key", "two", 10)
    assert cache.release("key", "one") is False
    assert cache.acquire("key", "three", 10) is False


def test_a_lease_is_beside_the_entry(cache: CacheBackend) -> None:
    """It is no entry, and the entry's life is its own."""
    assert cache.acquire("key", "one", 10) is True
    assert cache.get("key") is None and not cache.exists("key")
    cache.set("key", b"value")
    assert cache.acquire("key", "two", 10) is False
    assert cache.delete("key") is True
    assert cache.acquire("key", "two", 10) is False
    cache.set("key", b"value")
    assert cache.release("key", "one") is True
    assert cache.get("key") == CacheEntry(b"value")
    if cache.lists_keys:
        assert cache.acquire("only a lease", "one", 10)
        assert list(cache.keys()) == ["key"]


def test_set_held_stores_and_releases(cache: CacheBackend, clock: ManualClock) -> None:
    """In one; a second time there is no lease."""
    cache.acquire("key", "one", 10)
    assert cache.set_held("key", b"value", 5, "one") is True
    assert cache.get("key") == CacheEntry(b"value", clock.now() + 5)
    assert cache.set_held("key", b"again", 5, "one") is False
    assert cache.acquire("key", "two", 10) is True
    assert cache.get("key") == CacheEntry(b"value", clock.now() + 5)


def test_set_held_by_another_token_changes_nothing(cache: CacheBackend) -> None:
    """Neither entry nor lease, whether there is a lease or not."""
    cache.set("key", b"old")
    assert cache.set_held("key", b"new", None, "one") is False
    cache.acquire("key", "one", 10)
    assert cache.set_held("key", b"new", None, "two") is False
    assert cache.get("key") == CacheEntry(b"old")
    assert cache.acquire("key", "two", 10) is False
    assert cache.set_held("key", b"new", None, "one") is True
    assert cache.get("key") == CacheEntry(b"new")


def test_a_holder_that_slept_overwrites_nothing(cache: CacheBackend, clock: ManualClock) -> None:
    """Its lease ended, another computed and stored: the sleeper's value is refused."""
    cache.acquire("key", "sleeper", 10)
    clock.advance(10)
    assert cache.set_held("key", b"late", None, "sleeper") is False
    assert cache.get("key") is None
    cache.acquire("key", "other", 10)
    assert cache.set_held("key", b"late", None, "sleeper") is False
    assert cache.set_held("key", b"right", None, "other") is True
    assert cache.set_held("key", b"late", None, "sleeper") is False
    assert cache.get("key") == CacheEntry(b"right")


def test_set_held_takes_any_value(cache: CacheBackend) -> None:
    """Empty, large, and digits."""
    for value in (b"", b"v" * 1_000_000, b"41"):
        cache.acquire("key", "one", 10)
        assert cache.set_held("key", value, 100, "one") is True
        entry = cache.get("key")
        assert entry is not None and entry.value == value
    assert cache.increment("key") == 42


def test_set_held_without_a_lifetime_removes(cache: CacheBackend) -> None:
    """A ttl of 0 or less stores nothing and removes what is there; the lease is given back."""
    cache.set("key", b"old")
    cache.acquire("key", "one", 10)
    assert cache.set_held("key", b"new", 0, "one") is True
    assert cache.get("key") is None
    assert cache.acquire("key", "two", 10) is True
    assert cache.set_held("key", b"new", -1, "one") is False


def test_a_lease_of_no_time_holds_nobody_up(cache: CacheBackend) -> None:
    """Whatever it answers."""
    cache.acquire("key", "one", 0)
    assert cache.acquire("key", "two", 10) is True
    assert cache.acquire("key", "one", -1) is False
    assert cache.release("key", "two") is True


def test_tokens_are_any_text(cache: CacheBackend) -> None:
    """Compared whole."""
    tokens = ["t", "t ", "T", "", "tökén\r\n", "x" * 300]
    for token in tokens:
        assert cache.acquire("key", token, 10) is True
        assert not any(cache.acquire("key", other, 10) for other in tokens if other != token)
        assert not any(cache.set_held("key", b"", None, other) for other in tokens if other != token)
        assert cache.release("key", token) is True


@pytest.mark.parametrize("prefix", ["", "k"])
def test_clear_removes_leases_too(store: Store, prefix: str) -> None:
    """Of the keys it is about."""
    cache = store.make()
    if prefix and not cache.lists_keys:
        pytest.skip("it clears everything or nothing")
    for key in ("key", "k}{", "k" * 3000):
        assert cache.acquire(key, "one", 100) is True
    assert cache.acquire("other", "one", 100) is True
    cache.clear(prefix)
    for key in ("key", "k}{", "k" * 3000):
        assert cache.acquire(key, "two", 100) is True
    assert cache.acquire("other", "two", 100) is (not prefix)
