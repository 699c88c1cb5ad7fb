"""What people do to jobs: cancel one, put one back, list them.

A cancel of a running job only asks: the attempt hears of it at its next write, and whoever claims the job after a
holder that died finishes it as cancelled. A job that succeeds before it looks has succeeded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from lanner.aws.errors import ConditionFailed
from lanner.jobs import conditions
from lanner.jobs.errors import JobFinished, JobsUnavailable, NotRedrivable, UnknownJob
from lanner.jobs.queue import JobMessage
from lanner.jobs.record import KEPT_FOR, RESEND_AFTER_MS, due_shard, key_of, status_of, text
from lanner.jobs.status import CANCELLED, QUEUED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.jobs.queue import JobQueue
    from lanner.jobs.record import Item
    from lanner.jobs.status import JobStatus
    from lanner.jobs.table import JobTable

BY_TENANT = "by_tenant"

_CANCEL = (
    "SET #state = :cancelled, cancel_requested = :now, finished_at = :now, expires_at = :expires "
    "REMOVE due_at, due_shard, lease_until"
)
_ASK = "SET cancel_requested = if_not_exists(cancel_requested, :now)"
_REDRIVE = (
    "SET #state = :queued, attempt = :zero, sends = :zero, not_before = :now, due_at = :due, due_shard = :shard, "
    "progress = :zero, redrive_token = :own "
    "REMOVE #token, lease_until, started_at, finished_at, expires_at, problem, note, cancel_requested"
)
_TRIES = 4
"""A job changes between reading and writing at most a few times: queued, running, finished."""

_MOST_READ = 300
"""Records that one page looks at for a filter: a page may be shorter than asked for (AIP-158)."""
_BATCH = 100  # BatchGetItem


def cancelled(table: JobTable) -> tuple[str, dict[str, Any]]:
    """The expression that finishes a job as cancelled, and its values."""
    now = table.now()
    values = {
        ":cancelled": {"S": CANCELLED},
        ":now": {"N": str(now)},
        ":expires": {"N": str(now // 1000 + KEPT_FOR)},
    }
    return _CANCEL, values


def cancel(table: JobTable, tenant: str, job_id: str) -> JobStatus:
    """Cancel, or ask to. Raises `JobFinished`, `UnknownJob`, `JobsUnavailable`."""
    for _ in range(_TRIES):
        item = table.read(tenant, job_id)
        if item is None:
            raise UnknownJob(job_id)
        status = status_of(item)
        if status.state == CANCELLED:
            return status
        if status.finished:
            raise JobFinished(status)
        try:
            if status.state == QUEUED:
                expression, values = cancelled(table)
                return status_of(table.update(key_of(tenant, job_id), expression, conditions.CANCEL_QUEUED, values))
            asked = {":now": {"N": str(table.now())}}
            return status_of(table.update(key_of(tenant, job_id), _ASK, conditions.CANCEL_RUNNING, asked))
        except ConditionFailed:
            continue  # it has moved on, or a repeated write met itself: look again
    raise JobsUnavailable("The job keeps changing; try again shortly")


def redrive(table: JobTable, queue: JobQueue, tenant: str, job_id: str) -> JobStatus:
    """Dead or failed: back to queued, attempts from 0. Raises `NotRedrivable`, `UnknownJob`, `JobsUnavailable`."""
    now, own = table.now(), os.urandom(16).hex()
    values = {
        ":own": {"S": own},
        ":now": {"N": str(now)},
        ":zero": {"N": "0"},
        ":due": {"N": str(now + RESEND_AFTER_MS)},
        ":shard": {"N": str(due_shard(job_id))},
    }
    try:
        status = status_of(table.update(key_of(tenant, job_id), _REDRIVE, conditions.REDRIVE, values))
    except ConditionFailed as error:
        if error.item is None:
            raise UnknownJob(job_id) from error
        status = status_of(error.item)
        if not is_redriver(error.item, own):
            raise NotRedrivable(status) from error
    queue.try_send(JobMessage(tenant, job_id, status.kind))
    return status


def is_redriver(item: Item, own: str) -> bool:
    """Whether the call with this token put the job back: a repeated write meets what it wrote itself."""
    return text(item, "redrive_token") == own


class JobPage(NamedTuple):
    """Some jobs, newest first, and the place where the next page starts; None at the end."""

    jobs: list[JobStatus]
    position: str | None


def page(
    table: JobTable,
    tenant: str,
    *,
    limit: int,
    after: str | None = None,
    state: str | None = None,
    kind: str | None = None,
) -> JobPage:
    """Jobs of a tenant, newest first. The index follows within moments; what is shown of each job is as of now."""
    found: list[JobStatus] = []
    looked = 0
    while looked < _MOST_READ:
        most = min(_BATCH, limit - len(found)) if state is None and kind is None else _BATCH
        items, position = _keys(table, tenant, after, most)
        for item in _records(table, [each for each in items if kind is None or each["kind"]["S"] == kind]):
            after = item["listed"]["S"]
            if state is None or item["state"]["S"] == state:
                found.append(status_of(item))
                if len(found) == limit:
                    return JobPage(found, after if position or after != items[-1]["listed"]["S"] else None)
        looked += len(items)
        if position is None:
            return JobPage(found, None)
        after = position
    return JobPage(found, after)


def _keys(table: JobTable, tenant: str, after: str | None, most: int) -> tuple[list[Item], str | None]:
    asked: dict[str, Any] = {
        "TableName": table.name,
        "IndexName": BY_TENANT,
        "KeyConditionExpression": "tenant = :tenant" + ("" if after is None else " AND listed < :after"),
        "ExpressionAttributeValues": {":tenant": {"S": tenant}, **({} if after is None else {":after": {"S": after}})},
        "ScanIndexForward": False,
        "Limit": most,
    }
    answer = table.call("Query", asked)
    items: list[Item] = answer["Items"]
    return items, items[-1]["listed"]["S"] if items and "LastEvaluatedKey" in answer else None


def _records(table: JobTable, keys: list[Item]) -> list[Mapping[str, Any]]:
    """The records behind keys of the index, in its order; without those that have expired."""
    found: dict[str, Item] = {}
    asked = [{"pk": key["pk"]} for key in keys]
    for _ in range(_TRIES):
        if not asked:
            break
        request = {"RequestItems": {table.name: {"Keys": asked, "ConsistentRead": True}}}
        answer = table.call("BatchGetItem", request)
        for item in answer.get("Responses", {}).get(table.name, ()):
            found[item["pk"]["S"]] = item
        asked = answer.get("UnprocessedKeys", {}).get(table.name, {}).get("Keys", [])
    if asked:
        raise JobsUnavailable
    now = table.clock.now()
    records = (found.get(key["pk"]["S"]) for key in keys)
    return [item for item in records if item and not ("expires_at" in item and int(item["expires_at"]["N"]) <= now)]
