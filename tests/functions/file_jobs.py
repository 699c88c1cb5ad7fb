"""What tests of files and reports do: upload as clients do, tell of it as S3 does, run the jobs in the queue."""

from __future__ import annotations

import os
import subprocess
from typing import Any
from urllib.parse import quote_plus

from lanner.aws import clients, wire
from lanner.jobs.worker import Worker

MODULES = ("domain.files.jobs", "domain.reports.jobs")


def upload(form: dict[str, Any], content: bytes) -> int:
    """POST the form and the content with curl; gives the status."""
    arguments = ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}"]
    for name, value in form["fields"].items():
        arguments += ["-F", f"{name}={value}"]
    done = subprocess.run(
        [*arguments, "-F", "file=@-;filename=x", form["url"]], input=content, capture_output=True, check=True
    )
    return int(done.stdout)


def download(url: str) -> bytes:
    """GET a presigned link with curl."""
    return subprocess.run(["curl", "-sSf", url], capture_output=True, check=True).stdout


def arrived(key: str, bucket: str = "") -> dict[str, Any]:
    """S3's event about the object as it is now."""
    bucket = bucket or os.environ["LANNER_FILES_BUCKET"]
    head = clients.client("s3").head_object(Bucket=bucket, Key=key)
    thing = {"key": quote_plus(key, safe="/"), "size": head["ContentLength"], "eTag": head["ETag"].strip('"')}
    if "VersionId" in head:
        thing["versionId"] = head["VersionId"]
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Post",
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": {**thing, "sequencer": "0055AED6"}},
    }
    return {"Records": [record]}


def messages() -> list[dict[str, Any]]:
    """What is in the queue of jobs, as Lambda's event source would hand it over."""
    url = os.environ["LANNER_JOBS_QUEUE_URL"]
    answer = wire.sqs().call("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    return [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:jobs-test",
            "awsRegion": "eu-west-1",
        }
        for message in answer.get("Messages", ())
    ]


def run_jobs(worker: Worker | None = None, context: Any = None) -> int:
    """Run every job that is in the queue; gives how many messages there were."""
    worker, seen = worker or Worker(MODULES), 0
    while records := messages():
        worker.handle({"Records": records}, context)
        seen += len(records)
        for record in records:
            wire.sqs().call(
                "DeleteMessage",
                {"QueueUrl": os.environ["LANNER_JOBS_QUEUE_URL"], "ReceiptHandle": record["receiptHandle"]},
            )
    return seen
