"""The worker of every kind of job. `MODULES` declare them; they are imported by the first message.

Its schedules: the sweep, whose event says nothing, and warming, whose event names the kind of the job to accept.
"""

from __future__ import annotations

from typing import Any

from domain.caching import TENANT
from lanner.clock import SystemClock
from lanner.jobs.worker import Worker

MODULES: tuple[str, ...] = (
    "domain.mail.jobs",
    "domain.notifications.jobs",
    "domain.files.jobs",
    "domain.reports.jobs",
    "domain.rendering.jobs",
)
SCHEDULED = ("cache.warm",)
"""Kinds of jobs that a schedule's event may name."""

WORKER = Worker(modules=MODULES)


def lambda_handler(event: Any, context: Any) -> Any:  # Any: Lambda's own event, context and answer
    """A batch of messages, the sweep, or a job that it is time for."""
    kind = event.get("job")
    if kind is None:
        return WORKER.handle(event, context)
    if kind not in SCHEDULED:
        raise ValueError(f"no job {kind!r} is scheduled; known are {', '.join(SCHEDULED)}")
    from lanner.jobs.producer import Producer

    # EventBridge may deliver an event twice: one job for a minute.
    status = Producer(tenant=TENANT).enqueue(kind, {}, key=str(int(SystemClock.now() // 60)))
    return {"job": status.id}
