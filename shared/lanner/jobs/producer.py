"""Accepting a job: its record is committed, alone or with what its caller writes, and then a message is sent.

A job is accepted when its record is committed. If the message cannot be sent afterwards, or the process dies before
it is, the sweep sends it: the record carries the time at which it is due. A job that is delayed by more than SQS delays
messages is sent by the sweep alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lanner.aws.errors import ConditionFailed
from lanner.clock import SystemClock
from lanner.jobs import conditions, control
from lanner.jobs.declaration import JOBS, check_kind
from lanner.jobs.errors import UnknownJob
from lanner.jobs.ids import keyed_id, new_id
from lanner.jobs.queue import MAX_DELAY, JobMessage, JobQueue
from lanner.jobs.record import MAX_PAYLOAD, MAX_TENANT, encode, new_record, status_of, text
from lanner.jobs.table import JobTable, expressions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.clock import Clock
    from lanner.jobs.record import Item
    from lanner.jobs.status import JobStatus


def is_creator(stored: Item, record: Item) -> bool:
    """Whether what is stored was accepted by the call that made `record`."""
    return text(stored, "creator") == text(record, "creator")


class Producer:
    """Accepts jobs of one tenant; `table` and `queue` (a URL) are LANNER_JOBS_TABLE and LANNER_JOBS_QUEUE_URL if None.

    Raises `ValueError` for a tenant that is empty or above 256 characters.
    """

    def __init__(
        self, *, tenant: str, table: str | None = None, queue: str | None = None, clock: Clock | None = None
    ) -> None:
        if not 0 < len(tenant) <= MAX_TENANT:
            raise ValueError(f"a tenant has 1 to {MAX_TENANT} characters, not {len(tenant)}")
        self.tenant = tenant
        self._table = JobTable(clock or SystemClock(), table)
        self._queue = JobQueue(queue)

    def enqueue(
        self,
        kind: str,
        payload: Any = None,  # Any: a pydantic model's instance, or JSON
        *,
        key: str | None = None,
        delay: float = 0,
        with_items: Sequence[Mapping[str, Any]] = (),
    ) -> JobStatus:
        """Accept a job and give its status.

        `key`: the same kind and key of the same tenant are one job, for as long as its record lives; asking again
        gives the job that is there, in whatever state, and writes nothing (`with_items` neither).
        `delay`: seconds before it may start, without limit.
        `with_items`: entries of DynamoDB's TransactWriteItems, committed in the same transaction as the record (at
        most 99). Raises `ItemsRefused` where one of their conditions does not hold, `PayloadTooLarge`,
        `JobsUnavailable` (repeat with the same `key`).
        """
        check_kind(kind)
        if delay < 0:
            raise ValueError(f"a delay is 0 or more seconds, not {delay}")
        known = JOBS.declared(kind)
        now = self._table.now()
        record = new_record(
            self.tenant,
            new_id(now / 1000) if key is None else keyed_id(self.tenant, kind, key),
            kind,
            encode(payload, MAX_PAYLOAD, "a payload"),
            now=now,
            not_before=now + int(delay * 1000),
            max_attempts=None if known is None else known.max_attempts,
            creator=os.urandom(16).hex(),
        )
        stored = self._insert(record, with_items)
        if stored is not None:
            return status_of(stored)
        if delay <= MAX_DELAY:
            self._queue.try_send(JobMessage(self.tenant, text(record, "id"), kind), delay=delay)
        return status_of(record)

    def _insert(self, record: Item, with_items: Sequence[Mapping[str, Any]]) -> Item | None:
        """Commit a record; gives the one that is there already, where it is not this one."""
        put = {
            "TableName": self._table.name,
            "Item": record,
            **expressions("", conditions.NEW, {":now_seconds": {"N": str(self._table.now() // 1000)}}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            if with_items:
                self._table.transact({"Put": put}, with_items)
            else:
                self._table.call("PutItem", put, idempotent=True)
        except ConditionFailed as error:
            if error.item is None:
                raise
            # A repeated PutItem, or transaction, meets what it wrote itself.
            return None if is_creator(error.item, record) else error.item
        return None

    def status(self, job_id: str) -> JobStatus:
        """One job, as of now. Raises `UnknownJob`, `JobsUnavailable`."""
        item = self._table.read(self.tenant, job_id)
        if item is None:
            raise UnknownJob(job_id)
        return status_of(item)

    def cancel(self, job_id: str) -> JobStatus:
        """Cancel a queued job, or ask a running one to stop (`cancel_requested`); a cancelled one stays as it is.

        Raises `JobFinished`, `UnknownJob`, `JobsUnavailable`.
        """
        return control.cancel(self._table, self.tenant, job_id)

    def redrive(self, job_id: str) -> JobStatus:
        """Put a dead or failed job back with all its attempts; its checkpoint stays.

        Raises `NotRedrivable`, `UnknownJob`, `JobsUnavailable`.
        """
        return control.redrive(self._table, self._queue, self.tenant, job_id)
