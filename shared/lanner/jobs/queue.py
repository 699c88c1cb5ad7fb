"""The queue over the wire: a message says which record to look at, and nothing else.

{"v": 1, "tenant": "...", "job": "<id>", "kind": "report.build"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lanner.aws import wire
from lanner.aws.errors import AwsError
from lanner.jobs.ids import read_id
from lanner.jobs.record import MAX_TENANT
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Mapping

QUEUE_SETTING = "LANNER_JOBS_QUEUE_URL"
DEAD_LETTER_SETTING = "LANNER_JOBS_DEAD_LETTER_QUEUE_URL"

SCHEMA = 1
"""Of the message. A worker reads its own and earlier ones; deploy readers before writers."""

SEND_BUDGET_MS = 1_000
"""The job is accepted already: rather leave sending to the sweep than keep its client waiting."""

MAX_DELAY = 900
"""Seconds: SQS delays a message by 15 minutes at most (SendMessage, DelaySeconds)."""

MAX_VISIBILITY = 43_200
"""Seconds: 12 hours (ChangeMessageVisibility)."""


class JobMessage(NamedTuple):
    """What a message says."""

    tenant: str
    job_id: str
    kind: str

    def body(self) -> str:
        """The text of the message."""
        import orjson

        return orjson.dumps({"v": SCHEMA, "tenant": self.tenant, "job": self.job_id, "kind": self.kind}).decode()


def read_message(body: object) -> JobMessage | None:
    """The message in a body, or None where it is not one of ours or of a schema that is not known here."""
    import orjson

    try:
        members = orjson.loads(body if isinstance(body, str) else b"")
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    if not isinstance(members, dict) or members.get("v") != SCHEMA:
        return None
    tenant, job_id, kind = (members.get(name) for name in ("tenant", "job", "kind"))
    if not (isinstance(tenant, str) and isinstance(job_id, str) and isinstance(kind, str)):
        return None
    if not 0 < len(tenant) <= MAX_TENANT or read_id(job_id) != job_id:
        return None
    return JobMessage(tenant, job_id, kind)


class JobQueue:
    """One queue; its URL is read from a setting when it is first needed."""

    def __init__(self, url: str | None = None, setting_name: str = QUEUE_SETTING) -> None:
        self._url = url
        self._setting = setting_name

    @property
    def url(self) -> str:
        """The queue's URL. Raises `SettingError`."""
        return self._url or setting(self._setting)

    def send(self, body: str, *, delay: float = 0, attributes: Mapping[str, str] | None = None) -> None:
        """Send a message that appears after `delay` seconds. Raises `AwsError`; sent twice is as good as once."""
        request: dict[str, Any] = {"QueueUrl": self.url, "MessageBody": body}
        if delay > 0:
            request["DelaySeconds"] = min(MAX_DELAY, int(delay))
        if attributes:
            request["MessageAttributes"] = {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            }
        wire.sqs().call("SendMessage", request, budget_ms=SEND_BUDGET_MS, idempotent=True)

    def try_send(self, message: JobMessage, *, delay: float = 0) -> bool:
        """Send a message, or leave it to the sweep where the queue does not answer in time."""
        try:
            self.send(message.body(), delay=delay)
        except AwsError:
            return False
        return True

    def hide(self, receipt: str, seconds: float) -> None:
        """Hide a received message for so long from now on; where that fails the queue's own timeout holds."""
        hidden = int(max(0, min(MAX_VISIBILITY, -(-seconds // 1))))  # up: not to be back before it is due
        request = {"QueueUrl": self.url, "ReceiptHandle": receipt, "VisibilityTimeout": hidden}
        try:
            wire.sqs().call("ChangeMessageVisibility", request, budget_ms=SEND_BUDGET_MS, idempotent=True)
        except AwsError:
            return

    def receive(self, most: int, *, hidden: int = 60) -> list[dict[str, Any]]:
        """Up to ten messages that are there, hidden for so many seconds. Raises `AwsError`."""
        request = {"QueueUrl": self.url, "MaxNumberOfMessages": max(1, min(10, most)), "VisibilityTimeout": hidden}
        return list(wire.sqs().call("ReceiveMessage", request).get("Messages") or ())

    def delete(self, receipt: str) -> None:
        """Take a received message away. Raises `AwsError`."""
        wire.sqs().call("DeleteMessage", {"QueueUrl": self.url, "ReceiptHandle": receipt})
