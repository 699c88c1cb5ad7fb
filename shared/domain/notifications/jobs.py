"""The job `notification.send`: one notification, by the channel that its client chose.

Both channels are at least once. A webhook has the same `webhook-id` and the same body in every attempt, a mail the same
`X-Idempotency-Key`. A refusal ends the job (`JobFailed`); trouble is tried again with backoff, and not before the
receiver's `Retry-After`.
"""

from __future__ import annotations

from typing import Any

import orjson

from domain.mail.jobs import mail
from domain.mail.texts import Texts
from domain.notifications.delivery import DELIVERED, REFUSED, deliver
from domain.notifications.requests import EMAIL, Notification, read_notification
from domain.notifications.signature import secrets
from lanner.clock import SystemClock
from lanner.http.problems import Unprocessable
from lanner.jobs.context import JobContext
from lanner.jobs.declaration import job
from lanner.jobs.errors import JobFailed
from lanner.jobs.retry import Retry

SEND = "notification.send"
TYPE = "notification"
"""The `type` of a webhook's body, by Standard Webhooks."""

TIMEOUT_S = 30
"""Above what one attempt takes: `delivery.ATTEMPT_S`, and the resolver's own timeout."""
MAX_ATTEMPTS = 8
DEFAULT_SUBJECT = "Notification"


class NotDelivered(Exception):
    """This attempt came to nothing; another one follows, not before `retry_after` seconds (read by `lanner.jobs`)."""

    def __init__(self, detail: str, retry_after: float | None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


@job(SEND, retry=Retry(5.0, factor=4.0, maximum=3_600.0), timeout=TIMEOUT_S, max_attempts=MAX_ATTEMPTS)
def send(payload: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Send the notification."""
    try:
        notification = read_notification(payload["notification"])
    except Unprocessable as error:  # what was taken then is refused by the rules of today
        raise _given_up(error.detail) from error
    if notification.channel == EMAIL:
        mail(notification.address, Texts(notification.subject or DEFAULT_SUBJECT, notification.message), context)
        return {"channel": EMAIL}
    return {"channel": notification.channel, "status": _post(notification, payload["created_at"], context)}


def _post(notification: Notification, created_at: str, context: JobContext) -> int:
    """One attempt at a webhook; gives the receiver's status. Raises `JobFailed` and `NotDelivered`."""
    message_id = f"msg_{context.idempotency_key.replace('.', '-')}"
    body = webhook_body(notification, created_at)
    outcome = deliver(notification.address, message_id, body, secrets(), SystemClock())
    if outcome.kind == DELIVERED and outcome.status is not None:
        return outcome.status
    if outcome.kind == REFUSED:
        raise _given_up(outcome.detail)
    if context.attempt >= MAX_ATTEMPTS:
        # The receiver's trouble and not ours: the client learns of it, and no dead letter waits for us.
        raise _given_up(f"{outcome.detail}, after {context.attempt} attempts")
    raise NotDelivered(outcome.detail, outcome.retry_after)


def _given_up(detail: str) -> JobFailed:
    return JobFailed({"title": "Not delivered", "detail": detail}, status=422, slug="not-delivered")


def webhook_body(notification: Notification, created_at: str) -> bytes:
    """The body that a receiver gets: the same bytes in every attempt."""
    data = {"message": notification.message, "subject": notification.subject}
    return orjson.dumps({"type": TYPE, "timestamp": created_at, "data": data})
