"""The contract of what keeps records, and how it fails.

    IdempotencyStoreError
    ├── StoreUnavailable    no answer within the budget, or refused for now
    └── RecordBusy          a transaction holds the record at this moment: somebody performs the request

Every write is one atomic, conditional step. A store that repeats a call whose answer was lost must recognise its own
success by the token, which is new with every attempt. Whatever is returned may be changed by nobody else later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lanner.idempotency.record import Answer, IdempotencyRecord

TransactItem = dict[str, Any]
"""One entry of DynamoDB's TransactWriteItems; `Any`: DynamoDB's own JSON."""


class IdempotencyStoreError(Exception):
    """The store could not do it."""


class StoreUnavailable(IdempotencyStoreError):
    """The store does not answer; whether a write happened is not known."""


class RecordBusy(IdempotencyStoreError):
    """A transaction holds the record; nothing was written."""


class IdempotencyStore(Protocol):
    """What keeps records. Every method raises `IdempotencyStoreError`s and nothing else of the store's own."""

    def claim(self, fresh: IdempotencyRecord, now: float) -> IdempotencyRecord:
        """Store `fresh` where nothing lives under its id (absent, or expired at `now`); gives what is stored then.

        The caller owns the record when its token is that of `fresh`.
        """
        ...

    def take_over(self, old: IdempotencyRecord, token: str, lease_until: float, now: float) -> IdempotencyRecord | None:
        """Make `token` the owner of a record that is free at `now` and still has the token of `old`.

        Gives the record with the new owner, with the execution of the old one, or None when somebody was faster.
        """
        ...

    def complete(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> IdempotencyRecord | None:
        """Record the answer of the owner that `record` names; gives None, or what another owner made of the record.

        Where the record is gone, or was released, nothing is written and None is given.
        """
        ...

    def release(self, record: IdempotencyRecord) -> None:
        """Let the next attempt take over at once; nothing where the record has another owner or is done."""
        ...

    def completion(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> list[TransactItem]:
        """`complete` as part of a transaction that writes something else: it fails when `record` has lost its lease
        to another owner, and with it everything in that transaction. Empty where the store takes part in none."""
        ...
