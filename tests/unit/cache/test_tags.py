"""Tags: invalidation by counting generations, held against a model that remembers everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.memory import MemoryBackend
from lanner.cache.tags import COUNTER_TTL, HARD, SOFT_BITS, TagIndex, check_tag, tag_headers
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock

YEAR_2100 = 4_102_444_800.0
NAMES = ("a", "b", "c")


class Model:
    """Every invalidation since an entry was recorded, asked in the plainest way."""

    def __init__(self) -> None:
        self.entries: list[tuple[dict[str, int], dict[str, str]]] = []

    def record(self, generations: dict[str, int]) -> None:
        self.entries.append((generations, dict.fromkeys(generations, "valid")))

    def happened(self, tags: list[str], what: str) -> None:
        for _, states in self.entries:
            for tag in tags:
                if tag in states and not (what == "stale" and states[tag] == "gone"):
                    states[tag] = what

    @staticmethod
    def verdict(states: dict[str, str]) -> str:
        return next((each for each in ("gone", "stale") if each in states.values()), "valid")


TAGS = st.lists(st.sampled_from(NAMES), max_size=3)
ACTIONS = st.one_of(
    st.tuples(st.just("record"), TAGS),
    st.tuples(st.just("hard"), TAGS),
    st.tuples(st.just("soft"), TAGS),
    st.tuples(st.just("evict"), TAGS),
    st.tuples(st.just("wait"), st.floats(0.001, 3)),
)


@given(st.lists(ACTIONS, max_size=25), st.sampled_from([0.0, 1.0]))
@settings(max_examples=150, deadline=None)
def test_verdicts_are_those_of_the_model(actions: list[tuple[str, Any]], cache_for: float) -> None:
    """Whatever is invalidated, evicted or waited for, and in what order, one's own invalidations are seen at once."""
    clock = ManualClock()
    backend = MemoryBackend(clock=clock)
    index = TagIndex(backend, clock, cache_for=cache_for)
    model = Model()
    for what, value in actions:
        if what == "wait":
            clock.advance(value)
        elif what == "record":
            model.record(index.current(value))
        elif what == "evict":
            clock.advance(1.001)  # what this process believes is over, and the clock has moved since the seed
            backend.delete_many([f"tag:{tag}" for tag in value])
            model.happened(value, "gone")
        else:
            index.invalidate(value, soft=what == "soft")
            model.happened(value, {"hard": "gone", "soft": "stale"}[what])
        for recorded, states in model.entries:
            assert index.judge(recorded) == Model.verdict(states)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 2)), max_size=20))
@settings(deadline=None)
def test_other_environments_see_it_within_the_time(steps: list[tuple[bool, bool, float]]) -> None:
    """What another process invalidated may be unknown for `cache_for` seconds and no longer."""
    clock = ManualClock()
    shared = MemoryBackend(clock=clock)
    stacks = [TieredCache([MemoryBackend(clock=clock), shared], clock=clock) for _ in range(2)]
    here, there = (TagIndex(stack, clock, cache_for=1.0) for stack in stacks)
    recorded, expected, since = here.current(["t"]), "valid", 0.0
    for invalidates, soft, wait in steps:
        if invalidates:
            there.invalidate(["t"], soft=soft)
            since = clock.monotonic()
            expected = "stale" if soft and expected != "gone" else "gone"
            assert there.judge(recorded) == expected
        clock.advance(wait)
        seen = here.judge(recorded)
        if clock.monotonic() - since >= 1.0:
            assert seen == expected


def test_counters_fit_until_2100_and_never_come_back() -> None:
    """The seed is in the range of a signed 64-bit integer; an evicted counter begins above what it was."""
    clock = ManualClock(YEAR_2100)
    backend = MemoryBackend(clock=clock)
    index = TagIndex(backend, clock, cache_for=0)
    recorded = index.current(["t"])
    assert recorded["t"] + 1_000_000 * HARD < 1 << 63
    for _ in range(20):
        index.invalidate(["t"])
        backend.delete("tag:t")
        clock.advance(0.1)
        assert index.current(["t"])["t"] > recorded["t"]
        assert index.judge(recorded) == "gone"


def test_soft_invalidations_without_end_become_a_hard_one() -> None:
    """The soft count carries into the high part: nothing is served for ever."""
    clock = ManualClock()
    backend = MemoryBackend(clock=clock)
    index = TagIndex(backend, clock, cache_for=0)
    recorded = index.current(["t"])
    backend.increment("tag:t", (1 << SOFT_BITS) - 1)
    assert index.judge(recorded) == "stale"
    index.invalidate(["t"], soft=True)
    assert index.judge(recorded) == "gone"


def test_a_missing_counter_is_gone() -> None:
    """Also where its time has ended; and nothing recorded is valid."""
    clock = ManualClock()
    index = TagIndex(MemoryBackend(clock=clock), clock)
    assert index.judge({}) == "valid"
    assert index.judge({"never": 1}) == "gone"
    recorded = index.current(["t"])
    clock.advance(COUNTER_TTL)
    assert index.judge(recorded) == "gone"


def test_current_asks_once_for_all() -> None:
    """One read of many; those that are missing are made, and every process gets the same."""
    clock = ManualClock()
    backend = MemoryBackend(clock=clock)
    first = TagIndex(backend, clock).current(["a", "b", "a"])
    clock.advance(5)
    again = TagIndex(backend, clock).current(["b", "a", "c"])
    assert {name: again[name] for name in first} == first
    assert again["c"] > first["a"]


def test_listeners_are_told_after_it() -> None:
    """Of every invalidation, with its tags once each."""
    told: list[tuple[tuple[str, ...], bool]] = []
    index = TagIndex(MemoryBackend(), listeners=[lambda tags, soft: told.append((tags, soft))])
    index.invalidate(["a", "b", "a"])
    index.invalidate(["a"], soft=True)
    assert told == [(("a", "b"), False), (("a",), True)]


def test_a_failure_says_how_many_were_done() -> None:
    """No listener is told of half of it."""

    class Breaks(MemoryBackend):
        def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
            if key == "tag:b":
                raise CacheUnavailable("refused")
            return super().increment(key, delta, initial=initial, ttl=ttl)

    told: list[object] = []
    index = TagIndex(Breaks(), listeners=[lambda tags, soft: told.append(tags)])
    with pytest.raises(CacheUnavailable, match="1 of 3"):
        index.invalidate(["a", "b", "c"])
    assert told == []


@pytest.mark.parametrize("tag", ["", "a b", "a,b", "ä", "a\n", "\x7f", 'a"b', "x" * 257])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """By every method that takes one, and nothing is encoded in silence."""
    index = TagIndex(MemoryBackend())
    for act in (check_tag, lambda each: index.current([each]), lambda each: index.invalidate([each])):
        with pytest.raises(CacheValueError):
            act(tag)
    with pytest.raises(CacheValueError):
        tag_headers([tag])


def test_headers_name_the_tags_for_caches_in_front() -> None:
    """As RFC 9875, Fastly and CloudFront read them; none where there are no tags."""
    assert tag_headers([]) == {}
    assert tag_headers(["a", "b\\c", "a"], cloudfront="edge-tag") == {
        "cache-groups": '"a", "b\\\\c"',
        "surrogate-key": "a b\\c",
        "edge-tag": "a, b\\c",
    }


class ReadOnlyAtTimes(MemoryBackend):
    """A store whose counters do not move while it is `read_only`."""

    read_only = False

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        if self.read_only:
            raise CacheUnavailable("read-only")
        return super().increment(key, delta, initial=initial, ttl=ttl)


def test_what_did_not_get_through_is_sent_before_anything_is_stored() -> None:
    """A read-only store: what has the tag is gone here, and once it takes writes again everybody's is."""
    clock = ManualClock()
    store = ReadOnlyAtTimes(clock=clock)
    index, elsewhere = TagIndex(store, clock, cache_for=0), TagIndex(store, clock, cache_for=0)
    recorded = index.current(["a", "b"])
    store.read_only = True
    with pytest.raises(CacheUnavailable, match="invalidated 0 of 1 tags"):
        index.invalidate(["a"])
    assert (index.judge(recorded), elsewhere.judge(recorded)) == ("gone", "valid")
    with pytest.raises(CacheUnavailable):
        index.current(["a"])
    assert index.current(["b"]) == {"b": recorded["b"]}
    store.read_only = False
    assert index.current(["b", "a"])["a"] > recorded["a"]
    assert elsewhere.judge(recorded) == "gone"
    assert not index.pending


def test_a_read_that_began_before_an_invalidation_does_not_undo_it() -> None:
    """Another thread's older answer arrives last; the newer generation is what counts here."""
    index = TagIndex(MemoryBackend(), ManualClock())
    recorded = index.current(["a"])
    index.invalidate(["a"])
    index._keep("a", recorded["a"])
    assert index.judge(recorded) == "gone"
