"""The Lambda side: batches of messages from SQS, and the sweep on a schedule.

WORKER = Worker(modules=("domain.reports.jobs", "domain.mail.jobs"))
lambda_handler = WORKER.handler()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.clock import Clock
    from lanner.jobs.declaration import Registry


class Worker:
    """Runs jobs of every tenant. `modules` declare them and are imported by the first message."""

    def __init__(
        self,
        modules: Sequence[str] = (),
        *,
        registry: Registry | None = None,
        table: str | None = None,
        queue: str | None = None,
        dead_letter_queue: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        raise NotImplementedError

    def handler(self) -> Callable[[Any, Any], Any]:  # Any: Lambda's own event, context and answer
        """The Lambda handler, for SQS batches (partial batch responses) and EventBridge's schedule (the sweep)."""
        raise NotImplementedError
