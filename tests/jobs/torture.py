"""Workers and a client that are killed at random: run as a program by test_kill.py, one process that only forks.

A client process accepts jobs through a `Producer`, again and again with the same key until it has an answer. Worker
processes poll the queue. Every process reaches AWS through `Faulty`, which loses answers. The nursery kills a random
one with SIGKILL, starts another in its place, and goes on until every job is accepted and finished.

Outside the code's reach, files that are only appended to say who asked for what (before), what was acknowledged
(after) and which attempt started; the effects are counted in DynamoDB. The last line printed is the ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lanner.aws import wire
from lanner.aws.errors import AwsError, AwsUnavailable
from lanner.jobs import attempt, journal, producer, record, sweep, worker
from lanner.jobs.declaration import Registry
from lanner.jobs.errors import JobsUnavailable
from lanner.jobs.retry import Retry
from tests.jobs.deliveries import deliver, receive
from tests.jobs.effects import effect, performed

TENANT = "torture"
LEASE = 2.0
RESEND_MS = 1_500
HIDDEN = 2
IN_FLIGHT = 40  # messages in the queue at once
LOST_ANSWERS = 0.02
QUICK = Retry(0.05, maximum=0.4)

REGISTRY = Registry()
LEDGER = Path()


def note(name: str, text: str) -> None:
    """Append a line in one write: a kill leaves it whole or not there."""
    handle = os.open(LEDGER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{text}\n".encode())
    os.close(handle)


def lines(name: str) -> list[str]:
    file = LEDGER / name
    return file.read_text().splitlines() if file.exists() else []


@REGISTRY.job("plain.write", retry=QUICK, max_attempts=15, timeout=20)
def plain(payload: dict, context: Any) -> dict:
    note("attempts", f"{payload['n']} {context.attempt}")
    context.progress(50)
    context.finish_with([effect(f"done {payload['n']}")])
    return {"n": payload["n"]}


@REGISTRY.job("chunks.write", retry=QUICK, max_attempts=15, timeout=20)
def chunks(payload: dict, context: Any) -> None:
    note("attempts", f"{payload['n']} {context.attempt}")
    for chunk in range(context.checkpoint or 0, 3):
        context.commit([effect(f"chunk {payload['n']} {chunk}")], checkpoint=chunk + 1)
    context.finish_with([effect(f"done {payload['n']}")])


@REGISTRY.job("flaky.write", retry=QUICK, max_attempts=15, timeout=20)
def flaky(payload: dict, context: Any) -> None:
    note("attempts", f"{payload['n']} {context.attempt}")
    context.finish_with([effect(f"done {payload['n']}")])
    if context.attempt == 1:
        raise RuntimeError("the first attempt of this job always fails")


def kind_of(number: int) -> str:
    return "chunks.write" if number % 6 == 0 else "flaky.write" if number % 6 == 1 else "plain.write"


class Faulty:
    """A client whose answers get lost: the caller hears nothing of what was done, or the wire does it twice."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        answer = self._inner.call(operation, payload, **{**options, "budget_ms": 20_000})
        luck = random.random()
        if luck < LOST_ANSWERS / 2:
            raise AwsUnavailable("the answer was lost", outcome_unknown=True)
        if luck < LOST_ANSWERS and options.get("idempotent"):
            return self._inner.call(operation, payload, **options)
        return answer


def made_faulty() -> None:
    """From here on this process loses answers."""
    random.seed()
    clients = {"dynamodb": Faulty(wire.dynamodb()), "sqs": Faulty(wire.sqs())}
    wire.dynamodb = lambda: clients["dynamodb"]  # type: ignore[assignment,return-value]
    wire.sqs = lambda: clients["sqs"]  # type: ignore[assignment,return-value]


def client(jobs: int) -> None:
    """Accept every job that is not acknowledged yet, with few of them unfinished at once."""
    made_faulty()
    accepts = producer.Producer(tenant=TENANT)
    acknowledged = {int(line.split()[0]) for line in lines("acknowledged")}
    for number in range(jobs):
        if number in acknowledged:
            continue
        while number - len(set(lines("finished"))) > IN_FLIGHT:
            time.sleep(0.02)
        note("asked", str(number))
        while True:
            try:
                status = accepts.enqueue(
                    kind_of(number), {"n": number}, key=str(number), with_items=[effect(f"asked {number}")]
                )
            except JobsUnavailable:
                continue
            note("acknowledged", f"{number} {status.id}")
            break


def work() -> None:
    """Poll the queue and perform what comes; now and then sweep."""
    made_faulty()
    journal.to_stdout = note_outcome  # type: ignore[attr-defined]
    url = os.environ["LANNER_JOBS_QUEUE_URL"]
    performs = worker.Worker(registry=REGISTRY, lease=LEASE)
    swept = 0.0
    while True:
        try:
            if time.monotonic() - swept > 2.0:
                performs.handle({"source": "aws.events"})
                swept = time.monotonic()
            messages = receive(url, hidden=HIDDEN, most=4)
            if messages:
                deliver(performs, url, messages)
            else:
                time.sleep(0.05)
        except (AwsError, JobsUnavailable):
            continue


def note_outcome(line: bytes) -> None:
    """Keep who is finished: what limits the client, and tells when it is over."""
    document = json.loads(line)
    if document["outcome"].removeprefix("already ") in ("succeeded", "dead", "failed"):
        note("finished", document["job_id"])


def fork(role: Any, *arguments: Any) -> int:
    child = os.fork()
    if child:
        return child
    try:
        role(*arguments)
        os._exit(0)
    except BaseException as error:
        print(f"{role.__name__}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def run(jobs: int, kills: int, workers: int, seed: int, limit: float) -> dict[str, Any]:
    """Torture, and the ledger afterwards."""
    luck = random.Random(seed)
    asking = fork(client, jobs)
    working = [fork(work) for _ in range(workers)]
    killed, started, asked_all = 0, time.monotonic(), False
    try:
        while time.monotonic() - started < limit:
            finished = len(set(lines("finished")))
            if not asked_all and os.waitpid(asking, os.WNOHANG)[0]:
                asked_all = len({line.split()[0] for line in lines("acknowledged")}) == jobs
                asking = 0 if asked_all else fork(client, jobs)
            if asked_all and finished >= jobs and killed >= kills:
                break
            # Kills are spread over the jobs: so many for so many that are finished.
            if killed < kills and (finished + 1) * kills >= (killed + 1) * jobs * 0.9:
                victim = luck.randrange(workers + (0 if asked_all else 1))
                target = asking if victim == workers else working[victim]
                time.sleep(luck.random() * 0.05)
                os.kill(target, signal.SIGKILL)
                killed += 1
                if victim < workers:
                    os.waitpid(target, 0)
                    working[victim] = fork(work)
            time.sleep(0.01)
    finally:
        for each in [*working, *([asking] if asking else [])]:
            os.kill(each, signal.SIGKILL)
    return {"killed": killed, "seconds": round(time.monotonic() - started, 1), **ledger()}


def ledger() -> dict[str, Any]:
    """What was asked for, acknowledged and done: the sums that have to be equal, and those that have to be 0."""
    asked = {int(line) for line in lines("asked")}
    acknowledged = {int(line.split()[0]) for line in lines("acknowledged")}
    counted = performed()
    done = {int(name.split()[1]): count for name, count in counted.items() if name.startswith("done")}
    expected = {f"done {number}" for number in asked} | {f"asked {number}" for number in asked}
    expected |= {f"chunk {n} {chunk}" for n in asked if kind_of(n) == "chunks.write" for chunk in range(3)}
    attempts = Counter(line.split()[0] for line in lines("attempts"))
    incomplete = [name for name in expected if int(name.split()[1]) in acknowledged and not counted.get(name)]
    return {
        "asked": len(asked),
        "acknowledged": len(acknowledged),
        "effects": sum(done.values()),
        "attempts": sum(attempts.values()),
        "lost": len(incomplete),
        "twice": sum(1 for count in counted.values() if count > 1),
        "unexpected": len(set(counted) - expected),
        "lost_names": sorted(incomplete)[:10],
    }


def main() -> None:
    global LEDGER
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120.0)
    parser.add_argument("--ledger", type=Path)
    arguments = parser.parse_args()
    LEDGER = arguments.ledger
    for module in (record, attempt, sweep):
        module.RESEND_AFTER_MS = RESEND_MS  # type: ignore[attr-defined]
    print(json.dumps(run(arguments.jobs, arguments.kills, arguments.workers, arguments.seed, arguments.limit)))


if __name__ == "__main__":
    main()
