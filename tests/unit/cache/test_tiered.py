"""Stacks: where entries come from, how long they stay near, and what happens while the shared tier is away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheConfigError, CacheUnavailable
from lanner.cache.memory import MemoryBackend
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock
from tests.unit.cache.stores import Switched


class Site:
    """Two environments, each with memory of its own, over one shared store."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.shared = Switched(clock=self.clock)
        options = {"l1_ttl": 5, "jitter": 0, "clock": self.clock, **options}
        self.near = MemoryBackend(clock=self.clock)
        self.here = TieredCache([self.near, self.shared], **options)
        self.there = TieredCache([MemoryBackend(clock=self.clock), self.shared], **options)


@pytest.fixture
def site() -> Site:
    """Two environments."""
    return Site()


def test_what_the_shared_tier_has_is_kept_near_for_what_is_left_of_its_time(site: Site) -> None:
    """And never for longer than l1_ttl."""
    site.there.set("brief", b"v", 4)
    site.there.set("long", b"v", 400)
    site.clock.advance(1)
    assert site.here.get("brief") == CacheEntry(b"v", site.clock.now() + 3)
    assert site.here.get_many(["brief", "long", "none"]).keys() == {"brief", "long"}
    assert site.near.get("brief") == CacheEntry(b"v", site.clock.now() + 3)
    assert site.near.get("long") == CacheEntry(b"v", site.clock.now() + 5)


def test_a_second_read_does_not_ask_the_shared_tier(site: Site) -> None:
    """The near tier answers."""
    site.there.set("key", b"v", 60)
    site.here.get("key")
    site.shared.asked.clear()
    assert site.here.get("key") is not None
    assert site.shared.asked == []


def test_only_what_is_missing_is_asked_for(site: Site) -> None:
    """get_many goes farther with the rest."""
    site.here.set("near", b"v", 60)
    site.there.set("far", b"v", 60)
    asked: list[list[str]] = []
    original = site.shared.get_many

    def noted(keys: Iterable[str]) -> dict[str, CacheEntry]:
        asked.append(list(keys))
        return original(keys)

    site.here.shared.backend.get_many = noted  # type: ignore[attr-defined]
    assert len(site.here.get_many(["near", "far"])) == 2
    assert asked == [["far"]]


@pytest.mark.parametrize("change", ["delete", "set", "increment", "clear"])
def test_another_environments_change_is_seen_after_l1_ttl(site: Site, change: str) -> None:
    """No near entry is older than that."""
    site.here.set("key", b"1")
    changes: dict[str, Callable[[], object]] = {
        "delete": lambda: site.there.delete("key"),
        "set": lambda: site.there.set("key", b"2"),
        "increment": lambda: site.there.increment("key"),
        "clear": lambda: site.there.clear(),
    }
    changes[change]()
    site.clock.advance(5)
    found = site.here.get("key")
    assert found == (CacheEntry(b"2") if change in ("set", "increment") else None)


def test_counting_is_seen_at_once_where_it_happened(site: Site) -> None:
    """The near copy of a counter goes when it counts."""
    site.here.set("n", b"1")
    assert site.here.increment("n") == 2
    assert site.here.get("n") == CacheEntry(b"2")


def test_jitter_only_shortens() -> None:
    """Entries written together end apart, none after its time, none by more than the share."""
    site = Site(jitter=0.2, l1_ttl=None)
    for at in range(200):
        site.here.set(str(at), b"v", 100)
    ends = [entry.expires_at for at in range(200) if (entry := site.shared.get(str(at)))]
    assert len(ends) == 200
    latest = site.clock.now() + 100
    assert all(end is not None and latest - 20 <= end <= latest for end in ends)
    assert len(set(ends)) > 150


def test_reads_and_writes_go_on_while_the_shared_tier_is_away(site: Site) -> None:
    """They are misses and near writes; nothing is raised, everything is counted, and the store is asked once."""
    site.shared.down = True
    site.here.set("key", b"v", 60)
    assert site.here.get("key") is not None
    assert site.here.get("other") is None
    assert site.here.get_many(["key", "other"]).keys() == {"key"}
    assert site.here.exists("other") is False
    assert site.here.touch("other", 5) is False
    assert site.here.set_held("other", b"v", 5, "token") is False
    assert site.here.release("other", "token") is False
    assert site.here.delete("other") is False
    assert site.here.delete_many(["other"]) == 0
    assert site.shared.asked == ["set"]
    numbers = site.here.statistics()
    assert numbers["l2.errors"] >= 8
    assert numbers["l2.breaker_open"] == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda cache: cache.add("key", b"v"),
        lambda cache: cache.increment("key"),
        lambda cache: cache.acquire("key", "token", 5),
        lambda cache: list(cache.keys()),
        lambda cache: cache.clear(),
        lambda cache: cache.set_everywhere("key", b"v"),
        lambda cache: cache.delete_everywhere("key"),
    ],
)
def test_where_an_answer_is_needed_the_failure_is_told(site: Site, ask: Callable[[TieredCache], object]) -> None:
    """No near tier may make one up."""
    site.shared.down = True
    with pytest.raises(CacheUnavailable):
        ask(site.here)


@pytest.mark.parametrize("change", ["delete", "delete_many", "touch", "clear", "set"])
def test_no_stale_near_entry_survives_a_change_that_failed_far(site: Site, change: str) -> None:
    """What the caller wanted gone is gone here, whatever the shared tier did."""
    site.here.set("key", b"old", 60)
    site.shared.down = True
    changes: dict[str, Callable[[], object]] = {
        "delete": lambda: site.here.delete("key"),
        "delete_many": lambda: site.here.delete_many(["key"]),
        "touch": lambda: site.here.touch("key", 5),
        "clear": lambda: site.here.clear(),
        "set": lambda: site.here.set("key", b"new", 60),
    }
    with suppress(CacheUnavailable):  # which clear alone raises
        changes[change]()
    found = site.near.get("key")
    assert found is None or found.value == b"new"


def test_a_read_under_way_does_not_bring_back_what_was_deleted(site: Site) -> None:
    """The near tier is not filled with an answer that is older than a delete here."""
    site.there.set("key", b"old", 60)
    original = site.shared.get

    def slow(key: str) -> CacheEntry | None:
        entry = original(key)
        site.here.delete("key")
        return entry

    site.here.shared.backend.get = slow  # type: ignore[attr-defined]
    assert site.here.get("key") is not None
    assert site.near.get("key") is None


def test_what_is_set_or_deleted_everywhere_is_so_in_every_tier(site: Site) -> None:
    """As `set` and `delete` do where the last tier answers."""
    site.there.set("key", b"old", 60)
    site.here.get("key")
    site.here.set_everywhere("key", b"new", 60)
    assert [tier.get("key") for tier in site.here.tiers] == [
        CacheEntry(b"new", site.clock.now() + 5),
        CacheEntry(b"new", site.clock.now() + 60),
    ]
    assert site.here.delete_everywhere("key") is True
    assert [tier.get("key") for tier in site.here.tiers] == [None, None]
    assert site.here.delete_everywhere("key") is False


def test_a_near_tier_that_is_away_hides_nothing() -> None:
    """Reads pass it, writes pass it."""
    clock = ManualClock()
    near, shared = Switched(clock=clock), MemoryBackend(clock=clock)
    stack = TieredCache([near, shared], clock=clock)
    near.down = True
    stack.set("key", b"v", 60)
    assert stack.get("key") is not None
    assert stack.increment("n") == 1
    assert stack.delete("key") is True


def test_stacks_that_make_no_sense_are_an_error_when_made() -> None:
    """Configuration fails at once."""
    for tiers, options in (([], {}), ([MemoryBackend()], {"l1_ttl": 0}), ([MemoryBackend()], {"jitter": 1})):
        with pytest.raises(CacheConfigError):
            TieredCache(tiers, **options)  # type: ignore[arg-type]
