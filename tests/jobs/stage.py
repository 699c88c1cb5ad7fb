"""One queue, one table and a clock that is moved: where scenarios of a job's life are played.

The stage keeps every message that it received and that is not deleted, and delivers it again whenever it is told to: a
visibility timeout that ends, without waiting for one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import Any

from lanner.aws import wire
from lanner.clock import ManualClock
from lanner.jobs.declaration import Registry
from lanner.jobs.producer import Producer
from lanner.jobs.retry import Retry
from lanner.jobs.status import JobStatus
from lanner.jobs.worker import Worker
from tests.conftest import scan
from tests.jobs.deliveries import deliver, receive
from tests.jobs.effects import effect
from tests.jobs.tap import Tap

LEASE = 10.0
AT_ONCE = Retry(0.0, maximum=0.0)
FOREVER = 43_000


class Stage:
    """An empty table and empty queues: a scenario must not meet what another one left to be swept."""

    def __init__(self, tap: Tap, monkeypatch: Any) -> None:
        self.clock = ManualClock(1_800_000_000)
        self.tap = tap
        self.tenant = uuid.uuid4().hex
        self.registry = Registry()
        self.producer = Producer(tenant=self.tenant, clock=self.clock)
        self.worker = self.another_worker()
        self.url = os.environ["LANNER_JOBS_QUEUE_URL"]
        self.dead_letters = os.environ["LANNER_JOBS_DEAD_LETTER_QUEUE_URL"]
        self.kept: dict[str, dict[str, Any]] = {}
        self.ran = 0
        tap.disarm()
        tap.revive()
        for url in (self.url, self.dead_letters):
            wire.sqs().call("PurgeQueue", {"QueueUrl": url}, idempotent=True)
        table = os.environ["LANNER_JOBS_TABLE"]
        for item in scan(table):
            wire.dynamodb().call("DeleteItem", {"TableName": table, "Key": {"pk": item["pk"]}}, idempotent=True)
        tap.install(monkeypatch.setattr)
        monkeypatch.setattr("lanner.jobs.worker.write_line", lambda *line: None)

    def another_worker(self, registry: Registry | None = None) -> Worker:
        return Worker(registry=registry or self.registry, clock=self.clock, lease=LEASE, random=lambda: 0.0)

    def declare(self, function: Callable[[Any, Any], Any], *, max_attempts: int = 5, timeout: float = 100_000) -> None:
        """Make `function` the job `stage.job`; `ran` counts its runs."""

        def counted(payload: dict, context: Any) -> Any:
            self.ran += 1
            return function(payload, context)

        self.registry.job("stage.job", retry=AT_ONCE, max_attempts=max_attempts, timeout=timeout)(counted)

    def enqueue(self, **options: Any) -> JobStatus:
        return self.producer.enqueue("stage.job", {}, **options)

    def effect(self, name: str) -> dict[str, Any]:
        return effect(f"{self.tenant} {name}")

    def count(self, name: str) -> int:
        """How often an effect of this stage was performed."""
        key = {"pk": {"S": f"{self.tenant} {name}"}}
        asked = {"TableName": effect("")["Update"]["TableName"], "Key": key, "ConsistentRead": True}
        item = wire.dynamodb().call("GetItem", asked).get("Item")
        return 0 if item is None else int(item["performed"]["N"])

    def collect(self) -> list[dict[str, Any]]:
        """Every message that is in the queue or in flight."""
        while found := receive(self.url, hidden=FOREVER):
            self.kept.update({each["MessageId"]: each for each in found})
        return list(self.kept.values())

    def deliver(self, worker: Worker | None = None, messages: list[dict[str, Any]] | None = None) -> None:
        """Every message, in one batch; what was done is forgotten."""
        batch = self.collect() if messages is None else messages
        if batch:
            stays = {each["MessageId"] for each in deliver(worker or self.worker, self.url, batch)}
            for each in batch:
                if each["MessageId"] not in stays:
                    self.kept.pop(each["MessageId"], None)

    def sweep(self) -> int:
        sent = self.worker.handle({"source": "aws.events"})["sent"]
        assert isinstance(sent, int)
        return sent

    def given_up(self) -> int:
        """Messages in the dead-letter queue."""
        asked = {"QueueUrl": self.dead_letters, "AttributeNames": ["ApproximateNumberOfMessages"]}
        return int(wire.sqs().call("GetQueueAttributes", asked)["Attributes"]["ApproximateNumberOfMessages"])

    def status(self, job_id: str) -> JobStatus:
        return self.producer.status(job_id)

    def later(self) -> None:
        """Past every lease and the first time at which something is sent again; not past an invocation's 15 minutes."""
        self.clock.advance(300)

    def settle(self, job_id: str) -> JobStatus:
        """Let time pass, sweep and deliver until the job is finished."""
        for _ in range(6):
            self.deliver()
            status = self.status(job_id)
            if status.finished:
                return status
            self.later()
            self.sweep()
        return self.status(job_id)
