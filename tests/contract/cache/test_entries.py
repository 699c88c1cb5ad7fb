"""Entries: what is stored is what is read, under any key."""

from __future__ import annotations

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from tests.contract.cache.conftest import Store

ODD_KEYS = (
    "users/42?page=2",
    "schlüssel ключ 鍵 🗝",
    " with space ",
    "line\r\nbreak",
    "nul\0nul",
    "\0",
    "tab\tand\x7f",
    "*?[a-z]\\",
    "%|",
    "|",
    "{tag}rest",
    "{}empty",
    "a}b{c",
    "}",
    "get x",
    "lone \ud800 surrogate",
    "x" * 250,
    "x" * 10_000,
    "é" * 1500,
)
ODD_VALUES = (
    b"",
    b"plain",
    b"42",
    b"-1",
    bytes(range(256)),
    b"END\r\n",
    b"\r\nVALUE x 0 1\r\n",
    b"$-1\r\n",
    b"\xe7" + b"\x00" * 8,
    b"\xe7" + b"\xff" * 20,
)


def test_is_a_backend(cache: CacheBackend) -> None:
    """The protocol's members are all there."""
    assert isinstance(cache, CacheBackend)
    assert cache.name


def test_what_is_not_there_is_none(cache: CacheBackend) -> None:
    """Every operation says so of an absent key."""
    assert cache.get("absent") is None
    assert cache.exists("absent") is False
    assert cache.delete("absent") is False
    assert cache.touch("absent", 10) is False
    assert cache.get_many(["absent", "absent too"]) == {}
    assert cache.delete_many(["absent"]) == 0


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(cache: CacheBackend, value: bytes) -> None:
    """Bytes are not interpreted, whatever they look like to a protocol."""
    cache.set("key", value)
    assert cache.get("key") == CacheEntry(value, None)
    assert cache.exists("key") is True


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key)[:24])
def test_any_text_is_a_key(cache: CacheBackend, key: str) -> None:
    """Each operation takes keys that the store itself could not hold."""
    assert cache.add(key, b"first") is True
    assert cache.add(key, b"second") is False
    assert cache.get(key) == CacheEntry(b"first", None)
    cache.set(key, b"third")
    assert cache.get_many([key, "other"]) == {key: CacheEntry(b"third", None)}
    assert cache.exists(key) and cache.touch(key, None)
    assert cache.acquire(key, "me", 10)
    assert cache.set_held(key, b"fourth", None, "me") is True
    assert cache.get(key) == CacheEntry(b"fourth", None)
    if cache.lists_keys:
        assert list(cache.keys()) == [key]
    assert cache.delete(key) is True
    assert cache.increment(key) == 1
    assert cache.delete_many([key]) == 1
    assert cache.get(key) is None


def test_keys_that_resemble_each_other_are_different(cache: CacheBackend) -> None:
    """Case, Unicode form, white space and what follows a long start all count."""
    keys = ["a", "A", "a ", "\u00e9", "e\u0301", "x" * 3000 + "1", "x" * 3000 + "2", "a|", "a%7C"]
    cache.set_many({key: key.encode() for key in keys})
    assert cache.get_many(keys) == {key: CacheEntry(key.encode()) for key in keys}


def test_a_large_value_is_whole(cache: CacheBackend) -> None:
    """A value of 1 MB, replaced by another, by a small one, and gone."""
    first, second = bytes(range(256)) * 4096, bytes(reversed(range(256))) * 4096
    cache.set("large", first)
    entry = cache.get("large")
    assert entry is not None and entry.value == first
    cache.set("large", second, 60)
    assert cache.get_many(["large"])["large"].value == second
    assert cache.touch("large", 120)
    assert cache.exists("large")
    assert cache.add("large", b"") is False
    cache.set("large", b"small")
    assert cache.get("large") == CacheEntry(b"small")
    assert cache.add("other", first) is True
    entry = cache.get("other")
    assert entry is not None and entry.value == first
    assert cache.delete("other") is True
    assert cache.get("other") is None


def test_set_replaces_whatever_was_there(cache: CacheBackend) -> None:
    """Value, counter and lifetime."""
    cache.increment("key", 5)
    cache.set("key", b"text")
    assert cache.get("key") == CacheEntry(b"text")
    cache.set("key", b"other", 10)
    cache.set("key", b"for ever")
    assert cache.get("key") == CacheEntry(b"for ever", None)


def test_add_stores_only_where_nothing_is(cache: CacheBackend) -> None:
    """The first wins, and its value stays."""
    assert cache.add("key", b"first", 10) is True
    assert cache.add("key", b"second", 20) is False
    entry = cache.get("key")
    assert entry is not None and entry.value == b"first"
    assert cache.delete("key") is True
    assert cache.add("key", b"third") is True


def test_delete_says_whether_something_was_there(cache: CacheBackend) -> None:
    """Once."""
    cache.set("key", b"")
    assert cache.delete("key") is True
    assert cache.delete("key") is False
    assert cache.get("key") is None


def test_many_at_once(cache: CacheBackend) -> None:
    """More keys than any store takes in one request, some of them absent or given twice."""
    values = {f"key {number}": b"%d" % number for number in range(257)}
    cache.set_many(values)
    asked = [*values, "absent", "key 1"]
    assert cache.get_many(iter(asked)) == {key: CacheEntry(value) for key, value in values.items()}
    assert cache.delete_many(iter(asked)) == 257
    assert cache.get_many(asked) == {}


def test_none_at_all(cache: CacheBackend) -> None:
    """Operations over no keys do nothing."""
    cache.set_many({})
    assert cache.get_many([]) == {}
    assert cache.delete_many([]) == 0


def test_many_large_values(cache: CacheBackend) -> None:
    """More bytes than a pipeline or a batch holds."""
    values = {f"key {number}": bytes([number]) * 400_000 for number in range(6)}
    cache.set_many(values, 60)
    assert {key: entry.value for key, entry in cache.get_many(values).items()} == values
    assert cache.delete_many(values) == 6


def test_two_caches_of_one_prefix_are_one(store: Store) -> None:
    """What one stores the other reads, counts and deletes."""
    if not store.kind.shared:
        pytest.skip("two of these have nothing in common")
    one, other = store.make("x"), store.make("x")
    one.set("key", b"value", 60)
    entry = other.get("key")
    assert entry is not None and entry.value == b"value"
    assert one.increment("n") == 1
    assert other.increment("n") == 2
    assert other.delete("key") is True
    assert one.get("key") is None


@pytest.mark.parametrize(("mine", "theirs"), [("a", "ab"), ("", "a"), ("a|", "a"), ("a%", "a%25"), ("a", "a%7C")])
def test_prefixes_do_not_see_each_other(store: Store, mine: str, theirs: str) -> None:
    """Not even where prefix and key read the same together, nor in `keys` and `clear`."""
    one, other = store.make(mine), store.make(theirs)
    one.set("bkey", b"mine")
    other.set("key", b"theirs")
    one.set("|key", b"mine")
    assert one.get("key") is None
    assert other.get("bkey") is None
    assert one.acquire("lease", "one", 60) and other.acquire("lease", "other", 60)
    if one.lists_keys:
        assert sorted(one.keys()) == ["bkey", "|key"]
        assert list(other.keys()) == ["key"]
    one.clear()
    assert one.get("bkey") is None
    assert other.get("key") == CacheEntry(b"theirs")
    assert other.acquire("lease", "third", 60) is False


def test_a_backend_that_was_reset_goes_on(cache: CacheBackend) -> None:
    """Connections are opened again on the next use, and entries are still there."""
    cache.set("key", b"value")
    cache.reset()
    assert cache.get("key") == CacheEntry(b"value")
    cache.reset()
    cache.reset()
    assert cache.delete("key") is True


def test_statistics_are_numbers(cache: CacheBackend) -> None:
    """Whatever a store can tell, by name."""
    cache.set("key", b"value")
    told = cache.statistics()
    assert all(type(number) in (int, float) and number >= 0 for number in told.values())
