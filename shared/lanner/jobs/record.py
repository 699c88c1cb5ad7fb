"""The record of a job as DynamoDB has it, and what is read from it.

    pk             <id>#<tenant>: the id first, which is of fixed length and spreads the partitions
    tenant listed  the key of the index `by_tenant`: who asked, and when, with the id behind it
    due_shard, due_at  the key of the sparse index `by_due`: when the sweep has to send a message; absent once finished
    token          of the attempt that holds it, or held it last
    creator        of the call that accepted it: recognises its own success
    commits        chunks committed, and `commit_token` of the last one
    expires_at     seconds; set when it is finished (DynamoDB's time to live)

Times are whole milliseconds; payload, result, problem and checkpoint are JSON texts.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from lanner.jobs.errors import PayloadTooLarge
from lanner.jobs.status import QUEUED, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, dict[str, Any]]  # Any: DynamoDB's AttributeValue form

KEPT_FOR = 30 * 24 * 3600
"""Seconds that a finished job can be asked for, and that its key is remembered: above SQS's 14 days."""

RESEND_AFTER_MS = 60_000
"""How long after it is due a queued job is sent again: its message may be lost, or only waiting."""

DUE_SHARDS = 4
"""Partitions of `by_due`. To have more, sweep both layouts until the old one is empty."""

MAX_PAYLOAD = 128 * 1024
MAX_RESULT = 64 * 1024
MAX_CHECKPOINT = 64 * 1024
"""Bytes of JSON; an item has 400 KB at most, and every write of it is billed by its size."""

MAX_TENANT = 256


def key_of(tenant: str, job_id: str) -> Item:
    """The primary key of a record."""
    return {"pk": {"S": f"{job_id}#{tenant}"}}


def owner_of(pk: str) -> tuple[str, str]:
    """Tenant and id in a primary key."""
    job_id, _, tenant = pk.partition("#")
    return tenant, job_id


def due_shard(job_id: str) -> int:
    """The partition of `by_due`: a hash, so that jobs made one after the other are spread."""
    return zlib.crc32(job_id.encode("ascii")) % DUE_SHARDS


def encode(value: Any, limit: int, what: str) -> str:  # Any: JSON
    """JSON text of at most `limit` bytes. Raises `PayloadTooLarge`, and `TypeError` for what is not JSON."""
    import orjson

    dump = getattr(value, "model_dump", None)
    text = orjson.dumps(value if dump is None else dump(mode="json"))
    if len(text) > limit:
        raise PayloadTooLarge(f"{what} of {len(text):,} bytes; a record takes {limit:,}: store it in S3, keep its key")
    return text.decode()


def decode(item: Mapping[str, Any], name: str) -> Any:  # Any: JSON
    """The JSON value of an attribute, or None where there is none."""
    import orjson

    held = item.get(name)
    return None if held is None else orjson.loads(held["S"])


def number(item: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A number of the record."""
    held = item.get(name)
    return default if held is None else int(held["N"])


def text(item: Mapping[str, Any], name: str) -> str:
    """A string of the record, or ""."""
    held = item.get(name)
    return "" if held is None else str(held["S"])


def new_record(
    tenant: str,
    job_id: str,
    kind: str,
    payload: str,
    *,
    now: int,
    not_before: int,
    max_attempts: int | None,
    creator: str,
) -> Item:
    """A queued job. Times in milliseconds. `max_attempts` is the worker's to say: None where it is not known here."""
    known = {} if max_attempts is None else {"max_attempts": {"N": str(max_attempts)}}
    return {
        **known,
        **key_of(tenant, job_id),
        "tenant": {"S": tenant},
        "id": {"S": job_id},
        "listed": {"S": f"{now:013d}#{job_id}"},
        "kind": {"S": kind},
        "state": {"S": QUEUED},
        "payload": {"S": payload},
        "attempt": {"N": "0"},
        "commits": {"N": "0"},
        "sends": {"N": "0"},
        "created_at": {"N": str(now)},
        "not_before": {"N": str(not_before)},
        "due_shard": {"N": str(due_shard(job_id))},
        "due_at": {"N": str(not_before + RESEND_AFTER_MS)},
        "creator": {"S": creator},
    }


def status_of(item: Mapping[str, Any]) -> JobStatus:
    """What callers see of a record."""
    return JobStatus(
        id=text(item, "id"),
        kind=text(item, "kind"),
        tenant=text(item, "tenant"),
        state=text(item, "state"),
        attempt=number(item, "attempt"),
        max_attempts=number(item, "max_attempts") or None,
        progress=number(item, "progress"),
        note=text(item, "note"),
        created_at=number(item, "created_at") / 1000,
        started_at=_seconds(item, "started_at"),
        finished_at=_seconds(item, "finished_at"),
        result=decode(item, "result"),
        problem=decode(item, "problem"),
        cancel_requested="cancel_requested" in item,
    )


def _seconds(item: Mapping[str, Any], name: str) -> float | None:
    return number(item, name) / 1000 if name in item else None
