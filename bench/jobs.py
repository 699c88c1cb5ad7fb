"""Jobs: what one costs in requests, counted, and in CPU and time, beside Powertools, Celery and RQ.

`python -m bench.jobs`. Each side is a program of its own (`bench/peers/jobs/`) that accepts the same number of jobs,
one effect each, and performs them one at a time; they take turns within one run. DynamoDB and SQS are one engine on
loopback, whose own CPU is told apart: moto's, not AWS's. Redis is a real server.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.measure import ROOT
from bench.peers.jobs import JOBS, WARM
from bench.peers.jobs.engine import PAGE
from lanner.aws import wire
from lanner.jobs.declaration import Registry
from lanner.jobs.producer import Producer
from lanner.jobs.worker import Worker
from tests.conftest import IDEMPOTENCY_DEFINITION, JOBS_DEFINITION, create_queue, create_table
from tests.jobs.deliveries import event_of, receive
from tests.jobs.effects import DEFINITION, TABLE, effect

ROUNDS = 3
OURS = "lanner.jobs"
SIDES: dict[str, tuple[tuple[str, ...], str]] = {
    OURS: (("lanner_jobs",), "tried again: once"),
    "Powertools Batch + Idempotency": (("powertools",), "tried again: twice, where it falls between the two writes"),
    "Celery, SQS, acks late": (("celery_sqs",), "tried again: twice, where it falls before the acknowledgement"),
    "RQ, forking worker": (("rq_redis",), "marked failed, not tried again: once or not at all"),
    "RQ, SimpleWorker": (("rq_redis", "simple"), "marked failed, not tried again: once or not at all"),
}
"""Program and arguments; what becomes of a job and its effect when the worker is killed."""

GIVES_UP_S = 180.0


class Side(NamedTuple):
    """Milliseconds a job, medians of rounds; `asked` are requests a job."""

    accept_cpu: float
    perform_cpu: float
    perform_wall: float
    engine_cpu: float
    asked: dict[str, float]


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


def measure(url: str, redis_port: int | None) -> dict[str, Side]:
    """Every side, in turns."""
    rounds: dict[str, list[Side]] = {name: [] for name in SIDES if redis_port or not name.startswith("RQ")}
    for _ in range(ROUNDS):
        for name, each in rounds.items():
            each.append(one_round(url, SIDES[name][0], redis_port, f"{'-'.join(SIDES[name][0])}-{len(each)}"))
    return {name: _median(each) for name, each in rounds.items()}


def one_round(url: str, program: tuple[str, ...], redis_port: int | None, queue: str) -> Side:
    """One run of one program, with a queue of its own. Raises `CalledProcessError`, `TimeoutExpired`."""
    environment = {**os.environ, "LANNER_JOBS_QUEUE_URL": create_queue(queue), "BENCH_REDIS_PORT": str(redis_port)}
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT / "shared"), str(ROOT)))
    before = _engine(url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"bench.peers.jobs.{program[0]}", str(file), *program[1:]]
        subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=GIVES_UP_S,
        )
        found = json.loads(file.read_text())
    after, jobs = _engine(url), WARM + JOBS
    asked = Counter(after["asked"]) - Counter(before["asked"])
    engine_cpu = (after["cpu_s"] - before["cpu_s"]) * 1000 / jobs
    each = {name: number / jobs for name, number in asked.items()}
    return Side(found["accept_cpu"], found["perform_cpu"], found["perform_wall"], engine_cpu, each)


def _engine(url: str) -> Any:  # Any: JSON
    with urllib.request.urlopen(url + PAGE, timeout=GIVES_UP_S) as answer:
        return json.load(answer)


def _median(rounds: list[Side]) -> Side:
    return Side(
        statistics.median(each.accept_cpu for each in rounds),
        statistics.median(each.perform_cpu for each in rounds),
        statistics.median(each.perform_wall for each in rounds),
        statistics.median(each.engine_cpu for each in rounds),
        rounds[-1].asked,
    )


def jobs() -> list[str]:
    """The section: requests of a job's life, then the sides beside each other."""
    settings = {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "LANNER_JOBS_TABLE": "jobs",
    }
    before = dict(os.environ)
    with engine() as url, redis() as redis_port:
        os.environ.update(settings, AWS_ENDPOINT_URL=url)
        wire.reset()
        try:
            create_table("jobs", JOBS_DEFINITION)
            create_table(TABLE, DEFINITION)
            create_table("idempotency", IDEMPOTENCY_DEFINITION)
            queue = os.environ["LANNER_JOBS_QUEUE_URL"] = create_queue("jobs")
            os.environ["LANNER_JOBS_DEAD_LETTER_QUEUE_URL"] = create_queue("dead-letters")
            with silent():
                costs = {name: counted(life) for name, life in lives(queue).items()}
            sides = measure(url, redis_port)
        finally:
            os.environ.clear()
            os.environ.update(before)
            wire.reset()
    return [*cost_table(costs), "", *time_table(sides), "", *asked_table(sides), ""]


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Standard output, as a file descriptor, goes nowhere: the worker writes a line for each message."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """The URL of an engine that counts."""
    command = [sys.executable, "-m", "bench.peers.jobs.engine", "--port", "0", "--services", "dynamodb,sqs"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "shared"), str(ROOT)))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        process.stdout.readline()  # ready
        try:
            yield url
        finally:
            process.terminate()


@contextlib.contextmanager
def redis() -> Iterator[int | None]:
    """The port of a Redis that keeps nothing, or None where there is no redis-server."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


def cost_table(costs: dict[str, Counter[str]]) -> list[str]:
    """Requests of one job, from accepting it to its end."""
    operations = sorted({name for each in costs.values() for name in each})
    lines = ["| requests of one job | " + " | ".join(operations) + " |", "|---|" + "---:|" * len(operations)]
    for what, counts in costs.items():
        lines.append(f"| {what} | " + " | ".join(str(counts[name]) for name in operations) + " |")
    return lines


def time_table(sides: dict[str, Side]) -> list[str]:
    """Accepting and performing one job with one effect, and the ratios to ours."""
    ours = sides[OURS]
    lines = [
        "| one job, one effect | accept, CPU ms | perform, CPU ms | ours as 1 | perform, wall ms | ours as 1 "
        "| jobs a second | engine's CPU ms | when its worker is killed |",
        "|---|" + "---:|" * 7 + "---|",
    ]
    for name, side in sides.items():
        lines.append(
            f"| {name} | {side.accept_cpu:.2f} | {side.perform_cpu:.2f} | {side.perform_cpu / ours.perform_cpu:.2f} "
            f"| {side.perform_wall:.1f} | {side.perform_wall / ours.perform_wall:.2f} | {1000 / side.perform_wall:.0f} "
            f"| {side.engine_cpu:.2f} | {SIDES[name][1]} |"
        )
    note = "The engine's CPU is moto's, for the whole life of a job, and part of the wall time; Redis' is not in it."
    return [*lines, "", note] + ([] if any(name.startswith("RQ") for name in sides) else ["RQ: no redis-server here."])


def asked_table(sides: dict[str, Side]) -> list[str]:
    """Requests to DynamoDB and SQS a job, the poller's with them; what is asked once per process is left out."""
    found = {name for side in sides.values() for name, number in side.asked.items() if number >= 0.05}
    lines = [
        "| requests a job, as the engine counted | " + " | ".join(sorted(found)) + " | all |",
        "|---|" + "---:|" * (len(found) + 1),
    ]
    for name, side in sides.items():
        numbers = [side.asked.get(operation, 0.0) for operation in sorted(found)]
        lines.append(f"| {name} | " + " | ".join(f"{number:.2f}" for number in (*numbers, sum(numbers))) + " |")
    return lines


if __name__ == "__main__":
    print("\n".join(jobs()))
