"""Leases: one of many does the work, the others wait for it, and a dead worker is noticed by the clock.

    free -> held (by one token) -> ended: stored with `set`, given back, or expired

`held` is our own estimate from a monotonic clock that began before the store's did, so it ends before the store's
lease does; the store decides in `set`, atomically. A lease is never renewed: work that takes longer than its lease is
done a second time by somebody else, and the first worker's result is dropped.

Failure modes: `acquire`, `set` and `release` raise `CacheUnavailable`; leaving the `with` block gives back quietly,
since the time ends a lease that could not be given back.
"""

from __future__ import annotations

import os
from random import random
from typing import TYPE_CHECKING, TypeVar

from lanner.cache.errors import CacheUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from lanner.cache.backend import CacheBackend
    from lanner.clock import Clock

    T = TypeVar("T")

TOKEN_BYTES = 16
FIRST_PAUSE = 0.002
"""Seconds between the first two looks of who waits; grows by half each time, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 0.2
GROWTH = 1.5
FIRST_ASKING = 0.05
"""Seconds until who waits asks for the lease again; doubles each time, up to `LONGEST_ASKING`. Looking is a read, and
asking is a write that all who wait contend for: a thousand of them must not keep the holder from storing."""
LONGEST_ASKING = 0.5


class Lease:
    """A lease that was granted. `with lease:` gives it back at the end, unless `set` has ended it."""

    __slots__ = ("_backend", "_clock", "_until", "key", "token")

    def __init__(self, backend: CacheBackend, key: str, token: str, until: float, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._until = until
        self.key = key
        self.token = token

    @classmethod
    def acquire(cls, backend: CacheBackend, key: str, ttl_ms: float, clock: Clock) -> Lease | None:
        """The lease beside `key`, or None while somebody else has it. Raises `CacheUnavailable`."""
        token = os.urandom(TOKEN_BYTES).hex()
        until = clock.monotonic() + ttl_ms / 1000
        if not backend.acquire(key, token, ttl_ms / 1000):
            return None
        return cls(backend, key, token, until, clock)

    @property
    def held(self) -> bool:
        """Whether it is still ours, as far as we can tell without asking."""
        return self._clock.monotonic() < self._until

    def set(self, value: bytes, ttl: float | None) -> bool:
        """Store under the key and end the lease; False, and nothing is stored, where it was not ours any more."""
        self._until = float("-inf")
        return self._backend.set_held(self.key, value, ttl, self.token)

    def release(self) -> bool:
        """Give it back; False where it was not ours any more."""
        self._until = float("-inf")
        return self._backend.release(self.key, self.token)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.held:
            try:
                self.release()
            except CacheUnavailable:
                return


class Patience:
    """How one waits for another's work: when to look again, when to ask for the lease too, when to give up.

    Pauses grow and vary by half, so that those who wait do not all ask at the same instant.
    """

    __slots__ = ("_ask_at", "_asking", "_clock", "_deadline", "_pause")

    def __init__(self, clock: Clock, budget: float) -> None:
        """Wait `budget` seconds from now at most."""
        now = clock.monotonic()
        self._clock = clock
        self._deadline = now + budget
        self._pause = FIRST_PAUSE
        self._ask_at = now
        self._asking = FIRST_ASKING

    def asks(self) -> bool:
        """Whether it is time to ask for the lease; at first it is."""
        now = self._clock.monotonic()
        if now < self._ask_at:
            return False
        self._ask_at = now + self._asking * (0.5 + random())  # noqa: S311 (spreads load, guards nothing)
        self._asking = min(self._asking * 2, LONGEST_ASKING)
        return True

    def pause(self) -> bool:
        """Sleep until the next look. False, and no sleep, once the budget is spent."""
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            return False
        self._clock.sleep(min(left, self._pause * (0.5 + random())))  # noqa: S311
        self._pause = min(self._pause * GROWTH, LONGEST_PAUSE)
        return True


def wait_for(look: Callable[[], T | None], clock: Clock, budget: float) -> T | None:
    """What `look` gives as soon as that is not None, or None after `budget` seconds. Looks at least once."""
    patience = Patience(clock, budget)
    while True:
        seen = look()
        if seen is not None or not patience.pause():
            return seen
