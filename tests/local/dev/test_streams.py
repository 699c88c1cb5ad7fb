"""Stream mappings against a real engine: order, retries, halving, reported failures, and what is discarded."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lanner.local.engine import Engine
from lanner.local.invocation import InvocationResult
from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.streams import StreamReaders, left_over
from lanner.local.triggers import StreamSource

REGION = "eu-west-1"
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/{}/stream/2026-01-01T00:00:00.000"
Answer = Callable[[list[str]], InvocationResult]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    started = Engine.start(services=("dynamodb", "sqs"))
    yield started
    started.stop()


def client(engine: Engine, service: str) -> Any:
    session: Any = boto3.session.Session("a", "b", region_name=REGION)
    return session.client(service, endpoint_url=engine.url)


def table(engine: Engine, name: str, items: str) -> None:
    """A table with a stream, and one item per letter."""
    dynamodb = client(engine, "dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    for item in items:
        dynamodb.put_item(TableName=name, Item={"id": {"S": item}})


class Worker:
    """An invoker that remembers the items of each batch and answers by a function of them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.batches: list[str] = []
        self.numbers: dict[str, str] = {}

    async def invoke(self, function: str, event: bytes, **_: object) -> InvocationResult:
        assert function == "Work"
        records = json.loads(event)["Records"]
        ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in records]
        self.numbers |= {each: record["dynamodb"]["SequenceNumber"] for each, record in zip(ids, records, strict=True)}
        self.batches.append("".join(ids))
        return self._answer(ids)


def ok(payload: object = None) -> InvocationResult:
    return InvocationResult("ok", json.dumps(payload).encode(), "r")


FAILED = InvocationResult("error", b"{}", "r")


def read(engine: Engine, name: str, worker: Worker, until: Callable[[], bool], **source: Any) -> list[str]:
    """Run the mapping until a condition holds; returns what it complained about."""
    mapping = StreamSource(name, ARN.format(name), **source)
    function = FunctionPlan("Work", "s-Work", "a.b", "python3.13", Path(), streams=(mapping,))
    plan = CloudPlan(Path("t.yaml"), "s", REGION, "123456789012", {"Work": function}, {})
    problems: list[str] = []

    async def scenario() -> None:
        readers = StreamReaders(worker, engine.environment(plan), problems.append, retry_pauses=(0.0,))
        readers.update(plan)
        deadline = time.monotonic() + 15
        while not await asyncio.to_thread(until):
            assert time.monotonic() < deadline, (worker.batches, problems)
            await asyncio.sleep(0.02)
        await readers.stop()

    asyncio.run(scenario())
    return problems


def test_batches_have_the_mappings_size_and_the_streams_order(engine: Engine) -> None:
    """Five changes in batches of two."""
    table(engine, "sized", "abcde")
    worker = Worker(lambda _: ok())
    assert read(engine, "sized", worker, lambda: "".join(worker.batches) == "abcde", batch_size=2) == []
    assert worker.batches == ["ab", "cd", "e"]


def test_latest_begins_with_what_comes_after_the_start(engine: Engine) -> None:
    """What was there before is not delivered."""
    table(engine, "latest", "ab")
    worker = Worker(lambda _: ok())
    dynamodb = client(engine, "dynamodb")
    written = iter(range(1000))

    def written_and_seen() -> bool:
        dynamodb.put_item(TableName="latest", Item={"id": {"S": f"<{next(written)}>"}})
        return bool(worker.batches)

    read(engine, "latest", worker, written_and_seen, latest=True)
    assert "a" not in worker.batches[0]
    assert "b" not in worker.batches[0]


def test_a_failed_batch_comes_again_before_anything_later(engine: Engine) -> None:
    """The order holds: the same batch until it succeeds."""
    table(engine, "again", "abcd")
    worker = Worker(lambda _: FAILED if len(worker.batches) < 3 else ok())
    read(engine, "again", worker, lambda: worker.batches[-1:] == ["cd"], batch_size=2)
    assert worker.batches == ["ab", "ab", "ab", "cd"]


def test_bisecting_finds_the_bad_record_and_discards_it_alone(engine: Engine) -> None:
    """Splitting counts as no attempt; the on-failure queue hears which record it was."""
    table(engine, "halved", "abcd")
    sqs = client(engine, "sqs")
    url = sqs.create_queue(QueueName="discarded")["QueueUrl"]
    worker = Worker(lambda ids: FAILED if "c" in ids else ok())
    problems = read(
        engine,
        "halved",
        worker,
        lambda: worker.batches[-1:] == ["d"],
        batch_size=4,
        bisect=True,
        maximum_retry_attempts=1,
        on_failure=f"arn:aws:sqs:{REGION}:123456789012:discarded",
    )
    assert worker.batches == ["abcd", "ab", "cd", "c", "c", "d"]
    assert len(problems) == 1
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    document = json.loads(message["Body"])
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["functionArn"].endswith(":function:s-Work")
    place = document["DDBStreamBatchInfo"]
    assert place["startSequenceNumber"] == place["endSequenceNumber"] == worker.numbers["c"]
    assert (place["batchSize"], place["streamArn"]) == (1, ARN.format("halved"))


def test_reported_failures_bring_back_the_rest_from_the_first_of_them(engine: Engine) -> None:
    """What is before it is done; what is after it comes again, in order."""
    table(engine, "reported", "abcd")

    def answer(ids: list[str]) -> InvocationResult:
        if len(worker.batches) > 1:
            return ok({"batchItemFailures": []})
        failures = [{"itemIdentifier": worker.numbers[each]} for each in ("c", "b")]
        return ok({"batchItemFailures": failures})

    worker = Worker(answer)
    read(engine, "reported", worker, lambda: len(worker.batches) == 2, report_batch_item_failures=True)
    assert worker.batches == ["abcd", "bcd"]


def test_filters_hold_records_back(engine: Engine) -> None:
    """A pattern on the new image."""
    table(engine, "filtered", "abc")
    worker = Worker(lambda _: ok())
    pattern = '{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"id": {"S": ["b"]}}}}'
    read(engine, "filtered", worker, lambda: bool(worker.batches), filters=(pattern,))
    assert worker.batches == ["b"]


def test_a_table_without_a_stream_is_said_once(engine: Engine) -> None:
    """With the table's name and what it needs."""
    worker = Worker(lambda _: ok())
    client(engine, "dynamodb").create_table(
        TableName="dry",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    ends = time.monotonic() + 0.5
    [problem] = read(engine, "dry", worker, lambda: time.monotonic() > ends)
    assert "dry has no stream" in problem


@pytest.mark.parametrize("payload", [["no object"], {"batchItemFailures": [{"itemIdentifier": "9"}]}, "text"])
def test_an_answer_that_names_nothing_known_fails_the_whole_batch(payload: object) -> None:
    """As AWS documents it."""
    batch = [{"dynamodb": {"SequenceNumber": "1"}}]
    assert left_over(ok(payload), batch, True) == (True, batch)
    assert left_over(ok(payload), batch, False) == (False, ())
