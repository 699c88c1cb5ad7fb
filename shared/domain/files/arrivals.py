"""Objects that arrived: S3's events become jobs, one for each object however often S3 tells of it.

S3 delivers at least once, and Lambda repeats an event whose function failed. The job's key is bucket, key and version
(or etag), so all of that is one job; the file notes the object in the transaction that accepts the job. A second
object under the same key, which the form allows until it expires, is refused there and ignored: the first upload
counts.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html; keys are encoded as in a
form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from domain import ids
from domain.files import store
from domain.files.model import Upload
from domain.files.requests import NewFile
from lanner.aws.errors import ConditionFailed
from lanner.jobs.errors import ItemsRefused
from lanner.jobs.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.clock import Clock

PREFIX = "uploads/"
KIND = "file.process"

Record = "Mapping[str, Any]"  # Any: S3's JSON


def accept_all(event: Mapping[str, Any], clock: Clock | None = None) -> dict[str, int]:  # Any: S3's JSON
    """Every record of an event; a failure is raised once all were tried, and Lambda sends the event again."""
    counts = {"accepted": 0, "ignored": 0}
    failed: Exception | None = None
    for record in event.get("Records", ()):
        try:
            counts["accepted" if accept(record, clock) else "ignored"] += 1
        except Exception as error:  # one record's trouble must not keep the others waiting
            failed = error
    if failed is not None:
        raise failed
    return counts


def accept(record: Mapping[str, Any], clock: Clock | None = None) -> str:  # Any: S3's JSON
    """The id of the job for one object; "" where it is none of a file's, or not the first one."""
    entity: Mapping[str, Any] = record.get("s3", {})
    thing: Mapping[str, Any] = entity.get("object", {})
    key = unquote_plus(thing.get("key", ""))
    file_id = ids.read(key.removeprefix(PREFIX)) if key.startswith(PREFIX) else None
    if file_id is None or not record.get("eventName", "").startswith("ObjectCreated:"):
        return ""
    file = store.read(file_id)
    if file is None:
        return ""
    upload = Upload(thing["eTag"].strip('"'), int(thing["size"]), thing.get("versionId") or "")
    payload = {
        "file": file_id,
        "key": key,
        "etag": upload.etag,
        "size": upload.size,
        "version": upload.version,
        "media_type": NewFile(file.filename, file.content_type).media_type,
    }
    try:
        status = Producer(tenant=file.principal, clock=clock).enqueue(
            KIND,
            payload,
            key=f"{entity['bucket']['name']}/{key}/{upload.version or upload.etag}",
            with_items=[store.arrival(file_id, upload)],
        )
        store.write_link(file_id, status.id)
    except (ItemsRefused, ConditionFailed):  # another object was first, or the file's time is over
        return ""
    return status.id
