"""When a failed call may be sent again, and after how long.

Whether a call may be repeated depends on what is known of the first attempt:

- *refused* (throttled, conflict with another transaction, expired credentials, wrong clock): nothing was done, so
  anything may be repeated;
- *outcome known to be nothing* (no connection, request not sent whole): the same;
- *outcome unknown* (sent whole, then reset, 5xx, damaged answer): only what is safe to do twice.

Waits have full jitter (uniform between 0 and a doubling bound): aws.amazon.com/builders-library, "Timeouts, retries
and backoff with jitter".
"""

from __future__ import annotations

from enum import Enum, auto

from lanner.aws.errors import (
    AwsError,
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    BudgetSpent,
    PeerNotTrusted,
    StaleConnection,
    TransactionCanceled,
)

MAX_ATTEMPTS = 4
BACKOFF_BASE_S = 0.025
BACKOFF_CAP_S = 1.0

EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"})
WRONG_CLOCK = frozenset(
    {
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    }
)
CONFLICTS = frozenset({"TransactionConflictException", "TransactionInProgressException"})
PASSING_REASONS = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Cancellation reasons that another attempt may not meet."""


class Remedy(Enum):
    """What may be done about a failed attempt."""

    NONE = auto()
    AT_ONCE = auto()
    AFTER_BACKOFF = auto()
    FRESH_CREDENTIALS = auto()
    RIGHT_CLOCK = auto()


def remedy(error: AwsError, *, safe: bool) -> Remedy:
    """The remedy for `error`; `safe` says that the call may be done twice."""
    if isinstance(error, AwsThrottled):
        return Remedy.AFTER_BACKOFF
    if isinstance(error, (BudgetSpent, PeerNotTrusted)):
        return Remedy.NONE
    if isinstance(error, AwsUnavailable):
        if error.outcome_unknown and not safe:
            return Remedy.NONE
        return Remedy.AT_ONCE if isinstance(error, StaleConnection) else Remedy.AFTER_BACKOFF
    if isinstance(error, TransactionCanceled):
        codes = {reason.code for reason in error.reasons}
        return Remedy.AFTER_BACKOFF if codes - {"None"} and codes <= PASSING_REASONS else Remedy.NONE
    if isinstance(error, AwsRejected):
        if error.code in EXPIRED:
            return Remedy.FRESH_CREDENTIALS
        if error.code in WRONG_CLOCK:
            return Remedy.RIGHT_CLOCK
        if error.code in CONFLICTS:
            return Remedy.AFTER_BACKOFF
    return Remedy.NONE


def backoff(attempt: int, random: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1), for a `random` in [0, 1)."""
    return random * min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** (attempt - 1))
