"""The worker in this process: what is in the queue becomes the event that Lambda would get."""

from __future__ import annotations

import os
from typing import Any

from lanner.aws import wire
from lanner.clock import Clock
from lanner.jobs.worker import Worker
from tests.builders import Context
from tests.conftest import JOBS_TABLE, scan

MODULES = ("domain.mail.jobs", "domain.notifications.jobs")


class WorkerContext(Context):
    """An invocation with the worker's timeout before it."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def run_jobs(clock: Clock | None = None, modules: tuple[str, ...] = MODULES) -> None:
    """Perform what is in the queue, once each; backoff is as long as it can be."""
    queue = os.environ["LANNER_JOBS_QUEUE_URL"]
    while found := wire.sqs().call("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10}).get("Messages"):
        run_messages([message["Body"] for message in found], clock, modules)


def run_messages(bodies: list[str], clock: Clock | None = None, modules: tuple[str, ...] = MODULES) -> None:
    """Perform messages, as if the queue had just delivered them."""
    if bodies:
        records = [record(body, number) for number, body in enumerate(bodies)]
        Worker(modules, clock=clock, random=lambda: 1.0).handle({"Records": records}, WorkerContext())


def record(body: str, number: int) -> dict[str, Any]:
    """One record of an SQS event."""
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:jobs-test",
        "awsRegion": "eu-west-1",
    }


def jobs(kind: str) -> list[dict[str, Any]]:
    """The records of every job of a kind."""
    return [item for item in scan(JOBS_TABLE) if item["kind"]["S"] == kind]


def message_of(job: dict[str, Any]) -> str:
    """The message that leads to a job."""
    return f'{{"v":1,"tenant":"{job["tenant"]["S"]}","job":"{job["id"]["S"]}","kind":"{job["kind"]["S"]}"}}'
