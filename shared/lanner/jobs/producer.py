"""Accepting a job: its record is committed, alone or with what its caller writes, and then a message is sent.

A job is accepted when its record is committed. If the message cannot be sent afterwards, or the process dies before
it is, the sweep sends it: the record carries the time at which it is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.clock import Clock
    from lanner.jobs.status import JobStatus

TransactItem = "dict[str, Any]"


class Producer:
    """Accepts jobs of one tenant; `table` and `queue` (a URL) are LANNER_JOBS_TABLE and LANNER_JOBS_QUEUE_URL if None."""

    def __init__(
        self, *, tenant: str, table: str | None = None, queue: str | None = None, clock: Clock | None = None
    ) -> None:
        raise NotImplementedError

    def enqueue(
        self,
        kind: str,
        payload: Any = None,  # Any: a pydantic model's instance, or JSON
        *,
        key: str | None = None,
        delay: float = 0,
        with_items: Sequence[Mapping[str, Any]] = (),
    ) -> JobStatus:
        """Accept a job and give its status.

        `key`: the same kind and key of the same tenant are one job, for as long as its record lives; asking again
        gives the job that is there, in whatever state, and writes nothing (`with_items` neither).
        `delay`: seconds before it may start, without limit.
        `with_items`: entries of DynamoDB's TransactWriteItems, committed in the same transaction as the record (at
        most 99). Raises `ItemsRefused` where one of their conditions does not hold, `PayloadTooLarge`,
        `JobsUnavailable` (repeat with the same `key`).
        """
        raise NotImplementedError

    def status(self, job_id: str) -> JobStatus:
        """One job, as of now. Raises `UnknownJob`, `JobsUnavailable`."""
        raise NotImplementedError

    def cancel(self, job_id: str) -> JobStatus:
        """Cancel a queued job, or ask a running one to stop (`cancel_requested`); a cancelled one stays as it is.

        Raises `JobFinished`, `UnknownJob`, `JobsUnavailable`.
        """
        raise NotImplementedError
