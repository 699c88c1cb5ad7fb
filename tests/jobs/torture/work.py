"""The jobs, and the processes that perform them until they are killed."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from lanner.aws.errors import AwsError
from lanner.jobs import attempt, journal, record, sweep
from lanner.jobs.declaration import Registry
from lanner.jobs.errors import JobsUnavailable
from lanner.jobs.retry import Retry
from lanner.jobs.worker import Worker
from tests.jobs.deliveries import deliver, receive
from tests.jobs.effects import effect
from tests.jobs.torture.faults import lose_answers
from tests.jobs.torture.notes import note

LEASE = 2.0
HIDDEN = 2
BATCH = 4
SWEEP_EVERY = 2.0
RESEND_MS = 1_500
JOBS_TO_A_STOP = 40
QUICK = Retry(0.05, maximum=0.4)

REGISTRY = Registry()


def stand_still(number: int, attempt: int) -> None:
    """Stop this process in the middle of a first attempt, for some jobs; the nursery wakes it after its lease."""
    if number % JOBS_TO_A_STOP == 2 and attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)


@REGISTRY.job("plain.write", retry=QUICK, max_attempts=15, timeout=20)
def plain(payload: dict, context: Any) -> dict:
    note("attempts", f"{payload['n']} {context.attempt}")
    context.progress(50)
    context.finish_with([effect(f"done {payload['n']}")])
    stand_still(payload["n"], context.attempt)
    return {"n": payload["n"]}


@REGISTRY.job("chunks.write", retry=QUICK, max_attempts=15, timeout=20)
def chunks(payload: dict, context: Any) -> None:
    note("attempts", f"{payload['n']} {context.attempt}")
    for chunk in range(context.checkpoint or 0, 3):
        context.commit([effect(f"chunk {payload['n']} {chunk}")], checkpoint=chunk + 1)
        stand_still(payload["n"], context.attempt)
    context.finish_with([effect(f"done {payload['n']}")])


@REGISTRY.job("flaky.write", retry=QUICK, max_attempts=15, timeout=20)
def flaky(payload: dict, context: Any) -> None:
    note("attempts", f"{payload['n']} {context.attempt}")
    context.finish_with([effect(f"done {payload['n']}")])
    if context.attempt == 1:
        raise RuntimeError("the first attempt of this job always fails")


def kind_of(number: int) -> str:
    """One job in six has chunks, one in six fails first."""
    return "chunks.write" if number % 6 == 0 else "flaky.write" if number % 6 == 1 else "plain.write"


def hasten() -> None:
    """What waits a minute in production waits a moment here; in every process of the torture."""
    for module in (record, attempt, sweep):
        module.RESEND_AFTER_MS = RESEND_MS  # type: ignore[attr-defined]


def work() -> None:
    """Poll the queue and perform what comes; now and then sweep."""
    lose_answers()
    journal.to_stdout = note_outcome  # type: ignore[attr-defined]
    url = os.environ["LANNER_JOBS_QUEUE_URL"]
    performs = Worker(registry=REGISTRY, lease=LEASE)
    swept = 0.0
    while True:
        try:
            if time.monotonic() - swept > SWEEP_EVERY:
                performs.handle({"source": "aws.events"})
                swept = time.monotonic()
            messages = receive(url, hidden=HIDDEN, most=BATCH)
            if messages:
                deliver(performs, url, messages)
            else:
                time.sleep(0.05)
        except (AwsError, JobsUnavailable):
            continue


def note_outcome(line: bytes) -> None:
    """Keep who is finished: what limits the clients, and tells when it is over."""
    document = json.loads(line)
    if document["outcome"].removeprefix("already ") in ("succeeded", "dead", "failed"):
        note("finished", document["job_id"])
