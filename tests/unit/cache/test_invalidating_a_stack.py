"""Removing what a stack keeps while its shared tier is away: who asked is told, since the old value would return."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.cache.errors import CacheUnavailable
from lanner.cache.functions import cached
from lanner.cache.memory import MemoryBackend
from lanner.cache.purge import purge_key
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock
from tests.unit.cache.stores import Switched


class Site:
    """A cached function over memory and a shared store."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.shared = Switched(clock=self.clock)
        self.stack = TieredCache([MemoryBackend(clock=self.clock), self.shared], jitter=0, clock=self.clock)
        self.number = 0
        self.get = cached(600, backend=self.stack, clock=self.clock)(self.compute)

    def compute(self) -> int:
        self.number += 1
        return self.number


class Interleaved(MemoryBackend):
    """A near tier in which something else happens right before an entry is put in."""

    meanwhile: Callable[[], object] | None = None

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        super().set(key, value, ttl)


@pytest.mark.parametrize(
    ("act", "meanwhile"),
    [
        (lambda stack: stack.get("key"), lambda stack: stack.delete("key")),
        (lambda stack: stack.get_many(["key"]), lambda stack: stack.delete("key")),
        (lambda stack: stack.get("key"), lambda stack: stack.set("key", b"new")),
        (lambda stack: stack.set("key", b"mine"), lambda stack: stack.set("key", b"new")),
        (lambda stack: stack.set("key", b"mine"), lambda stack: stack.delete("key")),
        (lambda stack: stack.set_everywhere("key", b"mine"), lambda stack: stack.delete_everywhere("key")),
        (lambda stack: stack.add("other", b"mine"), lambda stack: stack.delete("other")),
    ],
)
def test_a_near_tier_does_not_keep_what_another_thread_took_back(
    act: Callable[[TieredCache], object], meanwhile: Callable[[TieredCache], object]
) -> None:
    """Whatever comes between the last tier's answer and the near tier's entry."""
    near, shared = Interleaved(), MemoryBackend()
    stack = TieredCache([near, shared], jitter=0)
    shared.set("key", b"old")
    happened: list[object] = []
    near.meanwhile = lambda: happened.append(meanwhile(stack))
    act(stack)
    assert happened
    for key in ("key", "other"):
        assert stack.get(key) == shared.get(key)


WAYS: list[Callable[[Site], object]] = [
    lambda site: site.get.invalidate(),
    lambda site: site.get.refresh(),
    lambda site: purge_key(site.stack, site.get.key()),
    lambda site: purge_key(site.stack, "plain"),
]


@pytest.mark.parametrize("remove", WAYS)
def test_who_removes_is_told_that_the_shared_tier_still_has_it(remove: Callable[[Site], object]) -> None:
    """`CacheUnavailable`, as the docstrings say; done again when the tier is back, it holds."""
    site = Site()
    site.stack.set("plain", b"old", 600)
    assert site.get() == 1
    site.shared.down = True
    with pytest.raises(CacheUnavailable):
        remove(site)
    site.shared.down = False
    site.clock.advance(5)  # the breaker's longest pause is over
    remove(site)
    assert (site.get() > 1, site.stack.get("plain") is None).count(True) == 1
