"""Event source mappings against a real engine: what is delivered, deleted, kept, and moved to the dead letters."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from lanner.local.engine import Engine
from lanner.local.invocation import InvocationResult
from lanner.local.plan import CloudPlan, FunctionPlan, QueueSource
from lanner.local.queues import QueuePollers, done_ids, record

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def engine():
    started = Engine.start(services=("sqs",))
    yield started
    started.stop()


@pytest.fixture
def sqs(engine):
    client = boto3.client(
        "sqs", endpoint_url=engine.url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )
    yield client
    client.close()


def ok(payload: object = None) -> InvocationResult:
    return InvocationResult("ok", json.dumps(payload).encode(), "r")


class Worker:
    """An invoker that remembers the batches it got and answers by a function of the records."""

    def __init__(self, answer: Callable[[list[dict[str, Any]]], InvocationResult]) -> None:
        self._answer = answer
        self.batches: list[list[dict[str, Any]]] = []
        self.running = 0
        self.most_at_once = 0
        self.hold = 0.0

    async def invoke(self, function: str, event: bytes, **_: object) -> InvocationResult:
        records = json.loads(event)["Records"]
        self.batches.append(records)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(self.hold)
        self.running -= 1
        return self._answer(records)

    @property
    def bodies(self) -> list[str]:
        return [each["body"] for batch in self.batches for each in batch]


def poll(engine: Engine, url: str, worker: Worker, until: Callable[[], Any], **source: Any) -> list[str]:
    """Run the mapping until a condition holds; returns what it complained about."""
    queue = QueueSource(url.rpartition("/")[2], **source)
    function = FunctionPlan("Work", "s-Work", "a.b", "python3.13", Path(), queues=(queue,))
    plan = CloudPlan(
        Path("t.yaml"), "s", REGION, "123456789012", {"Work": function}, {}, physical_ids={queue.queue: url}
    )
    problems: list[str] = []

    async def scenario() -> None:
        pollers = QueuePollers(worker, engine.environment(plan), problems.append)
        pollers.update(plan)
        try:
            await _until(until)
        finally:
            await pollers.stop()

    asyncio.run(scenario())
    return problems


async def _until(condition: Callable[[], Any | Awaitable[Any]]) -> None:
    deadline = time.monotonic() + 15
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the condition did not come true within 15 seconds"
        await asyncio.sleep(0.02)


def depth(sqs: Any, url: str) -> int:
    """Messages that are visible or in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def test_a_message_arrives_as_lambdas_record_and_is_deleted_on_success(engine, sqs):
    """Every field of the documented record; the queue is empty afterwards."""
    url = sqs.create_queue(QueueName="shape")["QueueUrl"]
    attribute = {"kind": {"DataType": "String", "StringValue": "test"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="hällo", MessageAttributes=attribute)
    worker = Worker(lambda _: ok())
    assert poll(engine, url, worker, lambda: worker.batches and depth(sqs, url) == 0) == []
    [[entry]] = worker.batches
    assert entry["messageId"] == sent["MessageId"]
    assert entry["body"] == "hällo"
    assert entry["md5OfBody"] == sent["MD5OfMessageBody"]
    assert entry["eventSource"] == "aws:sqs"
    assert entry["eventSourceARN"] == "arn:aws:sqs:eu-west-1:123456789012:shape"
    assert entry["awsRegion"] == REGION
    assert entry["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(entry["attributes"])
    assert entry["messageAttributes"]["kind"] == {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
        "stringValue": "test",
    }
    assert entry["receiptHandle"]


def test_partial_failures_keep_only_the_failed_messages(engine, sqs):
    """Failed ones come again after the visibility timeout, with a higher receive count, until they succeed."""
    url = sqs.create_queue(QueueName="partial", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    for number in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def answer(records):
        failed = [
            {"itemIdentifier": each["messageId"]}
            for each in records
            if each["body"] == "2" and each["attributes"]["ApproximateReceiveCount"] == "1"
        ]
        return ok({"batchItemFailures": failed})

    worker = Worker(answer)
    poll(engine, url, worker, lambda: depth(sqs, url) == 0 and len(worker.bodies) >= 5, report_batch_item_failures=True)
    assert sorted(worker.bodies) == ["0", "1", "2", "2", "3"]


def test_a_failing_function_leaves_the_redrive_policy_to_work(engine, sqs):
    """After maxReceiveCount deliveries the message is among the dead letters."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": 2})
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": policy}
    url = sqs.create_queue(QueueName="failing", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    worker = Worker(lambda _: InvocationResult("error", b"{}", "r"))
    poll(engine, url, worker, lambda: depth(sqs, dead) == 1)
    assert worker.bodies == ["poison", "poison"]


def test_filters_deliver_what_matches_and_delete_the_rest(engine, sqs):
    """As Lambda does: a message that no filter wants is gone."""
    url = sqs.create_queue(QueueName="filtered")["QueueUrl"]
    for body in ('{"kind": "a"}', '{"kind": "b"}', "plain"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    worker = Worker(lambda _: ok())
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, filters=('{"body": {"kind": ["a"]}}',))
    assert worker.bodies == ['{"kind": "a"}']


def test_a_filter_that_is_not_understood_stops_the_mapping_and_says_so(engine, sqs):
    """Nothing is delivered that the filter might have held back."""
    url = sqs.create_queue(QueueName="badly-filtered")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    worker = Worker(lambda _: ok())
    problems = poll(engine, url, worker, lambda: True, filters=('{"body": [{"regex": "x"}]}',))
    assert worker.batches == []
    assert "regex" in problems[0]


def test_the_batching_window_collects_messages_into_one_batch(engine, sqs):
    """Fifteen messages, batch size 15, a window: one invocation although SQS gives ten at a time."""
    url = sqs.create_queue(QueueName="window")["QueueUrl"]
    for number in range(15):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    worker = Worker(lambda _: ok())
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, batch_size=15, batching_window=10)
    assert [len(batch) for batch in worker.batches] == [15]


def test_maximum_concurrency_bounds_the_batches_at_once(engine, sqs):
    """Two at once, not more, and everything is done."""
    url = sqs.create_queue(QueueName="bounded")["QueueUrl"]
    for number in range(8):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    worker = Worker(lambda _: ok())
    worker.hold = 0.1
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, batch_size=1, maximum_concurrency=2)
    assert worker.most_at_once == 2
    assert sorted(worker.bodies) == [str(number) for number in range(8)]


def test_a_fifo_queues_groups_run_at_once_and_each_in_its_order(engine, sqs):
    """Three groups of four, one message a batch: several groups at a time, never two messages of one group."""
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="lanes.fifo", Attributes=fifo)["QueueUrl"]
    for number in range(4):
        for group in "abc":
            sqs.send_message(QueueUrl=url, MessageBody=f"{group}{number}", MessageGroupId=group)
    worker = Worker(lambda _: ok())
    worker.hold = 0.05
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, batch_size=1, maximum_concurrency=3)
    for group in "abc":
        assert [body for body in worker.bodies if body[0] == group] == [f"{group}{number}" for number in range(4)]
    assert 1 < worker.most_at_once <= 3


def test_a_fifo_batch_stops_at_its_first_failure_for_that_group(engine, sqs):
    """What follows the failed one in its group comes again after it; the other group is done."""
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"}
    url = sqs.create_queue(QueueName="stops.fifo", Attributes=fifo)["QueueUrl"]
    for body in ("a1", "a2", "a3", "b1"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0])

    def answer(records):
        failed = [each for each in records if each["body"] == "a2" and len(worker.batches) == 1]
        return ok({"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in failed]})

    worker = Worker(answer)
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, report_batch_item_failures=True)
    assert worker.bodies == ["a1", "a2", "a3", "b1", "a2", "a3"]


def test_a_function_may_change_the_visibility_of_its_own_message(engine, sqs):
    """A failed message that was given a visibility of zero comes again at once, not after the queue's hours."""
    url = sqs.create_queue(QueueName="backoff", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")

    def answer(records):
        if len(worker.batches) > 1:
            return ok()
        [failed] = records
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=failed["receiptHandle"], VisibilityTimeout=0)
        return ok({"batchItemFailures": [{"itemIdentifier": failed["messageId"]}]})

    worker = Worker(answer)
    poll(engine, url, worker, lambda: depth(sqs, url) == 0, report_batch_item_failures=True)
    assert [records[0]["attributes"]["ApproximateReceiveCount"] for records in worker.batches] == ["1", "2"]


def test_a_queue_that_does_not_exist_is_reported_once(engine):
    """Not twice a second, and it stays quiet until something changes."""
    worker = Worker(lambda _: ok())
    seen: list[str] = []
    url = f"{engine.url}/123456789012/nowhere"
    deadline = time.monotonic() + 1
    seen = poll(engine, url, worker, lambda: time.monotonic() > deadline)
    assert len(seen) == 1
    assert "nowhere" in seen[0]


@pytest.mark.parametrize(
    ("result", "reports", "expected"),
    [
        (ok(), False, ["a", "b"]),
        (ok(), True, ["a", "b"]),
        (ok({"batchItemFailures": []}), True, ["a", "b"]),
        (ok({"batchItemFailures": None}), True, ["a", "b"]),
        (ok({"batchItemFailures": [{"itemIdentifier": "b"}]}), True, ["a"]),
        (ok({"batchItemFailures": [{"itemIdentifier": "b"}]}), False, ["a", "b"]),
        (ok({"batchItemFailures": [{"itemIdentifier": "unknown"}]}), True, []),
        (ok({"batchItemFailures": [{"itemIdentifier": ""}]}), True, []),
        (ok({"batchItemFailures": [{"wrong": "key"}]}), True, []),
        (ok({"batchItemFailures": "all"}), True, []),
        (ok(["no object"]), True, []),
        (InvocationResult("error", b"{}", "r"), True, []),
        (InvocationResult("timeout", b"{}", "r"), False, []),
        (InvocationResult("throttled", b"{}", "r"), False, []),
    ],
)
def test_which_messages_are_done(result, reports, expected):
    """Lambda's rules for answers of every shape."""
    assert done_ids(result, ["a", "b"], reports) == expected


def test_binary_attributes_keep_their_base64():
    """SQS's JSON carries bytes in base64, and so does the record."""
    message = {
        "MessageId": "m",
        "ReceiptHandle": "h",
        "MessageAttributes": {"blob": {"DataType": "Binary", "BinaryValue": "AAEC"}},
    }
    assert record(message, "arn", REGION)["messageAttributes"]["blob"]["binaryValue"] == "AAEC"
