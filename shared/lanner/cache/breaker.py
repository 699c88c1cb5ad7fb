"""A circuit breaker: a store that does not answer is asked once, and then left alone for a moment.

    closed    every call goes through; the first failure opens it
    open      calls are refused at once, until the pause is over
    half-open one caller is let through to try; success closes, failure opens for twice as long

The first failure opens and not the fifth, because a failure here is a timeout that somebody's request waited for, and a
request makes several calls. Pauses grow from `SHORTEST_PAUSE` to `LONGEST_PAUSE` seconds, so a store that is back is
used again within five.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

from lanner.cache.allowance import Account
from lanner.cache.errors import CacheUnavailable
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.cache.backend import CacheBackend, CacheEntry

SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 4.0

State = Literal["closed", "open", "half-open"]
P = ParamSpec("P")
R = TypeVar("R")


class CacheTierOpen(CacheUnavailable):
    """The tier failed a moment ago and is not asked; it costs nothing to be told so."""


class Breaker:
    """The state of one store as its callers see it. Safe under threads."""

    __slots__ = ("_lock", "_monotonic", "_pause", "_trying", "_until", "failures", "opened", "refused")

    def __init__(self, clock: Clock | None = None) -> None:
        self._monotonic = (clock or SystemClock()).monotonic
        self._lock = threading.Lock()
        self._pause = 0.0  # 0 while closed
        self._until = 0.0
        self._trying = False
        self.failures = 0
        self.opened = 0
        self.refused = 0

    @property
    def state(self) -> State:
        """As the next caller will find it."""
        if not self._pause:
            return "closed"
        return "open" if self._monotonic() < self._until else "half-open"

    def allows(self) -> bool:
        """Whether to make the call; whoever is told so says afterwards how it went."""
        if not self._pause:
            return True
        with self._lock:
            if not self._pause:
                return True
            now = self._monotonic()
            if now < self._until:
                self.refused += 1
                return False
            self._until = now + LONGEST_PAUSE  # others wait for this one, but not for ever: a fork may have lost it
            self._trying = True
            return True

    def succeeded(self) -> None:
        """The store answered."""
        if self._pause:
            with self._lock:
                self._pause = 0.0
                self._trying = False

    def failed(self) -> None:
        """The store did not answer."""
        with self._lock:
            self.failures += 1
            if self._pause and not self._trying:
                return  # a call that was under way when it opened says nothing new
            self._pause = min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
            self._until = self._monotonic() + self._pause
            self._trying = False
            self.opened += 1


class GuardedBackend:
    """A backend behind a breaker: the same contract, and `CacheTierOpen` at once while it is open."""

    def __init__(self, backend: CacheBackend, clock: Clock | None = None) -> None:
        self.backend = backend
        self.breaker = Breaker(clock)
        self._monotonic = (clock or SystemClock()).monotonic
        self._account = Account(getattr(backend, "budget_ms", inf))

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def lists_keys(self) -> bool:
        return self.backend.lists_keys

    def get(self, key: str) -> CacheEntry | None:
        return self._call(self.backend.get, key)

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        return self._call(self.backend.get_many, keys)

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        self._call(self.backend.set, key, value, ttl)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        self._call(self.backend.set_many, values, ttl)

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        return self._call(self.backend.add, key, value, ttl)

    def delete(self, key: str) -> bool:
        return self._call(self.backend.delete, key)

    def delete_many(self, keys: Iterable[str]) -> int:
        return self._call(self.backend.delete_many, keys)

    def exists(self, key: str) -> bool:
        return self._call(self.backend.exists, key)

    def touch(self, key: str, ttl: float | None) -> bool:
        return self._call(self.backend.touch, key, ttl)

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        return self._call(self.backend.increment, key, delta, initial=initial, ttl=ttl)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(self._guarded(lambda: list(self.backend.keys(prefix))))

    def clear(self, prefix: str = "") -> int:
        return self._guarded(self.backend.clear, prefix)

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        return self._call(self.backend.acquire, key, token, ttl)

    def release(self, key: str, token: str) -> bool:
        return self._call(self.backend.release, key, token)

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        return self._call(self.backend.set_held, key, value, ttl, token)

    def statistics(self) -> dict[str, int | float]:
        return self._guarded(self.backend.statistics)

    def reset(self) -> None:
        self.backend.reset()

    def close(self) -> None:
        self.backend.close()

    def _call(self, operation: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        """An operation of a request: what a slow answer takes is missing from the next one's budget."""
        began = self._monotonic()
        self._account.begin(began)
        try:
            return self._guarded(operation, *arguments, **options)
        finally:
            self._account.end(began, self._monotonic())

    def _guarded(self, operation: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        breaker = self.breaker
        if not breaker.allows():
            raise CacheTierOpen(f"{self.backend.name}: failed a moment ago, not asked")
        try:
            result = operation(*arguments, **options)
        except CacheUnavailable:
            breaker.failed()
            raise
        except Exception:
            breaker.succeeded()  # it answered, if only that the value cannot be stored
            raise
        except BaseException:
            breaker.failed()  # interrupted before anybody could know
            raise
        breaker.succeeded()
        return result
