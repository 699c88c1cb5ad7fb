"""Several backends as one: near tiers in front, one shared tier behind that is the truth.

    reads    tier by tier; what a farther one has is put into the nearer ones, for what is left of its time
    writes   to every tier; a near tier keeps an entry for `l1_ttl` seconds at most
    truth    counters, `add`, existence, leases: the last tier alone

Coherence: what another environment wrote, deleted or counted is seen here after `l1_ttl` seconds at the latest, since
no near entry is older. Jitter takes up to a tenth (`jitter`) off a lifetime, and never adds: entries written together
do not end together, and none outlives its time.

Failure modes: a tier that is not there costs its budget once (its breaker opens) and is then skipped. Where a caller
can go on without an answer there is no error: `get`, `get_many` and `exists` say that nothing is there; `set`,
`set_many`, `delete`, `delete_many`, `touch`, `set_held` and `release` do what the other tiers can, and say False or
fewer. All are counted in `errors`. Where the answer is what was asked for, the last tier's `CacheUnavailable` is
raised: `add`, `increment`, `acquire`, `keys`, `clear`, and `set_everywhere` and `delete_everywhere`, which are for
invalidations: what the last tier still has would come back with it. Whatever the last tier does, a delete has removed
the key from the near tiers, and a read that was under way meanwhile does not bring it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from random import random
from typing import TYPE_CHECKING, TypeVar

from lanner.cache.breaker import GuardedBackend
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend, CacheEntry

R = TypeVar("R")

L1_TTL = 60.0
JITTER = 0.1
NEVER_FAILS = ("memory",)
"""Backends that need no breaker: a lookup there is cheaper than asking one."""
STRIPES = 256
"""Counters of changes, each for a part of the keys: a read that met a change does not fill the near tiers."""


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
        self.sets = 0
        self.errors = [0] * len(self.tiers)
        self._changes = [0] * STRIPES

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
        stripe = hash(key) % STRIPES
        before = self._changes[stripe]
        for at in range(start, len(self.tiers)):
            try:
                entry = self.tiers[at].get(key)
            except CacheUnavailable:
                self.errors[at] += 1
                continue
            if entry is not None:
                self.hits[at] += 1
                if self._changes[stripe] == before:
                    self._fill(at, key, entry, before)
                return entry
        self.misses += 1
        return None

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        missing = list(dict.fromkeys(keys))
        found: dict[str, CacheEntry] = {}
        before = {key: self._changes[hash(key) % STRIPES] for key in missing}
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
                if self._changes[hash(key) % STRIPES] == before[key]:
                    self._fill(at, key, entry, before[key])
            found.update(here)
            missing = [key for key in missing if key not in here]
        self.misses += len(missing)
        return found

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        self.set_many({key: value}, ttl)

    def set_everywhere(self, key: str, value: bytes, ttl: float | None = None) -> None:
        """`set`, or the last tier's `CacheUnavailable`; then no tier here has what was there before."""
        ttl = self._shortened(ttl)
        before = self._changed(key)
        self._asked(lambda: self.shared.set(key, value, ttl))
        self.sets += 1
        self._write_near(key, value, ttl, before)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        ttl = self._shortened(ttl)
        self.sets += len(values)
        self._forget(values)  # so that nobody reads the old value near after the new one far
        before = {key: self._changes[hash(key) % STRIPES] for key in values}
        shared = self.shared
        if len(values) == 1:
            ((key, value),) = values.items()
            self._shared(lambda: shared.set(key, value, ttl), None)
        else:
            self._shared(lambda: shared.set_many(values, ttl), None)
        for key, value in values.items():
            self._write_near(key, value, ttl, before[key])

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        ttl = self._shortened(ttl)
        before = self._changes[hash(key) % STRIPES]
        stored = self._asked(lambda: self.shared.add(key, value, ttl))
        if stored:
            self.sets += 1
            self._write_near(key, value, ttl, before)
        else:
            self._forget((key,))
        return stored

    def delete(self, key: str) -> bool:
        near = self._forget((key,))
        gone = self._shared(lambda: self.shared.delete(key), None)
        self._forget((key,))  # a read between the two may have brought it back
        return near > 0 if gone is None else gone

    def delete_everywhere(self, key: str) -> bool:
        """`delete`, or the last tier's `CacheUnavailable`; then no near tier has the key."""
        self._forget((key,))
        try:
            return self._asked(lambda: self.shared.delete(key))
        finally:
            self._forget((key,))

    def delete_many(self, keys: Iterable[str]) -> int:
        wanted = list(dict.fromkeys(keys))
        near = self._forget(wanted)
        gone = self._shared(lambda: self.shared.delete_many(wanted), None)
        self._forget(wanted)
        return near if gone is None else gone

    def exists(self, key: str) -> bool:
        return self._shared(lambda: self.shared.exists(key), False)

    def touch(self, key: str, ttl: float | None) -> bool:
        self._forget((key,))
        there = self._shared(lambda: self.shared.touch(key, self._shortened(ttl)), False)
        self._forget((key,))
        return there

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        try:
            return self._asked(lambda: self.shared.increment(key, delta, initial=initial, ttl=ttl))
        finally:
            self._forget((key,))

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self._asked(lambda: self.shared.keys(prefix))

    def clear(self, prefix: str = "") -> int:
        self._clear_near(prefix)
        try:
            return self._asked(lambda: self.shared.clear(prefix))
        finally:
            self._clear_near(prefix)

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        return self._asked(lambda: self.shared.acquire(key, token, ttl))

    def release(self, key: str, token: str) -> bool:
        return self._shared(lambda: self.shared.release(key, token), False)

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        ttl = self._shortened(ttl)
        before = self._changed(key)
        stored = self._shared(lambda: self.shared.set_held(key, value, ttl, token), False)
        if stored:
            self.sets += 1
            self._write_near(key, value, ttl, before)
        return stored

    def statistics(self) -> dict[str, int | float]:
        """Hits and errors by tier, misses, and what each tier says of itself, as `l1.hits`, `l1.entries`, …"""
        numbers: dict[str, int | float] = {"misses": self.misses, "sets": self.sets}
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

    def _changed(self, key: str) -> int:
        """Remove a key near, and say after how many changes of its part of the keys that was."""
        self._forget((key,))
        return self._changes[hash(key) % STRIPES]

    def _fill(self, at: int, key: str, entry: CacheEntry, before: int) -> None:
        """Put what tier `at` had into those before it, for what is left of its time."""
        if not at:
            return
        left = None if entry.expires_at is None else entry.expires_at - self._now()
        if left is None or left > 0:
            self._write_near(key, entry.value, left, before, upto=at)

    def _write_near(self, key: str, value: bytes, ttl: float | None, before: int, upto: int | None = None) -> None:
        """Put an entry near; not one that another thread has replaced or deleted since there were `before` changes."""
        limit = self._l1_ttl
        if limit is not None and (ttl is None or ttl > limit):
            ttl = limit
        for at, tier in enumerate(self._near[:upto]):
            try:
                tier.set(key, value, ttl)
            except (CacheUnavailable, CacheValueError):  # the second: too large for a near tier alone
                self.errors[at] += 1
        if self._changes[hash(key) % STRIPES] != before:
            self._forget((key,))

    def _asked(self, operation: Callable[[], R]) -> R:
        """The last tier's answer, or its error."""
        try:
            return operation()
        except CacheUnavailable:
            self.errors[-1] += 1
            raise

    def _shared(self, operation: Callable[[], R], otherwise: R) -> R:
        """The last tier's answer, or `otherwise` where it gives none."""
        try:
            return operation()
        except CacheUnavailable:
            self.errors[-1] += 1
            return otherwise

    def _forget(self, keys: Collection[str]) -> int:
        """Remove from the near tiers. How many were there, in the tier that had most of them."""
        for key in keys:
            self._changes[hash(key) % STRIPES] += 1
        gone = 0
        for at, tier in enumerate(self._near):
            try:
                gone = max(gone, tier.delete_many(keys))
            except CacheUnavailable:
                self.errors[at] += 1
        return gone

    def _clear_near(self, prefix: str) -> None:
        self._changes = [each + 1 for each in self._changes]
        for at, tier in enumerate(self._near):
            try:
                if tier.lists_keys or not prefix:
                    tier.clear(prefix)
                else:
                    tier.clear()
            except CacheUnavailable:
                self.errors[at] += 1

    def _shortened(self, ttl: float | None) -> float | None:
        if ttl is None or not self._jitter or ttl <= 0:
            return ttl
        return ttl * (1 - self._jitter * random())  # noqa: S311 (spreads load, guards nothing)


def _guarded(backend: CacheBackend, clock: Clock | None) -> CacheBackend:
    if backend.name in NEVER_FAILS or isinstance(backend, GuardedBackend | TieredCache):
        return backend
    return GuardedBackend(backend, clock)
