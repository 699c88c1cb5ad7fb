"""The schemas of notifications, for OpenAPI. The rules themselves are `domain.notifications.requests`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.notifications.requests import MESSAGE_MAX, SUBJECT_MAX
from domain.notifications.targets import URL_MAX
from domain.users.fields import EMAIL_MAX

Message = Annotated[str, Field(min_length=1, max_length=MESSAGE_MAX, description="Plain text")]
Subject = Annotated[
    str | None, Field(min_length=1, max_length=SUBJECT_MAX, description="One line; the subject of the mail")
]

EMAIL_EXAMPLE: dict[str, JsonValue] = {
    "channel": "email",
    "to": "ana@example.com",
    "subject": "Your report",
    "message": "It is ready.",
}
WEBHOOK_EXAMPLE: dict[str, JsonValue] = {
    "channel": "webhook",
    "url": "https://hooks.example.com/reports",
    "message": "The report is ready.",
}


class EmailNotification(BaseModel):
    """A message to an e-mail address."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EMAIL_EXAMPLE]})

    channel: Literal["email"]
    to: Annotated[str, Field(min_length=3, max_length=EMAIL_MAX, json_schema_extra={"format": "email"})]
    message: Message
    subject: Subject = None


class WebhookNotification(BaseModel):
    """A message to a URL: a POST of JSON, signed by Standard Webhooks."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [WEBHOOK_EXAMPLE]})

    channel: Literal["webhook"]
    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=URL_MAX,
            json_schema_extra={"format": "uri"},
            description="https, port 443 or 8443, a public host",
        ),
    ]
    message: Message
    subject: Subject = None


def notification_schema() -> dict[str, Any]:  # Any: JSON Schema
    """Either of the two; `channel` says which."""
    return {
        "title": "NotificationWrite",
        "description": "A notification to send, by one of two channels.",
        "oneOf": [EmailNotification.model_json_schema(), WebhookNotification.model_json_schema()],
    }


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC")]

JOB_EXAMPLE: dict[str, JsonValue] = {
    "id": "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    "kind": "notification.send",
    "status": "queued",
    "progress": 0,
    "note": "",
    "attempt": 0,
    "max_attempts": 8,
    "cancel_requested": False,
    "created_at": "2026-11-27T01:00:00.000Z",
    "started_at": None,
    "finished_at": None,
}


class NotificationJob(BaseModel):
    """The job that sends a notification: `result` once it is delivered, `problem` once it is given up."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [JOB_EXAMPLE]})

    id: str
    kind: Literal["notification.send"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]
    progress: int
    note: str
    attempt: int
    max_attempts: int | None
    cancel_requested: bool
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    result: dict[str, JsonValue] | None = None
    problem: dict[str, JsonValue] | None = None
