"""`Cache`: values, lifetimes, prefixes, negative entries, events, and stores that are down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

import lanner.cache
from lanner.cache import (
    ABSENT,
    UNKNOWN,
    Cache,
    CacheConfigError,
    CacheEvent,
    CacheValueError,
    MemoryBackend,
    TieredCache,
)
from lanner.cache.events import KINDS, Kind
from lanner.clock import ManualClock
from tests.unit.cache.stores import Shared, Switched


@pytest.fixture
def clock() -> ManualClock:
    """The backend's clock."""
    return ManualClock()


@pytest.fixture
def backend(clock: ManualClock) -> Switched:
    """A store that can be taken away."""
    return Switched(clock=clock)


@pytest.fixture
def cache(backend: Switched) -> Cache:
    """With a prefix and a default lifetime of a minute."""
    return Cache(backend, prefix="app:", default_ttl=60)


def test_every_exported_name_is_there() -> None:
    """The list of exports and what is loaded agree."""
    for name in lanner.cache.__all__:
        assert getattr(lanner.cache, name) is not None
    with pytest.raises(AttributeError):
        _ = lanner.cache.nothing


def test_values_come_back_and_end(cache: Cache, clock: ManualClock) -> None:
    """With the default lifetime, with one of their own, and without an end."""
    assert cache.set("a", {"n": 1}) is True
    assert cache.set("b", b"raw", timedelta(minutes=2))
    assert cache.set_forever("c", None)
    assert cache.get("a") == {"n": 1}
    clock.advance(60)
    assert cache.get("a", "gone") == "gone"
    assert cache.get("b") == b"raw"
    clock.advance(60)
    assert cache.get_many(["a", "b", "c"]) == {"c": None}
    assert cache.has("c")


def test_a_ttl_of_zero_or_less_removes(cache: Cache) -> None:
    """As in the backends."""
    cache.set("a", 1)
    cache.set("a", 2, 0)
    assert not cache.has("a")


def test_prefixes_keep_caches_apart(backend: Switched, cache: Cache) -> None:
    """Keys come back without, and clear takes no other's."""
    other = Cache(backend, prefix="other:")
    cache.set_many({"x:1": 1, "x:2": 2, "y": 3})
    other.set("x:1", "theirs")
    assert sorted(cache.keys("x:")) == ["x:1", "x:2"]
    assert cache.clear("x:") is True
    assert cache.keys() == ["y"]
    assert cache.clear()
    assert other.get("x:1") == "theirs"


def test_absent_and_unknown_are_two_things(cache: Cache, clock: ManualClock) -> None:
    """Nobody asks the source again for what it does not have, until that memory ends."""
    assert cache.look_up("user") is UNKNOWN
    cache.set_absent("user", 5)
    assert cache.look_up("user") is ABSENT
    assert cache.get("user", "default") == "default"
    assert cache.get_many(["user"]) == {}
    assert cache.has("user")
    clock.advance(5)
    assert cache.look_up("user") is UNKNOWN


def test_counting(cache: Cache, clock: ManualClock) -> None:
    """Up and down, from what was set or from `initial`, for the lifetime that the first count gave."""
    assert cache.increment("n", 5, initial=10, ttl=10) == 15
    assert cache.decrement("n", 2) == 13
    assert cache.get("n") == 13
    cache.set("m", 7)
    assert cache.increment("m") == 8
    clock.advance(10)
    assert cache.get("n") is None
    cache.set("text", "seven")
    with pytest.raises(CacheValueError):
        cache.increment("text")


def test_add_touch_and_delete(cache: Cache, clock: ManualClock) -> None:
    """Each says whether it did what was asked."""
    assert cache.add("a", 1) is True
    assert cache.add("a", 2) is False
    assert cache.touch("a", 100) is True
    assert cache.touch("none") is False
    clock.advance(99)
    assert cache.get("a") == 1
    assert cache.delete("a") is True
    assert cache.delete("a") is False
    cache.set_many({"x": 1, "y": 2})
    assert cache.delete_many(["x", "y", "z"]) == 2


OPERATIONS: list[tuple[Callable[[Cache], Any], Any]] = [
    (lambda cache: cache.get("k", "default"), "default"),
    (lambda cache: cache.look_up("k"), UNKNOWN),
    (lambda cache: cache.get_many(["k"]), {}),
    (lambda cache: cache.set("k", 1), False),
    (lambda cache: cache.set_forever("k", 1), False),
    (lambda cache: cache.set_absent("k"), False),
    (lambda cache: cache.set_many({"k": 1}), False),
    (lambda cache: cache.add("k", 1), False),
    (lambda cache: cache.has("k"), False),
    (lambda cache: cache.touch("k"), False),
    (lambda cache: cache.delete("k"), False),
    (lambda cache: cache.delete_many(["k"]), 0),
    (lambda cache: cache.increment("k"), None),
    (lambda cache: cache.decrement("k"), None),
    (lambda cache: cache.keys(), []),
    (lambda cache: cache.clear(), False),
]


@pytest.mark.parametrize(("operation", "answer"), OPERATIONS)
def test_no_operation_raises_because_a_store_is_down(
    cache: Cache, backend: Switched, operation: Callable[[Cache], Any], answer: Any
) -> None:
    """Reads are misses, writes say so, and the error is told."""
    cache.set("k", "there")
    told: list[CacheEvent] = []
    cache.on("error", told.append)
    backend.down = True
    assert operation(cache) == answer
    assert len(told) == 1
    assert cache.statistics()["errors"] >= 1


@pytest.mark.parametrize("key", ["", None, 5, b"bytes"])
def test_a_key_that_is_none_is_the_callers_to_mend(cache: Cache, key: Any) -> None:
    """The store is not asked."""
    with pytest.raises(CacheValueError):
        cache.get(key)
    with pytest.raises(CacheValueError):
        cache.set(key, 1)


def test_a_value_or_lifetime_that_is_none_is_the_callers_to_mend(cache: Cache) -> None:
    """Nothing is pickled."""
    with pytest.raises(CacheValueError):
        cache.set("k", object())
    with pytest.raises(CacheValueError):
        cache.set("k", 1, "soon")


def test_what_is_no_counter_and_no_list_of_keys_is_the_callers_to_mend(cache: Cache) -> None:
    """A part of one, text, one string for many keys; a URL where a backend has to be."""
    wrong: Any
    for wrong in (1.5, "1", True, None):
        for count in (cache.increment, cache.decrement):
            with pytest.raises(CacheValueError, match="whole numbers"):
                count("n", wrong)
    for several in (cache.get_many, cache.delete_many):
        with pytest.raises(CacheValueError, match="list"):
            several("ab")
    wrong = "memory://"
    with pytest.raises(CacheConfigError, match="open_backend"):
        Cache(wrong)
    assert cache.set("a", 1, 10**400)
    assert cache.get("a") == 1


def test_what_another_program_left_is_a_miss_that_counts() -> None:
    """An entry that cannot be read is no error, and what is set takes its place."""
    store = Shared()
    cache = Cache(store)
    store.theirs.add("a")
    heard: list[str] = []
    cache.on("unreadable", lambda event: heard.append(event.key))
    assert cache.get("a", "default") == "default"
    assert (cache.statistics()["unreadable"], cache.statistics()["misses"], heard) == (1, 1, ["a"])
    cache.set("a", 1)
    assert cache.get("a") == 1


def test_events_tell_what_happened(cache: Cache, backend: Switched) -> None:
    """Each kind with the key as the caller has it."""
    told: list[CacheEvent] = []
    for kind in ("hit", "miss", "set", "delete", "unreadable"):
        cache.on(kind, told.append)
    cache.get("k")
    cache.set("k", 1)
    cache.get("k")
    cache.delete("k")
    backend.set("app:k", b"somebody else's")
    assert cache.get("k") is None
    assert [(event.kind, event.key) for event in told] == [
        ("miss", "k"), ("set", "k"), ("hit", "k"), ("delete", "k"), ("unreadable", "k"), ("miss", "k"),
    ]  # fmt: skip
    assert cache.statistics()["unreadable"] == 1


def test_events_come_before_the_store_is_asked_and_after_it_answered(cache: Cache, backend: Switched) -> None:
    """One for each key; where the store is down, those after it are errors."""
    heard: list[str] = []
    for kind in KINDS:
        cache.on(cast("Kind", kind), lambda event: heard.append(f"{event.kind} {event.key}".strip()))

    def told() -> list[str]:
        said = heard[:]
        heard.clear()
        return said

    cache.set("a", 1)
    cache.add("a", 2)
    assert told() == ["before_set a", "set a", "before_set a"]
    cache.get_many(["a", "b"])
    assert told() == ["before_get a", "before_get b", "hit a", "miss b"]
    cache.set_many({"c": 1, "d": 2})
    assert told() == ["before_set c", "before_set d", "set c", "set d"]
    cache.has("a")
    cache.decrement("n")
    assert told() == ["before_has a", "has a", "before_increment n", "increment n"]
    cache.delete("b")
    cache.delete_many(["c", "d"])
    assert told() == ["before_delete b", "before_delete c", "before_delete d", "delete c", "delete d"]
    cache.clear()
    assert told() == ["before_delete", "delete"]
    backend.down = True
    cache.has("a")
    cache.increment("n")
    assert told() == ["before_has a", "error a", "before_increment n", "error n"]


def test_evictions_are_told_through_a_stack(clock: ManualClock) -> None:
    """Each cache hears of its own keys."""
    near = MemoryBackend(max_entries=2, clock=clock)
    stack = TieredCache([near, MemoryBackend(clock=clock)], clock=clock)
    one, two = Cache(stack, prefix="one:"), Cache(stack, prefix="two:")
    told: dict[str, list[str]] = {"one": [], "two": []}
    one.on("evict", lambda event: told["one"].append(event.key))
    two.on("evict", lambda event: told["two"].append(event.key))
    one.set("a", 1)
    two.set("b", 1)
    for at in range(4):
        one.set(f"c{at}", 1)
    assert told["one"] and set(told["one"]) <= {"a", *(f"c{at}" for at in range(4))}
    assert told["two"] == ["b"]
    assert len(told["one"]) + len(told["two"]) == near.statistics()["evictions"] == 4


def test_a_hook_that_raises_breaks_nothing(cache: Cache) -> None:
    """It is counted, the others are called, and it can be taken off."""
    told: list[CacheEvent] = []

    def broken(event: CacheEvent) -> None:
        raise RuntimeError("hook")

    remove = cache.on("set", broken)
    cache.on("set", told.append)
    assert cache.set("k", 1) is True
    assert len(told) == 1
    assert cache.statistics()["hook_failures"] == 1
    remove()
    cache.set("k", 1)
    assert cache.statistics()["hook_failures"] == 1
    with pytest.raises(CacheConfigError):
        cache.on("sett", broken)  # type: ignore[arg-type]
