"""The sweep: sends again what never reached the queue, what waited too long, and what a dead holder left behind.

It reads the sparse index `by_due`: a queued job is in it from a minute after it is due, a running one from the end of
its lease, a finished one never. A job that only waits in a deep queue is sent again too, less and less often; a
message too many is taken away by the first look at the record. The time is moved first and then the message sent: of
several sweeps one sends, and one that dies in between has only put it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.aws.errors import ConditionFailed
from lanner.jobs import conditions
from lanner.jobs.queue import JobMessage
from lanner.jobs.record import DUE_SHARDS, RESEND_AFTER_MS, Item, number, owner_of, text

if TYPE_CHECKING:
    from lanner.jobs.queue import JobQueue
    from lanner.jobs.table import JobTable

BY_DUE = "by_due"

LONGEST_RESEND_MS = 3_600_000
"""Between two messages for one job that waits."""

_POSTPONE = "SET due_at = :due, sends = :sends"


def sweep(table: JobTable, queue: JobQueue, limit: int = 100) -> int:
    """Send again at most `limit` jobs that are due; gives how many. Raises `JobsUnavailable`."""
    sent = 0
    for shard in range(DUE_SHARDS):
        for item in _due(table, shard, limit - sent):
            sent += _send_again(table, queue, item)
        if sent >= limit:
            break
    return sent


def _due(table: JobTable, shard: int, most: int) -> list[Item]:
    asked: dict[str, Any] = {
        "TableName": table.name,
        "IndexName": BY_DUE,
        "KeyConditionExpression": "due_shard = :shard AND due_at <= :now",
        "ExpressionAttributeValues": {":shard": {"N": str(shard)}, ":now": {"N": str(table.now())}},
        "Limit": max(1, most),
    }
    items: list[Item] = table.call("Query", asked)["Items"]
    return items


def _send_again(table: JobTable, queue: JobQueue, item: Item) -> int:
    sends = number(item, "sends")
    wait = min(LONGEST_RESEND_MS, RESEND_AFTER_MS * 2 ** min(sends, 10))
    values = {
        ":seen": {"N": item["due_at"]["N"]},
        ":due": {"N": str(table.now() + wait)},
        ":sends": {"N": str(sends + 1)},
    }
    tenant, job_id = owner_of(text(item, "pk"))
    try:
        stored = table.update({"pk": item["pk"]}, _POSTPONE, conditions.POSTPONE, values)
    except ConditionFailed:
        return 0  # another sweep, or the job moved on
    return int(queue.try_send(JobMessage(tenant, job_id, text(stored, "kind"))))
