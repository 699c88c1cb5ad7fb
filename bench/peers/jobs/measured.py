"""What the four programs share: the effect, and one measurement, written to a file."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.peers.jobs import JOBS, WARM
from tests.jobs.effects import effect


class Measured:
    """CPU and wall milliseconds a job, of accepting and of performing; children that have ended are counted."""

    def __init__(self) -> None:
        self._file = Path(sys.argv[1])
        self._found: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        self._cpu, self._wall = cpu(), time.perf_counter()

    def stop(self, what: str, jobs: int = JOBS) -> None:
        self.add(what, (cpu() - self._cpu) / jobs, (time.perf_counter() - self._wall) / jobs)

    def add(self, what: str, cpu_s: float, wall_s: float) -> None:
        self._found[f"{what}_cpu"], self._found[f"{what}_wall"] = cpu_s * 1000, wall_s * 1000

    def accept(self, one: Callable[[], object], more: int = 0) -> None:
        """Accept every job; the first ones warm up."""
        for number in range(WARM + JOBS + more):
            if number == WARM:
                self.start()
            one()
        self.stop("accept", JOBS + more)

    def write(self) -> None:
        self._file.write_text(json.dumps(self._found))


def cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def boto_effect() -> Callable[[], object]:
    """The effect as somebody with boto3 writes it."""
    import boto3

    client: Any = boto3.client("dynamodb")  # Any: boto3 has no types
    update = effect("bench")["Update"]
    return lambda: client.update_item(**update)


def queue_url() -> str:
    return os.environ["LANNER_JOBS_QUEUE_URL"]


def drain(measured: Measured, handle: Callable[[list[dict[str, Any]]], object]) -> None:
    """Lambda's poller: batches of ten to `handle`, deleted afterwards. The CPU counted is the function's alone."""
    from lanner.aws import wire
    from tests.jobs.deliveries import receive

    url, done, used, wall = queue_url(), 0, 0.0, 0.0
    while done < WARM + JOBS:
        began = time.perf_counter()
        messages = receive(url, hidden=600)
        started = cpu()
        handle(messages)
        spent = cpu() - started
        entries = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(messages)]
        wire.sqs().call("DeleteMessageBatch", {"QueueUrl": url, "Entries": entries}, budget_ms=20_000)
        if done >= WARM:
            used, wall = used + spent, wall + time.perf_counter() - began
        done += len(messages)
    measured.add("perform", used / JOBS, wall / JOBS)
