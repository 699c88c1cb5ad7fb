"""SQS event source mappings: messages of the engine's queues become invocations.

One poller per mapping. It receives, filters (what does not match is deleted, as Lambda does), collects up to the
batch size within the batching window, and invokes; several batches at once up to the mapping's maximum concurrency.
A batch that succeeds is deleted, or all but its `batchItemFailures` where the mapping reports them; whatever fails
stays in the queue, so that the visibility timeout, the receive count and the redrive policy do the rest. An answer
to a reporting mapping that names an unknown id, or is not an answer of that shape, fails the whole batch
(docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).

A FIFO queue's groups are worked on at the same time, each in its order: the queue gives nothing of a group of which a
message is in flight. After the first failure in a group, what follows of that group in the batch is not deleted either,
also where the function does not report it: deleting it would overtake the failed one.

The engine applies requests one at a time, so the poller asks without waiting and pauses between, from
`PAUSE_SHORTEST` after work to `PAUSE_LONGEST` seconds when nothing comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lanner.aws.errors import AwsError
from lanner.local.engine_calls import EngineCalls
from lanner.local.event_pattern import PatternError, matches, parse_pattern
from lanner.local.invocation import InvocationResult, Invoker
from lanner.local.plan import CloudPlan, QueueSource

PAUSE_SHORTEST = 0.05
PAUSE_LONGEST = 0.25
PAUSE_AFTER_FAILURE = 2.0  # the queue does not exist (yet), or the engine is away

DEFAULT_CONCURRENCY = 5
"""Batches at once without MaximumConcurrency: where Lambda starts for a standard queue."""

_RECEIVE_AT_ONCE = 10  # SQS's own limit for ReceiveMessage and DeleteMessageBatch

Message = dict[str, Any]  # Any: SQS's own JSON


@dataclass(frozen=True)
class QueueMapping:
    """One event source mapping, resolved: the queue's URL and ARN besides what the template says."""

    function: str  # logical id
    source: QueueSource
    url: str
    arn: str

    @property
    def concurrency(self) -> int:
        """How many batches run at once."""
        return self.source.maximum_concurrency or DEFAULT_CONCURRENCY


def mappings(plan: CloudPlan, engine_url: str) -> list[QueueMapping]:
    """All event source mappings of a plan."""
    found = []
    for function in plan.functions.values():
        for source in function.queues:
            name = source.queue.rpartition(":")[2]
            url = plan.physical_ids.get(source.queue, "")
            if not url.startswith("http"):
                url = f"{engine_url}/{plan.account}/{url or name}"
            arn = f"arn:aws:sqs:{plan.region}:{plan.account}:{url.rpartition('/')[2]}"
            found.append(QueueMapping(function.logical_id, source, url, arn))
    return found


def record(message: Message, arn: str, region: str) -> dict[str, Any]:
    """One record of the event (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html) from a received message."""
    attributes = {}
    for name, given in (message.get("MessageAttributes") or {}).items():
        attribute = {"stringListValues": [], "binaryListValues": [], "dataType": given.get("DataType", "String")}
        if "StringValue" in given:
            attribute["stringValue"] = given["StringValue"]
        if "BinaryValue" in given:
            attribute["binaryValue"] = given["BinaryValue"]
        attributes[name] = attribute
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message.get("Body", ""),
        "attributes": message.get("Attributes") or {},
        "messageAttributes": attributes,
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }


def accepts(patterns: Sequence[dict[str, Any]], entry: Mapping[str, Any]) -> bool:
    """Whether a record passes the filters: any of them; a body that is JSON is matched as JSON."""
    if not patterns:
        return True
    event = dict(entry)
    with contextlib.suppress(ValueError):  # a pattern on a plain-text body compares the text
        event["body"] = json.loads(entry["body"])
    return any(matches(pattern, event) for pattern in patterns)


def done_ids(
    result: InvocationResult, ids: Sequence[str], reports_failures: bool, groups: Mapping[str, str] | None = None
) -> list[str]:
    """Which messages of a batch may be deleted after an invocation ended as `result`; `groups` in a FIFO queue."""
    if result.outcome != "ok":
        return []
    if not reports_failures:
        return list(ids)
    try:
        answer = json.loads(result.payload)
        failures = (answer or {}).get("batchItemFailures") or []
        failed = [failure["itemIdentifier"] for failure in failures]
    except (ValueError, AttributeError, KeyError, TypeError):
        return []
    if any(each not in ids for each in failed):
        return []
    groups = groups or {}
    done, held = [], set()
    for each in ids:
        group = groups.get(each)
        if each in failed:
            held.add(group)
        elif group is None or group not in held:
            done.append(each)
    return done


def groups_of(batch: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The message groups of a FIFO queue's records, by message id; empty for a standard queue."""
    return {
        each["messageId"]: each["attributes"]["MessageGroupId"]
        for each in batch
        if each["eventSourceARN"].endswith(".fifo") and "MessageGroupId" in each["attributes"]
    }


class QueuePollers:
    """Runs the mappings of the current plan. `environment` has the engine's endpoint, region and credentials."""

    def __init__(self, invoker: Invoker, environment: Mapping[str, str], problem: Callable[[str], None]) -> None:
        self._invoker = invoker
        self._problem = problem
        self._engine_url = environment["AWS_ENDPOINT_URL"]
        self._region = environment["AWS_REGION"]
        self._calls = EngineCalls(environment, "lanner-sqs")
        self._tasks: dict[QueueMapping, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Task[None]] = set()

    def update(self, plan: CloudPlan) -> None:
        """Poll for the mappings of `plan`; those that are unchanged go on undisturbed."""
        wanted = mappings(plan, self._engine_url)
        for mapping in [each for each in self._tasks if each not in wanted]:
            self._tasks.pop(mapping).cancel()
        for mapping in wanted:
            if mapping not in self._tasks:
                self._tasks[mapping] = asyncio.get_running_loop().create_task(self._poll(mapping))

    async def stop(self) -> None:
        """Stop polling; batches that run are abandoned, and their messages become visible again."""
        tasks = [*self._tasks.values(), *self._batches]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._calls.close()

    async def _poll(self, mapping: QueueMapping) -> None:
        try:
            patterns = [parse_pattern(text) for text in mapping.source.filters]
        except PatternError as error:
            self._problem(f"{mapping.function}: its queue is not polled: {error}")
            return
        room = asyncio.Semaphore(mapping.concurrency)
        pause = PAUSE_SHORTEST
        failing = ""
        while True:
            await room.acquire()
            try:
                batch = await self._collect(mapping, patterns)
                failing = ""
            except AwsError as error:
                batch = []
                if str(error) != failing:  # once, not twice a second
                    failing = str(error)
                    self._problem(f"{mapping.function}: cannot receive from {mapping.url}: {error}")
            if batch:
                pause = PAUSE_SHORTEST
                task = asyncio.get_running_loop().create_task(self._process(mapping, batch))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)
                task.add_done_callback(lambda _: room.release())
            else:
                room.release()
                await asyncio.sleep(PAUSE_AFTER_FAILURE if failing else pause)
                pause = min(PAUSE_LONGEST, pause * 1.5)

    async def _collect(self, mapping: QueueMapping, patterns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Records of one batch: until it is full, or the window after its first message has passed."""
        batch: list[dict[str, Any]] = []
        window_ends = 0.0
        size = max(1, mapping.source.batch_size)
        while True:
            received = await self._receive(mapping.url, min(_RECEIVE_AT_ONCE, size - len(batch)))
            records = [record(message, mapping.arn, self._region) for message in received]
            passed = [each for each in records if accepts(patterns, each)]
            await self._delete(mapping, [each for each in records if each not in passed])
            if passed and not batch:
                window_ends = time.monotonic() + mapping.source.batching_window
            batch += passed
            if len(batch) >= size or time.monotonic() >= window_ends:
                return batch
            if not received:
                await asyncio.sleep(min(PAUSE_SHORTEST, max(0.0, window_ends - time.monotonic())))

    async def _receive(self, url: str, count: int) -> list[Message]:
        payload = {
            "QueueUrl": url,
            "MaxNumberOfMessages": count,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            "WaitTimeSeconds": 0,
        }
        answer = await self._call("ReceiveMessage", payload)
        return list(answer.get("Messages") or [])

    async def _process(self, mapping: QueueMapping, batch: list[dict[str, Any]]) -> None:
        event = json.dumps({"Records": batch}).encode()
        try:
            result = await self._invoker.invoke(mapping.function, event)
        except KeyError:
            return  # a reload took the function away
        ids = [each["messageId"] for each in batch]
        done = done_ids(result, ids, mapping.source.report_batch_item_failures, groups_of(batch))
        try:
            await self._delete(mapping, [each for each in batch if each["messageId"] in done])
        except AwsError as error:
            self._problem(f"{mapping.function}: done messages stay in {mapping.url}: {error}")

    async def _delete(self, mapping: QueueMapping, records: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(records), _RECEIVE_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": each["receiptHandle"]}
                for number, each in enumerate(records[start : start + _RECEIVE_AT_ONCE])
            ]
            await self._call("DeleteMessageBatch", {"QueueUrl": mapping.url, "Entries": entries})

    async def _call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await self._calls("sqs", operation, payload)
