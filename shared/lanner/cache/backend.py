"""The contract of a cache backend: bytes under string keys, for a time, with counters and leases.

One file per backend implements it (`memory`, `file`, `dynamodb`, `redis`, `memcached`), `tiered` stacks several behind
the same contract, and one contract suite (tests/contract/cache) runs over all of them against the real thing.

States of a key: absent -> present (until `expires_at`, or for ever) -> absent. An entry past its `expires_at` is absent
for every operation, whether or not the store has removed it; it is never returned. Expiry is exact to the millisecond
as the caller's `Clock` has it, in every backend: what a store rounds (Memcached and DynamoDB have whole seconds) is
checked on read.

Keys are any non-empty `str` (any length, any character); backends encode what their store cannot hold. Values are
`bytes`, empty ones too. `ttl` is in seconds, `None` for ever; a `ttl` of 0 or less stores nothing and removes what is
there. Backends do not interpret values: `lanner.cache.codec` does.

Counters live in the same key space: `increment` makes them, `get` reads one as its decimal digits (`b"42"`), and
`increment` on a value that is not such digits raises `CacheValueError`.

Leases are how one of many does the work: `acquire(key, token, ttl)` is granted to one token at a time, beside the
entry under `key` and not in its place; it ends by `release`, by `set_held`, or by its time (a dead holder's lease
expires). `set_held` stores only while the lease is still the token's, atomically where the store can (all but
Memcached, where a check precedes the write by one round trip), so that a holder that slept past its lease overwrites
nothing.

Failure modes: everything a store can do wrong is `CacheUnavailable` within the backend's budget (milliseconds, given
when it is made), or `CacheValueError` where the request itself cannot be stored. Nothing else is raised: driver errors
are wrapped once, here at the edge. No retries but one on a kept connection that turned out to be dead. A backend is
safe under threads and after `fork`, opens connections on first use, and starts no threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, runtime_checkable


class CacheEntry(NamedTuple):
    """What is under a key. `expires_at` is in seconds since the epoch, None for ever."""

    value: bytes
    expires_at: float | None = None


@runtime_checkable
class CacheBackend(Protocol):
    """Stores bytes for a time. See the module's docstring for what every operation promises."""

    @property
    def name(self) -> str:
        """The kind of store, for statistics and `Cache-Status`: `memory`, `file`, `dynamodb`, `redis`, `memcached`."""
        ...

    @property
    def lists_keys(self) -> bool:
        """Whether `keys` works; Memcached cannot list."""
        ...

    def get(self, key: str) -> CacheEntry | None:
        """The entry under `key`, or None."""
        ...

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        """The entries that are there, by key."""
        ...

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        """Store, whatever was there."""
        ...

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Store all of them; not atomic across keys."""
        ...

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """Store only where nothing is, atomically. Whether it was stored."""
        ...

    def delete(self, key: str) -> bool:
        """Remove. Whether something was there."""
        ...

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove all of them. How many were there."""
        ...

    def exists(self, key: str) -> bool:
        """Whether an entry is there, without its value."""
        ...

    def touch(self, key: str, ttl: float | None) -> bool:
        """Give an entry that is there another lifetime. Whether it was there."""
        ...

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        """Add `delta` (negative to subtract) atomically; one that is not there starts at `initial` and gets `ttl`.

        Returns the new value, in the range of a signed 64-bit integer. `ttl` does not change a counter that is there.
        Memcached holds no negative numbers: a result below 0 is 0 there.
        """
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that starts with `prefix`, in no order; keys that come and go meanwhile may be missed.

        Raises `CacheValueError` where `lists_keys` is False.
        """
        ...

    def clear(self, prefix: str = "") -> int:
        """Remove every key that starts with `prefix` of this cache's own name space, leases too. How many, about.

        Raises `CacheValueError` for a non-empty prefix where `lists_keys` is False.
        """
        ...

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        """Take the lease beside `key` for `ttl` seconds. False while another has it; True again for its holder."""
        ...

    def release(self, key: str, token: str) -> bool:
        """Give the lease back. False, and nothing happens, where it is not `token`'s any more."""
        ...

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        """Store and release in one, where the lease is still `token`'s. Whether it was stored."""
        ...

    def statistics(self) -> dict[str, int | float]:
        """Numbers about the store where it can tell cheaply: `entries`, `bytes`, `evictions`, `max_bytes`, …"""
        ...

    def reset(self) -> None:
        """Drop connections (before a SnapStart snapshot, after a restore, after a fork); entries in memory stay."""
        ...

    def close(self) -> None:
        """Drop connections for good."""
        ...
