"""The Lambda side: batches of messages from SQS, and the sweep on a schedule.

    WORKER = Worker(modules=("domain.reports.jobs", "domain.mail.jobs"))
    lambda_handler = WORKER.handler()

A batch is answered with the ids of the messages that stay in the queue (Powertools Batch, partial responses): those of
a failed attempt, hidden for their backoff, and those that this invocation has no time for. Nothing a message says or a
job does fails its neighbours.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from lanner.clock import SystemClock
from lanner.jobs.dead_letter import DeadLetterQueue
from lanner.jobs.declaration import JOBS, Registry
from lanner.jobs.execution import Execution, Outcome
from lanner.jobs.journal import write_line
from lanner.jobs.queue import JobQueue
from lanner.jobs.sweep import sweep
from lanner.jobs.table import JobTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.clock import Clock

SWEEP_LIMIT = 500
"""Jobs that one sweep sends again; what is left is due in the next minute too."""

OUTSIDE_LAMBDA = 900.0
"""Seconds that an invocation without a context has: Lambda's own limit."""


class MessageStays(Exception):
    """Tells Powertools that a message stays in the queue; the message says why."""


class Worker:
    """Runs jobs of every tenant. `modules` declare them and are imported by the first message.

    `table` is a name, `queue` and `dead_letter_queue` are URLs; from the environment where None (LANNER_JOBS_TABLE,
    LANNER_JOBS_QUEUE_URL, LANNER_JOBS_DEAD_LETTER_QUEUE_URL). `registry`: other declarations than those of `job`.
    `lease`: seconds of a lease; the job's timeout and a little more, at most two minutes, where None.
    """

    def __init__(
        self,
        modules: Sequence[str] = (),
        *,
        registry: Registry | None = None,
        table: str | None = None,
        queue: str | None = None,
        dead_letter_queue: str | None = None,
        clock: Clock | None = None,
        lease: float | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.registry = registry if registry is not None else Registry(modules, shared=JOBS)
        self._clock: Clock = clock or SystemClock()
        self._table = JobTable(self._clock, table)
        self._queue = JobQueue(queue)
        self._execution = Execution(
            self.registry,
            self._table,
            self._queue,
            DeadLetterQueue(dead_letter_queue),
            clock=self._clock,
            random=random,
            lease=lease,
        )

    def handler(self) -> Callable[[Any, Any], Any]:  # Any: Lambda's own event, context and answer
        """The Lambda handler, for SQS batches (partial batch responses) and EventBridge's schedule (the sweep)."""
        return self.handle

    def handle(self, event: Any, context: Any = None) -> Any:  # Any: Lambda's own
        """One invocation: a batch, or the sweep for an event without records."""
        if "Records" not in event:
            return {"sent": sweep(self._table, self._queue, SWEEP_LIMIT)}
        if not event["Records"]:  # nobody's batch: a deployment asks whether everything loads
            self.registry.load()
            return {"batchItemFailures": []}
        return self._batch(event, context)

    def _batch(self, event: Any, context: Any) -> Any:
        from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

        remaining = getattr(context, "get_remaining_time_in_millis", None)
        seconds = OUTSIDE_LAMBDA if remaining is None else remaining() / 1000
        deadline = self._clock.monotonic() + seconds
        handled = 0

        def one(record: Any) -> None:
            nonlocal handled
            handled += 1
            outcome = self._one(record.raw_event, deadline, first=handled == 1)
            if outcome.wait is not None:
                raise MessageStays(outcome.what)

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event=event, record_handler=one, processor=processor, context=context)

    def _one(self, record: dict[str, Any], deadline: float, *, first: bool) -> Outcome:
        started = self._clock.monotonic()
        body, receipt = str(record.get("body", "")), str(record.get("receiptHandle", ""))
        outcome = self._execution.perform(body, receipt, deadline, first=first)
        if outcome.wait is not None:
            self._queue.hide(receipt, outcome.wait)
        write_line(body, outcome, self._clock.monotonic() - started, self._clock.now())
        return outcome
