"""Cached functions under any order of time, changes, invalidations and failures: nothing is older than allowed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.cache.functions import cached
from lanner.cache.lease import Lease
from lanner.cache.memory import MemoryBackend
from lanner.cache.tags import TagIndex
from lanner.clock import ManualClock

TTL, STALE, SPARE = 10.0, 5.0, 20.0
SLOWEST = 8.0  # seconds: a value is as old as its computation took when its time begins
ACTIONS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 15)),
    st.tuples(st.sampled_from(["call", "fail", "contended", "hard", "soft", "key", "refresh"]), st.just(0.0)),
    st.tuples(st.just("slow"), st.floats(0, SLOWEST)),
)


class World:
    """A source whose value is the instant at which it was read, with invalidations that may come while it computes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.backend = MemoryBackend(clock=self.clock)
        self.index = TagIndex(self.backend, self.clock)
        self.takes = 0.0
        self.fails = False
        self.during: str = ""
        self.since = float("-inf")  # values from before it are not allowed any more
        self.get = cached(
            TTL,
            tags=["t"],
            stale=STALE,
            stale_if_error=SPARE,
            backend=self.backend,
            index=self.index,
            clock=self.clock,
            wait_ms=100,
        )(self.compute)

    def compute(self) -> float:
        if self.fails:
            raise OSError("down")
        read = self.clock.now()
        self.clock.advance(self.takes)
        during, self.during = self.during, ""
        if during:
            self.invalidate(during)
        return read

    def invalidate(self, how: str) -> None:
        self.since = self.clock.now()
        if how == "key":
            self.get.invalidate()
        else:
            self.index.invalidate(["t"])
        self.clock.advance(0.001)  # so that a value read after it is told apart from one read before

    def call(self, oldest: float) -> None:
        began, since = self.clock.now(), self.since
        try:
            value = self.get()
        except OSError:
            assert self.fails
            return
        assert value >= began - oldest, "older than its time allows"
        assert value > since, "from before an invalidation"


@given(st.lists(st.tuples(ACTIONS, st.sampled_from(["", "", "tag", "key"])), max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_value_is_older_than_allowed(actions: list[tuple[tuple[str, float], str]]) -> None:
    """`ttl`, with `stale` while another computes, with `stale_if_error` where it raises; never what was invalidated."""
    world = World()
    for (what, value), during in actions:
        act(world, what, value, during)


def act(world: World, what: str, value: float, during: str) -> None:
    if what == "wait":
        world.clock.advance(value)
    elif what == "slow":
        world.takes = value
    elif what == "soft":
        world.index.invalidate(["t"], soft=True)
    elif what in ("hard", "key"):
        world.invalidate(what)
    elif what == "refresh":
        world.get.refresh()
    elif what == "fail":
        world.fails = True
        world.call(TTL + SPARE + SLOWEST)
        world.fails = False
    elif what == "contended":
        lease = Lease.acquire(world.backend, world.get.key(), 1000, world.clock)
        assert lease is not None
        with lease:
            world.call(TTL + STALE + SLOWEST)
    else:
        world.during = during
        world.call(TTL + SLOWEST)
        world.during = ""
