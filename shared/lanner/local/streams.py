"""DynamoDB streams as event sources: changes of the engine's tables become invocations, in order.

One reader per mapping and one batch at a time, so that the order holds per item whatever the parallelization factor is.
A batch, once read, is worked on until it is done:

    read (filtered, window) -> invoke --ok, or failures reported from a record on--> what is left -> invoke ...
                                 |
                                 +--failed--> pause, invoke again; halved where the mapping bisects
                                                |
                                                +--too often, or too old--> discarded, the on-failure queue hears

Reporting mappings name sequence numbers; everything before the lowest is done, and the rest comes again. An answer that
names an unknown one fails the whole batch. A throttled invocation is tried again and counts as no attempt. Records that
are read twice after a lost iterator are not possible: the reader goes on after the last sequence number that it saw.
A reload goes on where the mapping was; a new start of the local cloud begins at the mapping's StartingPosition.

Source: docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, services-ddb-batchfailurereporting.html,
services-dynamodb-errors.html.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lanner.aws.errors import AwsError
from lanner.local.engine_calls import EngineCalls
from lanner.local.event_pattern import PatternError, matches, parse_pattern
from lanner.local.invocation import InvocationResult, Invoker
from lanner.local.plan import CloudPlan
from lanner.local.triggers import StreamSource

PAUSE_SHORTEST = 0.05  # seconds between two looks at a stream in which something happens
PAUSE_LONGEST = 0.25
PAUSE_AFTER_FAILURE = 2.0  # the table does not exist (yet), or the engine is away
RETRY_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a failed batch is tried again; the last for all further ones
_READ_AT_ONCE = 1000  # DynamoDB's own limit for GetRecords

Record = dict[str, Any]  # Any: DynamoDB's own JSON


@dataclass(frozen=True)
class StreamMapping:
    """One event source mapping: who gets what, and the function's ARN for the on-failure document."""

    function: str  # logical id
    function_arn: str
    source: StreamSource


def mappings(plan: CloudPlan) -> list[StreamMapping]:
    """All stream mappings of a plan."""
    prefix = f"arn:aws:lambda:{plan.region}:{plan.account}:function"
    return [
        StreamMapping(function.logical_id, f"{prefix}:{function.name}", source)
        for function in plan.functions.values()
        for source in function.streams
    ]


def event_record(record: Record, arn: str, region: str) -> Record:
    """A record as functions get it (docs.aws.amazon.com/lambda/latest/dg/with-ddb.html)."""
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": record["dynamodb"],
        "eventSourceARN": arn,
    }


def sequence(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def left_over(result: InvocationResult, batch: Sequence[Record], reports: bool) -> tuple[bool, Sequence[Record]]:
    """Whether an invocation counts as failed, and the records that are not done after it."""
    if result.outcome != "ok":
        return True, batch
    if not reports:
        return False, ()
    try:
        answer = json.loads(result.payload)
        failed = [each["itemIdentifier"] for each in (answer or {}).get("batchItemFailures") or []]
        numbers = [sequence(each) for each in batch]
        places = [numbers.index(each) for each in failed]
    except (ValueError, AttributeError, KeyError, TypeError):
        return True, batch
    return (True, batch[min(places) :]) if places else (False, ())


class StreamReaders:
    """Runs the stream mappings of the current plan. `environment` has the engine's endpoint, region and credentials."""

    def __init__(
        self,
        invoker: Invoker,
        environment: Mapping[str, str],
        problem: Callable[[str], None],
        *,
        retry_pauses: Sequence[float] = RETRY_PAUSES,
    ) -> None:
        self._invoker = invoker
        self._problem = problem
        self._region = environment["AWS_REGION"]
        self._call = EngineCalls(environment, "lanner-streams")
        self._retry_pauses = tuple(retry_pauses)
        self._tasks: dict[StreamMapping, asyncio.Task[None]] = {}

    def update(self, plan: CloudPlan) -> None:
        """Read for the mappings of `plan`; those that are unchanged go on undisturbed."""
        wanted = mappings(plan)
        for mapping in [each for each in self._tasks if each not in wanted]:
            self._tasks.pop(mapping).cancel()
        for mapping in wanted:
            if mapping not in self._tasks:
                self._tasks[mapping] = asyncio.get_running_loop().create_task(self._read_forever(mapping))

    async def stop(self) -> None:
        """Stop reading; a batch under way is abandoned."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._call.close()

    async def _read_forever(self, mapping: StreamMapping) -> None:
        try:
            patterns = [parse_pattern(text) for text in mapping.source.filters]
        except PatternError as error:
            self._problem(f"{mapping.function}: its stream is not read: {error}")
            return
        cursor = _Cursor(self._call, mapping.source)
        pause, failing = PAUSE_SHORTEST, ""
        while True:
            try:
                batch = await self._collect(cursor, mapping.source, patterns)
                failing = ""
            except AwsError as error:
                if str(error) != failing:  # once, not twice a second
                    failing = str(error)
                    self._problem(f"{mapping.function}: cannot read the stream of {mapping.source.table}: {error}")
                cursor.forget()
                await asyncio.sleep(PAUSE_AFTER_FAILURE)
                continue
            if batch:
                pause = PAUSE_SHORTEST
                if not await self._work(mapping, batch, cursor.shard):
                    return
            else:
                await asyncio.sleep(pause)
                pause = min(PAUSE_LONGEST, pause * 1.5)

    async def _collect(self, cursor: _Cursor, source: StreamSource, patterns: Sequence[dict[str, Any]]) -> list[Record]:
        """Records of one batch: until it is full, or the window after its first record has passed."""
        batch: list[Record] = []
        ends = 0.0
        while True:
            records = await cursor.read(min(_READ_AT_ONCE, source.batch_size - len(batch)))
            made = [event_record(each, source.arn, self._region) for each in records]
            batch += [each for each in made if not patterns or any(matches(one, each) for one in patterns)]
            if batch and not ends:
                ends = time.monotonic() + source.batching_window
            if len(batch) >= source.batch_size or time.monotonic() >= ends:
                return batch
            if not records:
                await asyncio.sleep(min(PAUSE_SHORTEST, max(0.0, ends - time.monotonic())))

    async def _work(self, mapping: StreamMapping, batch: Sequence[Record], shard: str) -> bool:
        """Invoke until everything is done or discarded; False when the function is gone."""
        source = mapping.source
        parts: list[tuple[Sequence[Record], int]] = [(batch, 0)]
        tries = 0
        while parts:
            part, attempts = parts.pop(0)
            young = [each for each in part if not _too_old(each, source.maximum_record_age)]
            if len(young) < len(part):
                await self._discard(mapping, part[: len(part) - len(young)], "RecordAgeExceeded", attempts, shard)
            if not young:
                continue
            try:
                result = await self._invoker.invoke(mapping.function, json.dumps({"Records": young}).encode())
            except KeyError:
                return False
            failed, rest = left_over(result, young, source.report_batch_item_failures)
            if not failed:
                tries = 0
                continue
            advanced = len(rest) < len(young)
            if source.bisect and not advanced and len(rest) > 1:
                half = len(rest) // 2  # splitting counts as no attempt, as AWS documents BisectBatchOnFunctionError
                parts[:0] = [(rest[:half], attempts), (rest[half:], attempts)]
            else:
                attempts = 0 if advanced else attempts + (result.outcome != "throttled")
                if source.maximum_retry_attempts is not None and attempts > source.maximum_retry_attempts:
                    await self._discard(mapping, rest, "RetryAttemptsExhausted", attempts, shard)
                    continue
                parts.insert(0, (rest, attempts))
            await asyncio.sleep(self._retry_pauses[min(tries, len(self._retry_pauses) - 1)])
            tries += 1
        return True

    async def _discard(
        self, mapping: StreamMapping, records: Sequence[Record], condition: str, attempts: int, shard: str
    ) -> None:
        where = f"{sequence(records[0])} to {sequence(records[-1])} of {mapping.source.table}"
        self._problem(f"{mapping.function}: records {where} are discarded: {condition}")
        if ":sqs:" not in mapping.source.on_failure:
            return
        account, name = mapping.source.on_failure.split(":")[4:6]
        document = _failure(mapping, records, condition, attempts, shard)
        try:
            payload = {"QueueUrl": f"/{account}/{name}", "MessageBody": json.dumps(document)}
            url = await self._call("sqs", "GetQueueUrl", {"QueueName": name})
            await self._call("sqs", "SendMessage", {**payload, "QueueUrl": url["QueueUrl"]})
        except AwsError as error:
            self._problem(f"{mapping.function}: {mapping.source.on_failure} did not get the discarded batch: {error}")


class _Cursor:
    """A place in a table's stream: an iterator while there is one, else the last sequence number that was seen."""

    def __init__(self, call: EngineCalls, source: StreamSource) -> None:
        self._call = call
        self._source = source
        self._iterator = ""
        self._arn = ""
        self._last = ""
        self.shard = ""

    def forget(self) -> None:
        """The iterator cannot be used any more; the next read makes another one."""
        self._iterator = ""

    async def read(self, count: int) -> list[Record]:
        """The next records, at most `count`; empty when nothing has happened. Raises `AwsError`."""
        if not self._iterator:
            await self._open()
        page = await self._call("streams", "GetRecords", {"ShardIterator": self._iterator, "Limit": max(1, count)})
        self._iterator = page.get("NextShardIterator") or ""
        records: list[Record] = page.get("Records") or []
        if records:
            self._last = sequence(records[-1])
        return records

    async def _open(self) -> None:
        table = (await self._call("dynamodb", "DescribeTable", {"TableName": self._source.table}))["Table"]
        arn = str(table.get("LatestStreamArn") or "")
        if not arn:
            raise AwsError(f"the table {self._source.table} has no stream: it needs a StreamSpecification")
        if arn != self._arn:
            self._arn, self._last = arn, ""  # the table is another one than before
        shards = (await self._call("streams", "DescribeStream", {"StreamArn": arn}))["StreamDescription"]["Shards"]
        self.shard = str(shards[-1]["ShardId"])
        request = {"StreamArn": arn, "ShardId": self.shard}
        if self._last:
            request |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last}
        else:
            request |= {"ShardIteratorType": "LATEST" if self._source.latest else "TRIM_HORIZON"}
        self._iterator = str((await self._call("streams", "GetShardIterator", request))["ShardIterator"])


def _created(record: Record) -> float:
    return float(record["dynamodb"].get("ApproximateCreationDateTime") or 0)


def _too_old(record: Record, maximum: int | None) -> bool:
    return maximum is not None and time.time() - _created(record) > maximum


def _failure(
    mapping: StreamMapping, records: Sequence[Record], condition: str, attempts: int, shard: str
) -> dict[str, Any]:
    """What an on-failure destination gets (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html)."""

    def moment(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return {
        "requestContext": {
            "requestId": records[0]["eventID"],
            "functionArn": mapping.function_arn,
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": moment(time.time()),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": sequence(records[0]),
            "endSequenceNumber": sequence(records[-1]),
            "approximateArrivalOfFirstRecord": moment(_created(records[0])),
            "approximateArrivalOfLastRecord": moment(_created(records[-1])),
            "batchSize": len(records),
            "streamArn": mapping.source.arn,
        },
    }
