"""Memory and stacks against a dictionary with ends: every answer allowed, nothing expired, nothing made up."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lanner.cache.backend import CacheBackend
from lanner.cache.errors import CacheValueError
from lanner.cache.memory import MemoryBackend
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock

KEYS = st.sampled_from(["a", "b", "c", "é", "a:1", "a:2"])
VALUES = st.sampled_from([b"", b"v", b"12", b"-3", b"x" * 700])
TTLS = st.sampled_from([None, -1, 0, 0.5, 5, 60])


class Model(RuleBasedStateMachine):
    """A backend with room for everything does exactly what a dictionary does."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.cache: CacheBackend = self.make()
        self.held: dict[str, tuple[bytes, float | None]] = {}
        self.leases: dict[str, tuple[str, float]] = {}

    def make(self) -> CacheBackend:
        return MemoryBackend(clock=self.clock)

    def live(self, key: str) -> bytes | None:
        value, end = self.held.get(key, (None, None))
        return value if end is None or end > self.clock.now() else None

    def store(self, key: str, value: bytes, ttl: float | None) -> None:
        self.held.pop(key, None)
        if ttl is None or ttl > 0:
            self.held[key] = (value, None if ttl is None else self.clock.now() + ttl)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        entry = self.cache.get(key)
        assert (entry and entry.value) == self.live(key)
        assert self.cache.exists(key) is (entry is not None)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: str, value: bytes, ttl: float | None) -> None:
        self.cache.set(key, value, ttl)
        self.store(key, value, ttl)

    @rule(values=st.dictionaries(KEYS, VALUES), ttl=TTLS)
    def set_many(self, values: dict[str, bytes], ttl: float | None) -> None:
        self.cache.set_many(values, ttl)
        for key, value in values.items():
            self.store(key, value, ttl)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def add(self, key: str, value: bytes, ttl: float | None) -> None:
        expected = self.live(key) is None
        stored = self.cache.add(key, value, ttl)
        assert stored is (expected and (ttl is None or ttl > 0))
        if expected:
            self.store(key, value, ttl)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.cache.delete(key) is (self.live(key) is not None)
        self.held.pop(key, None)

    @rule(key=KEYS, ttl=TTLS)
    def touch(self, key: str, ttl: float | None) -> None:
        value = self.live(key)
        assert self.cache.touch(key, ttl) is (value is not None)
        if value is not None:
            self.store(key, value, ttl)

    @rule(key=KEYS, delta=st.integers(-5, 5), initial=st.integers(-5, 5), ttl=st.sampled_from([None, 5, 60]))
    def increment(self, key: str, delta: int, initial: int, ttl: float | None) -> None:
        value = self.live(key)
        try:
            before = initial if value is None else int(value)
        except ValueError:
            try:
                self.cache.increment(key, delta)
            except CacheValueError:
                return
            raise AssertionError("counted on a value that is no number") from None
        assert self.cache.increment(key, delta, initial=initial, ttl=ttl) == before + delta
        if value is None:
            self.store(key, b"%d" % (before + delta), ttl)
        else:
            self.held[key] = (b"%d" % (before + delta), self.held[key][1])

    @rule(key=KEYS, token=st.sampled_from(["one", "two"]), ttl=st.sampled_from([1, 10]))
    def acquire(self, key: str, token: str, ttl: float) -> None:
        holder, end = self.leases.get(key, ("", 0.0))
        free = holder in ("", token) or end <= self.clock.now()
        assert self.cache.acquire(key, token, ttl) is free
        if free:
            self.leases[key] = (token, self.clock.now() + ttl)

    @rule(key=KEYS, token=st.sampled_from(["one", "two"]), value=VALUES)
    def set_held(self, key: str, token: str, value: bytes) -> None:
        holder, end = self.leases.get(key, ("", 0.0))
        held = holder == token and end > self.clock.now()
        assert self.cache.set_held(key, value, 60, token) is held
        if held:
            del self.leases[key]
            self.store(key, value, 60)

    @rule(seconds=st.sampled_from([0.25, 0.5, 5, 61]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(prefix=st.sampled_from(["", "a", "a:"]))
    def clear(self, prefix: str) -> None:
        self.cache.clear(prefix)
        self.held = {key: each for key, each in self.held.items() if not key.startswith(prefix)}
        self.leases = {key: each for key, each in self.leases.items() if not key.startswith(prefix)}

    @invariant()
    def lists_what_is_there(self) -> None:
        assert set(self.cache.keys()) == {key for key in self.held if self.live(key) is not None}


class Stack(Model):
    """A stack in one environment is as exact as one store."""

    def make(self) -> CacheBackend:
        tiers = [MemoryBackend(clock=self.clock, max_entries=2), MemoryBackend(clock=self.clock)]
        return TieredCache(tiers, l1_ttl=3, jitter=0, clock=self.clock)


class Bounded(RuleBasedStateMachine):
    """A small room is never passed, and what is found in it is what was stored last and is not over."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.cache = MemoryBackend(max_bytes=8_000, max_entries=8, clock=self.clock)
        self.held: dict[str, tuple[Any, float | None]] = {}

    @rule(key=st.integers(0, 30), size=st.integers(0, 5_000), ttl=st.sampled_from([None, 1, 10]))
    def set(self, key: int, size: int, ttl: float | None) -> None:
        value = b"x" * size
        self.cache.set(str(key), value, ttl)
        self.held[str(key)] = (value, None if ttl is None else self.clock.now() + ttl)

    @rule(key=st.integers(0, 30))
    def get(self, key: int) -> None:
        entry = self.cache.get(str(key))
        if entry is not None:
            value, end = self.held[str(key)]
            assert entry.value is value
            assert end is None or end > self.clock.now()

    @rule(key=st.integers(0, 30))
    def delete(self, key: int) -> None:
        self.cache.delete(str(key))
        self.held.pop(str(key), None)

    @rule(seconds=st.sampled_from([0.5, 1, 10]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def within_bounds(self) -> None:
        numbers = self.cache.statistics()
        assert numbers["bytes"] <= 8_000
        assert numbers["entries"] <= 8
        assert numbers["bytes"] == sum(node.size for node in self.cache._nodes.values())


_SETTINGS = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMemory = Model.TestCase
TestMemory.settings = _SETTINGS
TestStack = Stack.TestCase
TestStack.settings = _SETTINGS
TestBounded = Bounded.TestCase
TestBounded.settings = _SETTINGS
