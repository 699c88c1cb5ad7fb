"""What a group declares about repeated requests: `RouteGroup(..., idempotency=IdempotencyPolicy())`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.idempotency.store import IdempotencyStore

DAY_S = 86_400
LEASE_S = 30.0
"""Longer than a gateway waits for an answer (29 s): an attempt that takes longer has no client any more."""


class IdempotencyPolicy:
    """The keys of a group's POST routes. Honoured wherever one is sent.

    - `required`: templates of the routes that refuse a POST without a key.
    - `ttl_s`: how long an answer is repeated, in seconds, a day at least.
    - `lease_s`: how long one attempt may take before another takes over, in seconds. Where Lambda says what remains of
      the invocation, that is the bound when it is sooner.
    - `store`: makes the store of the records, on first use; None for the DynamoDB table `LANNER_IDEMPOTENCY_TABLE`.

    Raises `ValueError` for a time to live below a day or a lease that is none.
    """

    __slots__ = ("lease_s", "required", "store", "ttl_s")

    def __init__(
        self,
        *,
        required: Sequence[str] = (),
        ttl_s: int = DAY_S,
        lease_s: float = LEASE_S,
        store: Callable[[], IdempotencyStore] | None = None,
    ) -> None:
        if ttl_s < DAY_S:
            raise ValueError(f"an answer is kept for a day at least ({DAY_S} s), not {ttl_s}: clients retry that long")
        if not 0 < lease_s <= ttl_s:
            raise ValueError(f"a lease takes more than 0 seconds and less than the time to live, not {lease_s}")
        self.required = frozenset(required)
        self.ttl_s = ttl_s
        self.lease_s = lease_s
        self.store = store or _dynamodb


def _dynamodb() -> IdempotencyStore:
    from lanner.idempotency.dynamodb import DynamoDBIdempotencyStore

    return DynamoDBIdempotencyStore()
