"""Lambda's side of a queue, as small as it can be: receive, invoke, delete what the answer does not name."""

from __future__ import annotations

from typing import Any

from lanner.aws import wire
from lanner.jobs.worker import Worker

Message = dict[str, Any]  # Any: SQS's own JSON


def receive(url: str, *, hidden: int, most: int = 10) -> list[Message]:
    """Messages that are there, hidden for so many seconds."""
    request = {"QueueUrl": url, "MaxNumberOfMessages": most, "VisibilityTimeout": hidden}
    return list(wire.sqs().call("ReceiveMessage", request).get("Messages") or ())


def event_of(messages: list[Message]) -> dict[str, Any]:
    """The event that Lambda makes of a batch."""
    return {
        "Records": [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:jobs",
                "awsRegion": "eu-west-1",
            }
            for each in messages
        ]
    }


def delete(url: str, messages: list[Message]) -> None:
    """Take messages away."""
    for each in messages:
        wire.sqs().call("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": each["ReceiptHandle"]})


def deliver(worker: Worker, url: str, messages: list[Message]) -> list[Message]:
    """Invoke with a batch and delete what was done; gives what stays."""
    failed = {each["itemIdentifier"] for each in worker.handle(event_of(messages))["batchItemFailures"]}
    delete(url, [each for each in messages if each["MessageId"] not in failed])
    return [each for each in messages if each["MessageId"] in failed]
