"""For how long a computed value is good, and how long one waits for it."""

from __future__ import annotations

from lanner.cache.early import BETA
from lanner.cache.errors import CacheConfigError

LEASE_MS = 5_000
"""Longer than a usual computation; a dead holder is noticed after it."""
WAIT_MS = 12_000
"""Longer than a dead holder's lease and the next one's computation, shorter than API Gateway's 29 s."""


class Terms:
    """How long a value is good for. Seconds, but for `lease_ms` and `wait_ms`. Raises `CacheConfigError`."""

    __slots__ = ("beta", "kept", "lease_ms", "negative_ttl", "stale", "stale_if_error", "ttl", "wait")

    def __init__(
        self,
        ttl: float,
        *,
        stale: float = 0.0,
        stale_if_error: float | None = None,
        negative_ttl: float | None = None,
        beta: float = BETA,
        lease_ms: float = LEASE_MS,
        wait_ms: float = WAIT_MS,
    ) -> None:
        if callable(ttl):
            raise CacheConfigError("cached is called with a number of seconds: write @cached(60)")
        if not _is_number(ttl) or not 0 < ttl < float("inf"):
            raise CacheConfigError(f"ttl is a number of seconds above 0, not {ttl!r}")
        for name, value in (("stale", stale), ("stale_if_error", stale_if_error), ("negative_ttl", negative_ttl)):
            if value is not None and not (_is_number(value) and 0 <= value < float("inf")):
                raise CacheConfigError(f"{name} is a number of seconds of 0 or more, not {value!r}")
        if not all(map(_is_number, (lease_ms, wait_ms, beta))):
            raise CacheConfigError("lease_ms, wait_ms and beta are numbers")
        if not lease_ms > 0 or not wait_ms >= 0 or not beta >= 0:
            raise CacheConfigError("lease_ms is above 0; wait_ms and beta are 0 or more")
        self.ttl = ttl
        self.stale = stale
        self.stale_if_error = stale if stale_if_error is None else stale_if_error
        self.kept = ttl + max(stale, self.stale_if_error)
        self.negative_ttl = negative_ttl
        self.beta = beta
        self.lease_ms = lease_ms
        self.wait = wait_ms / 1000


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
