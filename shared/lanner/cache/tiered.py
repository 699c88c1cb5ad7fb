"""Several backends as one: near tiers in front, one shared tier behind that is the truth.

    reads    tier by tier; what a farther one has is put into the nearer ones, for what is left of its time
    writes   to every tier; a near tier keeps an entry for `l1_ttl` seconds at most
    truth    counters, `add`, existence, leases: the last tier alone

Coherence: what another environment wrote, deleted or counted is seen here after `l1_ttl` seconds at the latest, since
no near entry is older. Jitter takes up to a tenth (`jitter`) off a lifetime, and never adds: entries written together
do not end together, and none outlives its time.

Failure modes: a tier that is not there costs its budget once (its breaker opens) and is then skipped. `get` and
`get_many` take it as a miss; `set`, `set_many`, `delete`, `delete_many` and `touch` do what the others can, and raise
`CacheUnavailable` afterwards only where the *last* tier failed, because then what was asked has not happened. Before
that they have removed the key from the near tiers: nothing is served there that the caller meant to replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import random
from typing import TYPE_CHECKING

from lanner.cache.breaker import GuardedBackend
from lanner.cache.errors import CacheConfigError, CacheUnavailable
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend, CacheEntry

L1_TTL = 60.0
JITTER = 0.1
NEVER_FAILS = ("memory",)
"""Backends that need no breaker: a lookup there is cheaper than asking one."""


class TieredCache:
    """A stack of at least one backend, the nearest first. Raises `CacheConfigError` for values that make no sense."""

    name = "tiered"

    def __init__(
        self,
        tiers: Sequence[CacheBackend],
        *,
        l1_ttl: float | None = L1_TTL,
        jitter: float = JITTER,
        clock: Clock | None = None,
    ) -> None:
        if not tiers:
            raise CacheConfigError("a tiered cache needs at least one tier")
        if l1_ttl is not None and l1_ttl <= 0:
            raise CacheConfigError(f"l1_ttl is a number of seconds above 0, not {l1_ttl}")
        if not 0 <= jitter < 1:
            raise CacheConfigError(f"jitter is the share of a lifetime that chance may take, 0 to 1, not {jitter}")
        self.tiers: tuple[CacheBackend, ...] = tuple(_guarded(each, clock) for each in tiers)
        self.shared = self.tiers[-1]
        self._near = self.tiers[:-1]
        self._first = self.tiers[0].get
        self._first_fails = isinstance(self.tiers[0], GuardedBackend)
        self._l1_ttl = l1_ttl
        self._jitter = jitter
        self._now = (clock or SystemClock()).now
        self.hits = [0] * len(self.tiers)
        self.misses = 0
        self.errors = [0] * len(self.tiers)

    @property
    def lists_keys(self) -> bool:
        return self.shared.lists_keys

    def get(self, key: str) -> CacheEntry | None:
        if not self._first_fails:
            entry = self._first(key)
            if entry is not None:
                self.hits[0] += 1
                return entry
            return self._farther(key, 1)
        return self._farther(key, 0)

    def _farther(self, key: str, start: int) -> CacheEntry | None:
        for at in range(start, len(self.tiers)):
            try:
                entry = self.tiers[at].get(key)
            except CacheUnavailable:
                self.errors[at] += 1
                continue
            if entry is not None:
                self.hits[at] += 1
                self._fill(at, key, entry)
                return entry
        self.misses += 1
        return None

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        missing = list(dict.fromkeys(keys))
        found: dict[str, CacheEntry] = {}
        for at, tier in enumerate(self.tiers):
            if not missing:
                break
            try:
                here = tier.get_many(missing)
            except CacheUnavailable:
                self.errors[at] += 1
                continue
            self.hits[at] += len(here)
            for key, entry in here.items():
                self._fill(at, key, entry)
            found.update(here)
            missing = [key for key in missing if key not in here]
        self.misses += len(missing)
        return found

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        ttl = self._shortened(ttl)
        self._write_shared([key], lambda: self.shared.set(key, value, ttl))
        self._write_near(key, value, ttl)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        ttl = self._shortened(ttl)
        self._write_shared(values, lambda: self.shared.set_many(values, ttl))
        for key, value in values.items():
            self._write_near(key, value, ttl)

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        ttl = self._shortened(ttl)
        stored = self.shared.add(key, value, ttl)
        if stored:
            self._write_near(key, value, ttl)
        else:
            self._forget([key])
        return stored

    def delete(self, key: str) -> bool:
        self._forget([key])
        try:
            return self.shared.delete(key)
        finally:
            self._forget([key])  # a read between the two may have brought it back

    def delete_many(self, keys: Iterable[str]) -> int:
        wanted = list(dict.fromkeys(keys))
        self._forget(wanted)
        try:
            return self.shared.delete_many(wanted)
        finally:
            self._forget(wanted)

    def exists(self, key: str) -> bool:
        return self.shared.exists(key)

    def touch(self, key: str, ttl: float | None) -> bool:
        self._forget([key])
        try:
            return self.shared.touch(key, self._shortened(ttl))
        finally:
            self._forget([key])

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        number = self.shared.increment(key, delta, initial=initial, ttl=ttl)
        self._forget([key])
        return number

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self.shared.keys(prefix)

    def clear(self, prefix: str = "") -> int:
        for at, tier in enumerate(self._near):
            try:
                tier.clear(prefix)
            except CacheUnavailable:
                self.errors[at] += 1
        return self.shared.clear(prefix)

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        return self.shared.acquire(key, token, ttl)

    def release(self, key: str, token: str) -> bool:
        return self.shared.release(key, token)

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        ttl = self._shortened(ttl)
        stored = self.shared.set_held(key, value, ttl, token)
        if stored:
            self._write_near(key, value, ttl)
        else:
            self._forget([key])
        return stored

    def statistics(self) -> dict[str, int | float]:
        """Hits and errors by tier, misses, and what each tier says of itself, as `l1.hits`, `l1.entries`, …"""
        numbers: dict[str, int | float] = {"misses": self.misses}
        for at, tier in enumerate(self.tiers):
            numbers[f"l{at + 1}.hits"] = self.hits[at]
            numbers[f"l{at + 1}.errors"] = self.errors[at]
            if isinstance(tier, GuardedBackend):
                numbers[f"l{at + 1}.breaker_opened"] = tier.breaker.opened
                numbers[f"l{at + 1}.breaker_open"] = int(tier.breaker.state != "closed")
            try:
                numbers.update({f"l{at + 1}.{name}": value for name, value in tier.statistics().items()})
            except CacheUnavailable:
                continue
        return numbers

    def reset(self) -> None:
        for tier in self.tiers:
            tier.reset()

    def close(self) -> None:
        for tier in self.tiers:
            tier.close()

    def _fill(self, at: int, key: str, entry: CacheEntry) -> None:
        """Put what tier `at` had into those before it, for what is left of its time."""
        if not at:
            return
        left = None if entry.expires_at is None else entry.expires_at - self._now()
        if left is None or left > 0:
            self._write_near(key, entry.value, left, upto=at)

    def _write_near(self, key: str, value: bytes, ttl: float | None, upto: int | None = None) -> None:
        limit = self._l1_ttl
        if limit is not None and (ttl is None or ttl > limit):
            ttl = limit
        for at, tier in enumerate(self._near[:upto]):
            try:
                tier.set(key, value, ttl)
            except CacheUnavailable:
                self.errors[at] += 1

    def _write_shared(self, keys: Iterable[str], write: Callable[[], None]) -> None:
        """The write that counts; where it fails, no near tier goes on showing what it was to replace."""
        try:
            write()
        except BaseException:
            self.errors[-1] += 1
            self._forget(list(keys))
            raise

    def _forget(self, keys: Sequence[str]) -> int:
        gone = 0
        for at, tier in enumerate(self._near):
            try:
                gone += tier.delete_many(keys)
            except CacheUnavailable:
                self.errors[at] += 1
        return gone

    def _shortened(self, ttl: float | None) -> float | None:
        if ttl is None or not self._jitter or ttl <= 0:
            return ttl
        return ttl * (1 - self._jitter * random())  # noqa: S311 (spreads load, guards nothing)


def _guarded(backend: CacheBackend, clock: Clock | None) -> CacheBackend:
    if backend.name in NEVER_FAILS or isinstance(backend, GuardedBackend | TieredCache):
        return backend
    return GuardedBackend(backend, clock)
