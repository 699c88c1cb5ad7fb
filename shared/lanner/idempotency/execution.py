"""The attempt that performs a request, as the application sees it: `execution_of(request)`.

The record alone cannot make an effect happen once: between an effect and the note that it happened a process can die.
Two ways close that gap.

1. The effect is a write to DynamoDB: put the note into the same transaction.

       answer = ...                                       # the response, before anything is written
       items = execution.completion(answer) if execution else []
       TransactWriteItems(effect + items)                 # either both or none
       if execution: execution.committed()                # the step has nothing left to write

   The items hold the fence: when another attempt has taken over, the transaction is cancelled, nothing happened, and
   `in_flight()` is what the client is told.

2. The effect has a key of its own (a job): use `execution.job_key`. It is the same for every attempt of one request
   and differs for every other request, also for one that uses the key again after its record has expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.idempotency.record import Answer

if TYPE_CHECKING:
    from lanner.http.message import Request, Response
    from lanner.idempotency.record import IdempotencyRecord
    from lanner.idempotency.store import IdempotencyStore, TransactItem

STATE = "idempotency"


class Execution:
    """One attempt. `token` is its fence: new with every attempt, and in the record for as long as it owns it."""

    __slots__ = ("_expires_at", "_offered", "_store", "is_committed", "record")

    def __init__(self, record: IdempotencyRecord, store: IdempotencyStore, expires_at: float) -> None:
        self.record = record
        self.is_committed = False
        self._offered = False
        self._store = store
        self._expires_at = expires_at

    @property
    def token(self) -> str:
        """Names this attempt; another one of the same request has another token."""
        return self.record.token

    @property
    def job_key(self) -> str:
        """Names the request: 32 hexadecimal digits, the same for each of its attempts."""
        return self.record.execution

    def completion(self, response: Response) -> list[TransactItem]:
        """Items that record `response` as the answer, for the transaction that has the effect; may be empty.

        `response` must be what is answered then: call it with the final one. Whoever commits them calls `committed`.
        """
        items = self._store.completion(self.record, Answer.of(response), self._expires_at)
        self._offered = bool(items)
        return items

    def committed(self) -> None:
        """The transaction with the items of `completion` was committed. Nothing where the store gave none."""
        self.is_committed = self._offered


def execution_of(request: Request) -> Execution | None:
    """The attempt that this request is; None for a request without a key."""
    found: Execution | None = request.state.get(STATE)
    return found
