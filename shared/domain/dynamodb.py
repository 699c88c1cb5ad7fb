"""DynamoDB as the domain uses it: one place where its failures become what a client is told.

    unreachable, too slow, throttled, 5xx     `Unavailable` 503 with Retry-After: the request may be repeated
    another transaction holds the item        `Contended`: nothing was written, and the same may be tried again
    a condition did not hold                  passed on (`ConditionFailed`, `TransactionCanceled`): the stores know why
    anything else                             passed on: it is a fault of ours, answered 500 and logged

A write that failed with an unknown outcome is a 503 too: every write here may be repeated safely.
"""

from __future__ import annotations

from typing import Any

from lanner.aws import wire
from lanner.aws.errors import AwsRejected, AwsThrottled, AwsUnavailable
from lanner.http.problems import Unavailable
from lanner.observe.correlation import current

Item = dict[str, dict[str, Any]]  # Any: DynamoDB's AttributeValue form

BUDGET_MS = 2_000
"""For one call, its retries included; DynamoDB answers in single-digit milliseconds when it is well."""

RESERVE_MS = 100
"""Of what remains of the invocation, kept for saying that the storage did not answer."""

RETRY_AFTER = 1
"""Seconds; the client's own backoff does the rest."""


_CONTENTION = ("TransactionConflictException", "TransactionInProgressException")


class Contended(Exception):
    """DynamoDB found another transaction on the same items: nothing was written, and the same may be tried again."""


def call(operation: str, payload: dict[str, Any], *, idempotent: bool | None = None) -> dict[str, Any]:
    """One DynamoDB operation in its own JSON. Raises `Unavailable`, `Contended`, and other `AwsError`s as they are."""
    try:
        return wire.dynamodb().call(operation, payload, budget_ms=_budget(), idempotent=idempotent)
    except AwsThrottled as error:
        raise Unavailable("The storage is busy; try again shortly", retry_after=RETRY_AFTER) from error
    except AwsUnavailable as error:
        raise Unavailable("The storage does not answer; try again shortly", retry_after=RETRY_AFTER) from error
    except AwsRejected as error:
        if error.code in _CONTENTION:
            raise Contended from error
        raise


def _budget() -> int:
    """Milliseconds for one call: the constant, or less where less remains of the request that is being served."""
    request = current()
    remaining = getattr(request and request.context, "get_remaining_time_in_millis", None)
    return BUDGET_MS if remaining is None else max(1, min(BUDGET_MS, remaining() - RESERVE_MS))
