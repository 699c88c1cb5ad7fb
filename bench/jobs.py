"""Jobs: what one costs in requests, counted on the wire, and in CPU, against Powertools Batch with Idempotency.

`python -m bench.jobs`. Both sides perform the same jobs, one effect each, in batches of ten from an engine on loopback,
in turns within one run; the CPU is that of this process, the engine's is not in it.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from lanner.aws import wire
from lanner.jobs.declaration import Registry
from lanner.jobs.producer import Producer
from lanner.jobs.worker import Worker
from lanner.local.engine import Engine
from tests.conftest import IDEMPOTENCY_DEFINITION, JOBS_DEFINITION, create_queue, create_table
from tests.jobs.deliveries import event_of, receive
from tests.jobs.effects import DEFINITION, TABLE, effect

ROUNDS = 15
BATCH = 10
READS = frozenset({"GetItem", "Query", "BatchGetItem"})


class Counting:
    """A client that counts what it is asked."""

    def __init__(self, inner: Any, counts: Counter[str]) -> None:
        self._inner, self._counts = inner, counts

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        self._counts[operation] += 1
        return self._inner.call(operation, payload, **{**options, "budget_ms": 20_000})


def counted(life: Callable[[], None]) -> Counter[str]:
    """The requests of one life of a job; what Lambda's poller does is not among them."""
    counts: Counter[str] = Counter()
    before = wire.dynamodb, wire.sqs
    clients = {"dynamodb": Counting(wire.dynamodb(), counts), "sqs": Counting(wire.sqs(), counts)}
    wire.dynamodb = lambda: clients["dynamodb"]  # type: ignore[assignment,return-value]
    wire.sqs = lambda: clients["sqs"]  # type: ignore[assignment,return-value]
    try:
        life()
    finally:
        wire.dynamodb, wire.sqs = before
    return +Counter({name: number for name, number in counts.items() if name != "ReceiveMessage"})


def lives(url: str) -> dict[str, Callable[[], None]]:
    """Jobs by what happens to them."""
    registry = Registry()
    registry.job("bench.plain")(lambda payload, context: None)
    registry.job("bench.effect")(lambda payload, context: context.finish_with([effect("bench")]))

    @registry.job("bench.chunks")
    def chunks(payload: dict[str, Any], context: Any) -> None:
        for chunk in range(3):
            context.commit([effect(f"chunk {chunk}")], checkpoint=chunk)

    worker, producer = Worker(registry=registry), Producer(tenant="bench")

    def life(kind: str, times: int = 1) -> Callable[[], None]:
        def run() -> None:
            producer.enqueue(kind, {})
            messages = receive(url, hidden=60)
            for _ in range(times):
                worker.handle(event_of(messages))

        return run

    return {
        "no effect in our tables": life("bench.plain"),
        "one effect, with succeeded": life("bench.effect"),
        "three chunks": life("bench.chunks"),
        "one effect, delivered twice": life("bench.effect", 2),
    }


def powertools_batch() -> Callable[[list[dict[str, Any]]], object]:
    """The peer: Batch, and Idempotency with DynamoDB around the record's handler."""
    import boto3
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    client = boto3.client("dynamodb")
    layer = DynamoDBPersistenceLayer(table_name="idempotency", key_attr="pk", boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath="messageId")

    @idempotent_function(data_keyword_argument="record", persistence_store=layer, config=config)  # type: ignore[untyped-decorator]
    def perform(record: dict[str, Any]) -> None:
        update = effect("bench")["Update"]
        client.update_item(**update)

    def handle(messages: list[dict[str, Any]]) -> object:
        return process_partial_response(
            event=event_of(messages),
            record_handler=lambda record: perform(record=record.raw_event),
            processor=BatchProcessor(event_type=EventType.SQS),
            context=None,
        )

    return handle


def overhead(url: str) -> dict[str, tuple[float, float]]:
    """CPU and wall milliseconds a job, medians over batches in turns."""
    registry = Registry()
    registry.job("bench.effect")(lambda payload, context: context.finish_with([effect("bench")]))
    worker, producer = Worker(registry=registry), Producer(tenant="bench")
    sides: dict[str, Callable[[list[dict[str, Any]]], object]] = {
        "lanner.jobs": lambda messages: worker.handle(event_of(messages)),
        "Powertools Batch + Idempotency": powertools_batch(),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(ROUNDS + 1):
        for name, handle in sides.items():
            for _ in range(BATCH):
                producer.enqueue("bench.effect", {})
            messages = receive(url, hidden=600)
            cpu, wall = time.process_time(), time.perf_counter()
            handle(messages)
            took = (time.process_time() - cpu) * 1000 / BATCH, (time.perf_counter() - wall) * 1000 / BATCH
            if number:  # the first batch imports
                found[name].append(took)
    return {
        name: (statistics.median(cpu for cpu, _ in each), statistics.median(wall for _, wall in each))
        for name, each in found.items()
    }


def jobs() -> list[str]:
    """The section: requests a job, CPU a job."""
    engine = Engine.start(["dynamodb", "sqs"])
    settings = {
        "AWS_ENDPOINT_URL": engine.url,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "LANNER_JOBS_TABLE": "jobs",
    }
    before = dict(os.environ)
    os.environ.update(settings)
    wire.reset()
    try:
        create_table("jobs", JOBS_DEFINITION)
        create_table(TABLE, DEFINITION)
        create_table("idempotency", IDEMPOTENCY_DEFINITION)
        url = os.environ["LANNER_JOBS_QUEUE_URL"] = create_queue("jobs")
        os.environ["LANNER_JOBS_DEAD_LETTER_QUEUE_URL"] = create_queue("dead-letters")
        return [*cost_table({name: counted(life) for name, life in lives(url).items()}), "", *cpu_table(overhead(url))]
    finally:
        os.environ.clear()
        os.environ.update(before)
        wire.reset()
        engine.stop()


def cost_table(costs: dict[str, Counter[str]]) -> list[str]:
    """Requests of one job, from accepting it to its end."""
    operations = sorted({name for each in costs.values() for name in each})
    lines = ["| requests of one job | " + " | ".join(operations) + " |", "|---|" + "---:|" * len(operations)]
    for what, counts in costs.items():
        lines.append(f"| {what} | " + " | ".join(str(counts[name]) for name in operations) + " |")
    return lines


def cpu_table(times: dict[str, tuple[float, float]]) -> list[str]:
    """CPU and wall time of performing one job, and the ratio to ours."""
    ours = times["lanner.jobs"][0]
    lines = ["| performing one job | CPU ms | wall ms | jobs a second | CPU, ours as 1 |", "|---|---:|---:|---:|---:|"]
    for name, (cpu, wall) in times.items():
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {1000 / wall:.0f} | {cpu / ours:.2f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(jobs()))
