"""Values computed once and kept: what `cached` and `remember` share.

    fresh      within `ttl`, its tags as recorded      returned
    due        about to end (XFetch), softly           one (the lease) computes anew, the others get what is there
               invalidated, or within `stale`
    spare      within `stale_if_error`                 as absent, but returned where the computation raises
    absent     nothing, a marker, invalidated          one computes, the others wait; after their budget, or when the
                                                       one has failed, each computes for itself and stores nothing.
                                                       Threads of one process are woken, the others read again

A result is stored only by the holder of the lease, and only while under the key is what was there when it began: an
invalidation or another result that came in between wins. The look and the store are two operations of the backend: a
removal by key that falls between them is overwritten, one by tag never, since its generation is in the record. Under
the lease the last tier is asked, since a nearer one may be behind; a near copy that is out of date is dropped.

What a call returns is always what a hit would return: the value has been through JSON, where it is not bytes.

Failure modes: an exception of the computation is never stored; it gives the lease back and reaches the caller, unless
something spare may be served. A killed holder's lease expires, and one of those who wait follows. A backend that is
down costs one computation per call and raises nothing. What another program left under a key is replaced. Computing a
key from within its own computation neither waits nor stores. `CacheValueError` where the value is neither JSON nor
bytes; one that is only too large is returned.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from lanner.cache.codec import decode, encode
from lanner.cache.computed import FAILED, REMOVED, VALUE, Record, marker, read, write
from lanner.cache.early import is_due
from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.flights import Flights
from lanner.cache.lease import Lease, Patience
from lanner.cache.terms import LEASE_MS, Terms
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lanner.cache.backend import CacheBackend, CacheEntry
    from lanner.cache.tags import TagIndex

    Make = Callable[[], Any]  # Any: JSON or bytes
    Tags = Callable[[], Iterable[str]]

PREFIX = "fn:"
FAILED_SECONDS = 1.0
MOST_KEPT = 2_048
LARGEST_KEPT = 4_096
"""Bytes: records of the memory tier up to this size are kept as read, for as long as the tier has the same object."""
_FRESH, _DUE, _SPARE, _ABSENT = 0, 1, 2, 3
_FURTHEST = 40.0
"""-ln of the smallest random number is below it: further from the end than this many deltas nothing is ever due."""


class _Job(NamedTuple):
    """One call: what is to be had, and how it is made."""

    key: str
    terms: Terms
    make: Make
    tags: Tags | None


class _Outcome(NamedTuple):
    """What came of leading or waiting: a value, or what the computation raised."""

    value: Any
    error: Exception | None = None


class _Mine(threading.local):
    """The keys that this thread is computing."""

    def __init__(self) -> None:
        self.keys: set[tuple[int, str]] = set()


_mine = _Mine()
_flights = Flights()
"""Of all caches, since `remember` makes a `Computing` for each call."""


class Computing:
    """Computed values in one backend. Safe under threads."""

    def __init__(self, backend: CacheBackend, index: TagIndex | None = None, clock: Clock | None = None) -> None:
        self.backend = backend
        self._shared: CacheBackend = getattr(backend, "shared", backend)
        self._near: tuple[CacheBackend, ...] = getattr(backend, "tiers", ())[:-1]
        self._get = backend.get
        self._set = getattr(backend, "set_everywhere", backend.set)  # a stack's `set` would not say that it failed
        self.clock = clock or SystemClock()
        self._now = self.clock.now
        self._index = index
        self._kept: dict[str, tuple[bytes, Record]] = {}
        self._keeps = backend.name in ("memory", "tiered")

    @property
    def index(self) -> TagIndex:
        """The tags; without one of its own, those of the backend are asked each time."""
        if self._index is None:
            from lanner.cache.tags import TagIndex

            self._index = TagIndex(self.backend, self.clock, cache_for=0)
        return self._index

    def hit(self, key: str, terms: Terms) -> Record | None:
        """The record under `key` where it is fresh and memory has it; says None and asks nothing further otherwise."""
        known = self._kept.get(key)
        if known is None:
            return None
        try:
            entry = self._get(key)
            if entry is not None and entry[0] is known[0] and self._state(known[1], terms) == _FRESH:
                return known[1]
        except (CacheUnavailable, CacheValueError):
            return None
        return None

    def fetch(self, key: str, terms: Terms, make: Make, tags: Tags | None = None) -> Any:
        """The value under `key`, from the cache or by `make`."""
        try:
            found = self._find(key)
            state = self._state(found, terms)
        except CacheUnavailable:
            return _as_read(make())
        if found is not None and state == _FRESH:
            return found.value()
        spare = found if state != _ABSENT else None
        if (id(self._shared), key) in _mine.keys:
            return spare.value() if spare is not None and state == _DUE else _alone(make, spare)
        job = _Job(key, terms, make, tags)
        try:
            got = self._due(job, spare) if spare is not None and state == _DUE else self._missed(job, found)
        except CacheUnavailable:
            got = None
        if got is None:
            return _alone(make, spare)
        if got.error is not None:
            raise got.error
        return got.value

    def store(self, key: str, terms: Terms, make: Make, tags: Tags | None = None) -> Any:
        """Compute now, whatever is there, and store. Raises `CacheUnavailable` where it could not be stored."""
        generations = self.index.current(tags()) if tags is not None else {}
        began = self.clock.monotonic()
        value = make()
        envelope = encode(value)
        record, ttl = self._record(value, envelope, terms, self.clock.monotonic() - began, generations)
        if ttl > 0:
            self._set(key, record, ttl)
        return decode(envelope)

    def remove(self, key: str, lease_ms: float = LEASE_MS) -> None:
        """Invalidate: what is there, and what is being computed right now. Raises `CacheUnavailable`."""
        self._set(key, marker(REMOVED), 4 * lease_ms / 1000)  # the second lease of a key is twice as long

    def _there(self, key: str) -> CacheEntry | None:
        """What the last tier has; nothing where another program put something there, which we replace."""
        try:
            return self._shared.get(key)
        except CacheValueError:
            return None

    def _find(self, key: str) -> Record | None:
        try:
            entry = self._get(key)
        except CacheValueError:
            return None
        if entry is None:
            return None
        stored = entry.value
        known = self._kept.get(key)
        if known is not None and known[0] is stored:
            return known[1]
        record = read(stored)
        if record is not None and self._keeps and len(stored) <= LARGEST_KEPT:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (stored, record)
        return record

    def _state(self, found: Record | None, terms: Terms) -> int:
        if found is None or found.kind != VALUE:
            return _ABSENT
        due = False
        if found.tags:
            verdict = self.index.judge(found.tags)
            if verdict == "gone":
                return _ABSENT
            due = verdict == "stale"
        now = self._now()
        fresh_until = found.fresh_until
        if now < fresh_until:
            delta = found.delta
            near = now + delta * terms.beta * _FURTHEST >= fresh_until
            return _DUE if due or (near and is_due(now, fresh_until, delta, beta=terms.beta)) else _FRESH
        if now < found.kept_until:
            if now < fresh_until + terms.stale:
                return _DUE
            if now < fresh_until + terms.stale_if_error:
                return _SPARE
        return _ABSENT

    def _due(self, job: _Job, found: Record) -> _Outcome | None:
        """The value anew, where nobody is at it; else what is there."""
        try:
            lease = Lease.acquire(self.backend, job.key, job.terms.lease_ms, self.clock)
        except CacheUnavailable:
            lease = None
        return _Outcome(found.value()) if lease is None else self._lead(job, lease, found)

    def _missed(self, job: _Job, found: Record | None) -> _Outcome | None:
        """What another computes, or our own; None when the caller has to compute for itself."""
        patience = Patience(self.clock, job.terms.wait)
        name = f"{id(self._shared)}:{job.key}"
        flight = _flights.depart(name)
        landed = flight is None and _flights.wait(name, min(job.terms.lease_ms / 1000, job.terms.wait))
        try:
            return self._queue(job, found, patience, landed)
        finally:
            if flight is not None:
                _flights.land(name, flight)

    def _queue(self, job: _Job, found: Record | None, patience: Patience, looks: bool) -> _Outcome | None:
        """Lead, or wait for whoever leads; `looks` where somebody has already been waited for."""
        lease_ms = job.terms.lease_ms
        while True:
            if looks:
                entry = self._there(job.key)
                record = None if entry is None else read(entry.value)
                if record is not None and record.kind == FAILED:
                    return None
                if record is not None and self._state(record, job.terms) <= _DUE:
                    self._drop_near(job.key)
                    return _Outcome(record.value())
            if patience.asks():
                lease = Lease.acquire(self.backend, job.key, lease_ms, self.clock)
                if lease is not None:
                    return self._lead(job, lease, found)
                lease_ms = 2 * job.terms.lease_ms  # whoever takes over does so because the first was too short, or dead
            if not patience.pause():
                return None
            looks = True

    def _lead(self, job: _Job, lease: Lease, found: Record | None) -> _Outcome | None:
        """Compute under the lease, unless somebody has stored something usable since our read."""
        with lease:
            before = self._there(job.key)
            record = None if before is None else read(before.value)
            if record is not None and not record.is_same(found) and self._state(record, job.terms) <= _DUE:
                self._drop_near(job.key)
                return _Outcome(record.value())
            generations = self.index.current(job.tags()) if job.tags is not None else {}
            mine = (id(self._shared), job.key)
            _mine.keys.add(mine)
            began = self.clock.monotonic()
            try:
                value = job.make()
            except Exception as error:
                return self._failed(job, lease, error, record, before)
            finally:
                _mine.keys.discard(mine)
            return self._made(job, lease, value, self.clock.monotonic() - began, generations, before)

    def _made(
        self, job: _Job, lease: Lease, value: Any, delta: float, tags: dict[str, int], before: CacheEntry | None
    ) -> _Outcome:
        try:
            envelope = encode(value)
        except CacheValueError as error:
            return _Outcome(None, error)
        record, ttl = self._record(value, envelope, job.terms, delta, tags)
        if ttl > 0:
            self._put(lease, record, ttl, before)
        else:
            self._put(lease, marker(FAILED), FAILED_SECONDS, before)  # nothing to wait for
        return _Outcome(decode(envelope))

    def _failed(
        self, job: _Job, lease: Lease, error: Exception, record: Record | None, before: CacheEntry | None
    ) -> _Outcome:
        try:
            usable = record is not None and self._state(record, job.terms) != _ABSENT
        except CacheUnavailable:
            usable = False
        if record is not None and usable:
            return _Outcome(record.value())
        self._put(lease, marker(FAILED), FAILED_SECONDS, before)
        return _Outcome(None, error)

    def _record(
        self, value: Any, envelope: bytes, terms: Terms, delta: float, tags: dict[str, int]
    ) -> tuple[bytes, float]:
        now = self._now()
        if value is None and terms.negative_ttl is not None:
            fresh = kept = terms.negative_ttl
        else:
            fresh, kept = terms.ttl, terms.kept
        return write(max(delta, 0.0), now + fresh, now + kept, tags, envelope), kept

    def _put(self, lease: Lease, record: bytes, ttl: float, before: CacheEntry | None) -> None:
        """Store, where nothing has come in between; a store that cannot is a value that is computed again."""
        try:
            if self._is_untouched(before, self._there(lease.key)):
                lease.set(record, ttl)
        except (CacheUnavailable, CacheValueError):
            return

    def _is_untouched(self, before: CacheEntry | None, after: CacheEntry | None) -> bool:
        if before is None:
            return after is None
        if after is None:
            return before.expires_at is not None and before.expires_at <= self._now()
        return before.value == after.value

    def _drop_near(self, key: str) -> None:
        for tier in self._near:
            try:
                tier.delete(key)
            except CacheUnavailable:
                continue


def _alone(make: Make, spare: Record | None) -> Any:
    """Compute without storing; `spare` where that raises."""
    try:
        return _as_read(make())
    except Exception:
        if spare is None:
            raise
        return spare.value()


def _as_read(value: Any) -> Any:
    return decode(encode(value))
