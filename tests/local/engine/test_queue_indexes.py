"""SQS's own rules behind boto3: visibility, delays, FIFO groups, repetitions, dead letters, and work by depth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lanner.local.engine.queues import IndexedQueue

Client = Callable[..., Any]


@pytest.fixture
def sqs(client: Client) -> Any:
    return client("sqs")


def receive(sqs: Any, url: str, count: int = 10, **more: Any) -> list[dict[str, Any]]:
    """Messages with everything that SQS tells of them."""
    names = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    return list(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **names, **more).get("Messages", []))


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def depths(sqs: Any, url: str) -> tuple[int, int, int]:
    """Visible, in flight, delayed."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("", "NotVisible", "Delayed")
    return tuple(int(attributes[f"ApproximateNumberOfMessages{name}"]) for name in names)  # type: ignore[return-value]


def test_a_message_is_counted_in_exactly_one_state(sqs: Any) -> None:
    """Visible, in flight and delayed messages are three disjoint numbers; a deleted one is in none."""
    url = sqs.create_queue(QueueName="states")["QueueUrl"]
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    [first] = receive(sqs, url, 1)
    assert depths(sqs, url) == (2, 1, 1)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert depths(sqs, url) == (2, 0, 1)


def test_visibility_zero_gives_a_message_back_at_once(sqs: Any) -> None:
    """It keeps its place before younger ones, and its receive count grows."""
    url = sqs.create_queue(QueueName="give-back")["QueueUrl"]
    for body in "ab":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    [first] = receive(sqs, url, 1)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    again = receive(sqs, url)
    assert bodies(again) == ["a", "b"]
    assert [each["Attributes"]["ApproximateReceiveCount"] for each in again] == ["2", "1"]
    assert again[0]["ReceiptHandle"] != first["ReceiptHandle"]


def test_a_longer_visibility_outlasts_the_queues_own(sqs: Any) -> None:
    """A lease that was extended before its end does not end at the first time."""
    url = sqs.create_queue(QueueName="longer", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="long")
    [message] = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=600)
    sqs.send_message(QueueUrl=url, MessageBody="short")
    assert bodies(receive(sqs, url)) == ["short"]
    assert bodies(receive(sqs, url, WaitTimeSeconds=2)) == ["short"]  # its second is over, the other's 600 are not


def test_visibility_of_a_message_that_is_not_in_flight_is_refused(sqs: Any) -> None:
    """A consumer whose time is over, or whose message is deleted, hears so; so does one with an invented receipt."""
    url = sqs.create_queue(QueueName="late")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    receipt = receive(sqs, url)[0]["ReceiptHandle"]
    change = {"QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": 0}
    sqs.change_message_visibility(**change)
    with pytest.raises(ClientError, match="not available for visibility timeout change"):
        sqs.change_message_visibility(**change)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    with pytest.raises(ClientError, match="not available for visibility timeout change"):
        sqs.change_message_visibility(**change)
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        sqs.change_message_visibility(**{**change, "ReceiptHandle": "invented"})


def test_a_batch_of_visibility_changes_fails_entry_by_entry(sqs: Any) -> None:
    """One entry that cannot be done does not hold up the other."""
    url = sqs.create_queue(QueueName="batch-visibility")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    receipt = receive(sqs, url)[0]["ReceiptHandle"]
    entries = [
        {"Id": "good", "ReceiptHandle": receipt, "VisibilityTimeout": 0},
        {"Id": "bad", "ReceiptHandle": "invented", "VisibilityTimeout": 0},
        {"Id": "long", "ReceiptHandle": receipt, "VisibilityTimeout": 43201},
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [
        ("bad", "ReceiptHandleIsInvalid"),
        ("long", "InvalidParameterValue"),
    ]


def test_an_earlier_receipt_still_deletes_and_deleting_twice_is_no_error(sqs: Any) -> None:
    """The message is gone for whoever received it later."""
    url = sqs.create_queue(QueueName="stale")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first = receive(sqs, url, VisibilityTimeout=0)[0]["ReceiptHandle"]
    second = receive(sqs, url)[0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second)
    assert depths(sqs, url) == (0, 0, 0)


def test_poison_goes_to_the_dead_letters_with_its_id_and_comes_back_by_a_move(sqs: Any) -> None:
    """After maxReceiveCount receives the next one moves it; a move task returns it to its source, counted anew."""
    dead = sqs.create_queue(QueueName="poison-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = sqs.create_queue(QueueName="poison", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0)["MessageId"]
    for _ in range(2):
        assert bodies(receive(sqs, url, VisibilityTimeout=0)) == ["x"]
    assert receive(sqs, url) == []
    assert depths(sqs, dead) == (1, 0, 0)
    sqs.start_message_move_task(SourceArn=arn)
    assert depths(sqs, dead) == (0, 0, 0)
    [task] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    [again] = receive(sqs, url)
    assert (again["MessageId"], again["Attributes"]["ApproximateReceiveCount"]) == (sent, "1")


def test_a_fifo_group_waits_for_its_message_in_flight_and_others_do_not(sqs: Any) -> None:
    """Order within a group, several groups at once; after the deletion the group goes on where it was."""
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="groups.fifo", Attributes=fifo)["QueueUrl"]
    for body in ("a1", "b1", "a2", "b2", "a3"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0])
    [first] = receive(sqs, url, 1)
    assert first["Body"] == "a1"
    others = receive(sqs, url, 10)
    assert bodies(others) == ["b1", "b2"]
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["a2", "a3"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=others[0]["ReceiptHandle"], VisibilityTimeout=0)
    assert receive(sqs, url) == []  # b2 is still in flight: b1 must not be overtaken, nor run beside it
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=others[1]["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, url)) == ["b1", "b2"]


def test_a_repetition_is_answered_with_the_first_ones_ids_even_after_it_is_gone(sqs: Any) -> None:
    """Five minutes of deduplication do not end with the message; sequence numbers grow."""
    url = sqs.create_queue(QueueName="once.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def send(identifier: str) -> dict[str, Any]:
        answer: dict[str, Any] = sqs.send_message(
            QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=identifier
        )
        return answer

    first = send("one")
    [message] = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    again = send("one")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert receive(sqs, url) == []
    assert send("two")["SequenceNumber"] > first["SequenceNumber"]


def test_deduplication_by_group_lets_the_same_id_through_in_another(sqs: Any) -> None:
    """DeduplicationScope messageGroup."""
    attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    url = sqs.create_queue(QueueName="scoped.fifo", Attributes=attributes)["QueueUrl"]
    for group in ("a", "b", "a"):
        sqs.send_message(QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId="same")
    assert sorted(bodies(receive(sqs, url))) == ["a", "b"]


def test_purging_and_retention_make_messages_go(sqs: Any) -> None:
    """Nothing is left after a purge, whatever state it was in."""
    url = sqs.create_queue(QueueName="purged")["QueueUrl"]
    for body in "ab":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    receive(sqs, url, 1)
    sqs.purge_queue(QueueUrl=url)
    assert depths(sqs, url) == (0, 0, 0)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert bodies(receive(sqs, url)) == ["new"]


def test_a_receive_looks_at_what_it_gives_and_not_at_the_rest() -> None:
    """The work of a receive is counted: at a depth of 5,000 as many messages are touched as at a depth of 10."""
    from moto.sqs.models import Message

    def touched(depth: int) -> int:
        queue = IndexedQueue("counted", "eu-west-1", "123456789012")  # type: ignore[abstract]
        for number in range(depth):
            message = Message(str(number), "x")
            message.mark_sent()
            queue.put(message)
        pops = 0
        leaves = queue._leaves

        def count(entry: Any) -> bool:
            nonlocal pops
            pops += 1
            return leaves(entry)

        queue._leaves = count  # type: ignore[method-assign]
        assert len(queue.take(10, 30)) == 10
        return pops

    assert touched(10) == touched(5000) == 10
