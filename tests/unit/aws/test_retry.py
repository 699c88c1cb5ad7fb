"""Which failures may be repeated, how long to wait, and reading the Date that corrects a clock."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.aws.errors import (
    AwsError,
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    BudgetSpent,
    CancellationReason,
    ConditionFailed,
    CredentialsError,
    FunctionFailed,
    PeerNotTrusted,
    StaleConnection,
    TransactionCanceled,
)
from lanner.aws.exchange import http_date
from lanner.aws.retry import BACKOFF_BASE_S, BACKOFF_CAP_S, Remedy, backoff, remedy


def canceled(*codes: str) -> TransactionCanceled:
    """A cancelled transaction with these reasons."""
    return TransactionCanceled("m", reasons=tuple(CancellationReason(code) for code in codes))


def rejected(code: str) -> AwsRejected:
    """A refusal with this code."""
    return AwsRejected("m", code=code, status=400)


@pytest.mark.parametrize(
    ("error", "when_safe", "when_not"),
    [
        (AwsThrottled("m", code="c"), Remedy.AFTER_BACKOFF, Remedy.AFTER_BACKOFF),
        (AwsUnavailable("m"), Remedy.AFTER_BACKOFF, Remedy.AFTER_BACKOFF),
        (AwsUnavailable("m", outcome_unknown=True), Remedy.AFTER_BACKOFF, Remedy.NONE),
        (StaleConnection("m"), Remedy.AT_ONCE, Remedy.AT_ONCE),
        (StaleConnection("m", outcome_unknown=True), Remedy.AT_ONCE, Remedy.NONE),
        (BudgetSpent("m"), Remedy.NONE, Remedy.NONE),
        (PeerNotTrusted("m"), Remedy.NONE, Remedy.NONE),
        (canceled("None", "TransactionConflict"), Remedy.AFTER_BACKOFF, Remedy.AFTER_BACKOFF),
        (canceled("TransactionConflict", "ConditionalCheckFailed"), Remedy.NONE, Remedy.NONE),
        (canceled("None", "None"), Remedy.NONE, Remedy.NONE),
        (canceled(), Remedy.NONE, Remedy.NONE),
        (rejected("TransactionConflictException"), Remedy.AFTER_BACKOFF, Remedy.AFTER_BACKOFF),
        (rejected("ExpiredTokenException"), Remedy.FRESH_CREDENTIALS, Remedy.FRESH_CREDENTIALS),
        (rejected("RequestTimeTooSkewed"), Remedy.RIGHT_CLOCK, Remedy.RIGHT_CLOCK),
        (rejected("ValidationException"), Remedy.NONE, Remedy.NONE),
        (ConditionFailed("m"), Remedy.NONE, Remedy.NONE),
        (FunctionFailed("m", error_type="t", payload=b""), Remedy.NONE, Remedy.NONE),
        (CredentialsError("m"), Remedy.NONE, Remedy.NONE),
        (AwsError("m"), Remedy.NONE, Remedy.NONE),
    ],
)
def test_every_error_has_its_remedy(error: AwsError, when_safe: Remedy, when_not: Remedy) -> None:
    """What is known of the first attempt decides, together with what the call may do twice."""
    assert (remedy(error, safe=True), remedy(error, safe=False)) == (when_safe, when_not)


@given(attempt=st.integers(1, 50), random=st.floats(0, 1, exclude_max=True))
def test_waits_are_jittered_and_bounded(attempt: int, random: float) -> None:
    """Anywhere between nothing and a bound that doubles up to the cap."""
    wait = backoff(attempt, random)
    assert 0 <= wait <= min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (attempt - 1))


@given(st.integers(0, 32_503_680_000))
def test_reads_every_http_date(second: int) -> None:
    """An IMF-fixdate is read back to the second."""
    assert http_date(formatdate(second, usegmt=True).encode()) == second


@given(
    st.binary(max_size=40) | st.from_regex(rb"[A-Z][a-z]{2}, \d\d (Jan|Xxx) \d{4} \d\d:\d\d:\d\d GMT", fullmatch=True)
)
def test_anything_else_is_no_date(value: bytes) -> None:
    """No bytes from the peer make it raise."""
    result = http_date(value)
    assert result is None or result >= 0
