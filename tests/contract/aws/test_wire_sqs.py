"""The wire against moto's SQS."""

from __future__ import annotations

import uuid

import pytest

from lanner.aws.errors import AwsRejected
from lanner.aws.wire import AwsJsonClient


@pytest.fixture
def queue(sqs: AwsJsonClient) -> str:
    """The URL of a queue of the test's own."""
    url: str = sqs.call("CreateQueue", {"QueueName": f"wire-{uuid.uuid4().hex}"})["QueueUrl"]
    return url


def test_a_message_is_sent_received_and_deleted(sqs: AwsJsonClient, queue: str) -> None:
    """Body and attributes arrive; a deleted message is gone."""
    attributes = {"trace": {"DataType": "String", "StringValue": "00-abc"}}
    sent = sqs.call("SendMessage", {"QueueUrl": queue, "MessageBody": "héllo", "MessageAttributes": attributes})
    received = sqs.call("ReceiveMessage", {"QueueUrl": queue, "MessageAttributeNames": ["All"]})
    (message,) = received["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "héllo")
    assert message["MessageAttributes"]["trace"]["StringValue"] == "00-abc"
    sqs.call("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]})
    counts = sqs.call("GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["All"]})["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_a_batch_says_which_entries_failed(sqs: AwsJsonClient, queue: str) -> None:
    """SendMessageBatch and DeleteMessageBatch answer entry by entry."""
    entries = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(3)]
    sent = sqs.call("SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
    assert sorted(entry["Id"] for entry in sent["Successful"]) == ["0", "1", "2"]
    received = sqs.call("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10})["Messages"]
    deletions = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(received)]
    deleted = sqs.call("DeleteMessageBatch", {"QueueUrl": queue, "Entries": deletions})
    assert len(deleted["Successful"]) == 3


def test_an_empty_queue_answers_an_object(sqs: AwsJsonClient, queue: str) -> None:
    """No Messages member when there is nothing."""
    assert sqs.call("ReceiveMessage", {"QueueUrl": queue}).get("Messages", []) == []


def test_an_unknown_queue_is_rejected_by_name(sqs: AwsJsonClient) -> None:
    """The error code names a missing queue."""
    with pytest.raises(AwsRejected) as caught:
        sqs.call("GetQueueUrl", {"QueueName": "no-such-queue"})
    assert caught.value.code.endswith(("QueueDoesNotExist", "NonExistentQueue"))
