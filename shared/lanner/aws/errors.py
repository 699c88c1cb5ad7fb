"""What can go wrong between us and AWS: one tree, raised by everything in `lanner.aws`.

    AwsError                     the root; also raised as itself for a configuration that cannot work
    ├── AwsUnavailable           no usable answer: refused, reset, DNS, 5xx, malformed or damaged answer
    │   ├── BudgetSpent          the call's milliseconds are used up
    │   ├── StaleConnection      a kept-alive connection turned out to be dead before a byte of the answer
    │   └── PeerNotTrusted       the TLS certificate does not verify; never retried
    ├── AwsThrottled             refused for now, nothing was done; raised after the retries that fit the budget
    ├── ConditionFailed          ConditionalCheckFailedException; `.item` is the old item where it was asked for
    ├── TransactionCanceled      TransactionCanceledException; `.reasons`, one for each of the transaction's items
    ├── AwsRejected              any other 4xx: `.code`, `.status` and AWS's message
    ├── FunctionFailed           an invoked Lambda function raised: `.error_type`, `.payload`
    └── CredentialsError         there are no credentials, or their source failed

Messages name the service and operation, and never hold a secret: AWS repeats the canonical request, session token
included, from the second line of a signature error on, so only the first line of a message of AWS is kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MESSAGE_LIMIT = 500
"""Characters of AWS's message that an error keeps."""


def first_line(message: object) -> str:
    """The part of a message of AWS that is fit for a log: its first line, at most `MESSAGE_LIMIT` characters."""
    return str(message).split("\n", 1)[0].strip()[:MESSAGE_LIMIT] if message else ""


class AwsError(Exception):
    """Any failure of a call to AWS."""


class AwsUnavailable(AwsError):
    """No usable answer came; `outcome_unknown` says that the request was sent whole, so a write may have happened."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class BudgetSpent(AwsUnavailable):
    """The milliseconds allowed for the call are used up; the message names them."""


class StaleConnection(AwsUnavailable):
    """The peer had closed a kept-alive connection, which showed only when it was used."""


class PeerNotTrusted(AwsUnavailable):
    """The peer's TLS certificate does not verify."""


class AwsThrottled(AwsError):
    """AWS refused the call for now (`code` says how) and did nothing."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ConditionFailed(AwsError):
    """A conditional write did not apply.

    `item` is the stored item in DynamoDB's AttributeValue form when the request asked for
    `ReturnValuesOnConditionCheckFailure: ALL_OLD` and an item exists, else None. After a retried write it may be the
    caller's own first attempt that the condition met: compare an owner token in `item`.
    """

    def __init__(self, message: str, *, item: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.item = item


class CancellationReason(NamedTuple):
    """Why one item of a transaction was refused; `code` is "None" (AWS's word) for items that were in order."""

    code: str
    message: str = ""
    item: dict[str, Any] | None = None


class TransactionCanceled(AwsError):
    """A transaction did not apply at all; `reasons` are in the order of its items."""

    def __init__(self, message: str, *, reasons: tuple[CancellationReason, ...]) -> None:
        super().__init__(message)
        self.reasons = reasons


class AwsRejected(AwsError):
    """AWS refused the request for good: `code` is AWS's error name, `status` the HTTP status."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class FunctionFailed(AwsError):
    """An invoked function answered with an error; `payload` is its JSON as sent, `error_type` its `errorType`."""

    def __init__(self, message: str, *, error_type: str, payload: bytes) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.payload = payload


class CredentialsError(AwsError):
    """No usable credentials."""
