"""What happened in the engine that somebody else has to act on: object events, EventBridge events, topics' messages.

The engine itself runs no functions. It writes a journal, and the local cloud reads it with a long poll:

    GET /_lanner/journal            {"next": 7, "entries": []}                       where the journal is now
    GET /_lanner/journal?after=7    {"next": 9, "entries": [...]}                    waits for the first new entry

A request's entries are provisional until it is answered with success (`begin`, `commit`), so that an upload which is
refused after moto has announced it is no event. An entry is never given out of order, and as often as it is asked
for: a reader that remembers `next` sees each exactly once. The last `KEPT` entries stay.

moto announces a completed multipart upload twice, as itself and as a plain Put, and every upload as tagging too; what
is too much is taken back. It does not announce delete markers; they are added here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lanner.local.engine.http import Answer, Request

KEPT = 100_000
PAGE = 500  # entries of one answer
WAIT = 20.0  # seconds that a reader waits at most
PATH = "/_lanner/journal"
_MULTIPART = "ObjectCreated:CompleteMultipartUpload"
_TAGGING = "ObjectTagging:Put"
_PUTS = ("ObjectCreated:Put", "ObjectCreated:Post")

Document = dict[str, Any]  # Any: JSON


class Journal:
    """Entries in order, each with its number."""

    def __init__(self) -> None:
        self._entries: deque[Document] = deque(maxlen=KEPT)
        self._pending: list[Document] = []
        self._next = 1
        self._began = time.time_ns()
        self._arrived = asyncio.Event()

    def begin(self) -> None:
        """A request starts."""
        self._pending.clear()

    def add(self, kind: str, document: Document) -> None:
        """Note something that holds if the request succeeds."""
        self._pending.append({"kind": kind, **document})

    def take_back(self, kind: str, **fields: str) -> None:
        """Remove what the same request has added before."""
        wanted = {"kind": kind, **fields}.items()
        self._pending = [each for each in self._pending if not wanted <= each.items()]

    def commit(self) -> None:
        """The request succeeded: its entries are part of the journal."""
        created = {
            (each["bucket"], each["key"])
            for each in self._pending
            if each["kind"] == "object" and each["name"].startswith("ObjectCreated:")
        }
        self._pending = [
            each
            for each in self._pending
            if each.get("name") != _TAGGING or (each["bucket"], each["key"]) not in created
        ]
        for document in self._pending:
            sequencer = f"{self._began + self._next:018X}"
            self._entries.append({"number": self._next, "sequencer": sequencer, **document})
            self._next += 1
        if self._pending:
            self._pending.clear()
            self._arrived.set()

    def after(self, number: int | None) -> Document:
        """Entries above `number`, oldest first; none at all without a number."""
        found: list[Document] = []
        if number is not None and number < self._next - 1:
            missing = self._next - 1 - number
            start = max(0, len(self._entries) - missing)
            found = [self._entries[index] for index in range(start, min(start + PAGE, len(self._entries)))]
        return {"next": found[-1]["number"] if found else self._next - 1, "entries": found}

    async def wait(self, number: int) -> Document:
        """As `after`, but waits for the first entry, at most `WAIT` seconds."""
        deadline = time.monotonic() + WAIT
        while True:
            page = self.after(number)
            left = deadline - time.monotonic()
            if page["entries"] or left <= 0:
                return page
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                continue


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- what moto tells


def watch_objects(journal: Journal) -> None:
    """Note object events. moto's own delivery, to what `PutBucketNotificationConfiguration` names, goes on."""
    from moto.s3 import models, notifications

    deliver, mark = notifications.send_event, models.S3Backend._set_delete_marker

    def note(name: str, bucket: Any, key: Any) -> None:  # Any: moto's FakeBucket and FakeKey
        version = getattr(key, "version_id", None)
        journal.add(
            "object",
            {
                "name": name,
                "bucket": bucket.name,
                "region": bucket.region_name,
                "key": key.name,
                "size": int(getattr(key, "size", 0) or 0),
                "etag": str(getattr(key, "etag", "") or "").strip('"'),
                "version": str(version) if version not in (None, "null") else "",
                "time": _moment(),
            },
        )

    def announce(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        name = str(event_name.value).removeprefix("s3:")
        if name == _MULTIPART:
            for put in _PUTS:
                journal.take_back("object", name=put, bucket=bucket.name, key=key.name)
        note(name, bucket, key)
        deliver(account_id, event_name, bucket, key)

    def set_delete_marker(backend: Any, bucket_name: str, key_name: str) -> Any:
        marker = mark(backend, bucket_name, key_name)
        note("ObjectRemoved:DeleteMarkerCreated", backend.get_bucket(bucket_name), marker)
        return marker

    notifications.send_event = announce
    backend: Any = models.S3Backend  # Any: its method is replaced
    backend._set_delete_marker = set_delete_marker


def watch_topics(journal: Journal) -> None:
    """Note messages for functions that subscribe to topics. A second call changes nothing."""
    if "moto.sns.models" in sys.modules and getattr(sys.modules["moto.sns.models"], "lanner_journal", None) is journal:
        return
    from moto.sns import models

    publish = models.Subscription.publish

    def note_or_publish(subscription: Any, message: str, message_id: str, *rest: Any, **named: Any) -> None:
        if subscription.protocol != "lambda":
            publish(subscription, message, message_id, *rest, **named)
            return
        names = ("subject", "message_attributes", "group_id", "deduplication_id", "message_structure")
        given = {**dict(zip(names, rest, strict=False)), **named}
        attributes = given.get("message_attributes") or {}
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if given.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, "lambda")
        document = {
            "endpoint": subscription.endpoint,
            "subscription": subscription.arn,
            "topic": subscription.topic.arn,
            "id": message_id,
            "subject": given.get("subject"),
            "message": message,
            "attributes": {
                name: {"Type": each.get("Type", "String"), "Value": _text(each.get("Value"))}
                for name, each in attributes.items()
            },
            "time": _moment(),
        }
        journal.add("topic", document)

    patched: Any = models  # Any: its names are replaced
    patched.Subscription.publish = note_or_publish
    patched.lanner_journal = journal


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def note_events(journal: Journal, request: Request, answer: Answer, region: str) -> None:
    """Note the EventBridge events that a PutEvents request was told are accepted."""
    entries = json.loads(request.body).get("Entries", ())
    results = json.loads(answer.body).get("Entries", ())
    for entry, result in zip(entries, results, strict=False):
        if "EventId" not in result:
            continue
        given = entry.get("Time")
        moment = datetime.fromtimestamp(given, UTC) if isinstance(given, int | float) else datetime.now(UTC)
        event = {
            "version": "0",
            "id": result["EventId"],
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": "123456789012",
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": entry.get("Resources") or [],
            "detail": json.loads(entry["Detail"]),
        }
        journal.add("event", {"bus": (entry.get("EventBusName") or "default").rpartition("/")[2], "event": event})
