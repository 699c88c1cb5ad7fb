"""What is known of a job: the states, and the value that callers and clients see."""

from __future__ import annotations

from typing import Any, NamedTuple

QUEUED = "queued"
RUNNING = "running"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
DEAD = "dead"

STATES = (QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, DEAD)
FINISHED = frozenset((SUCCEEDED, FAILED, CANCELLED, DEAD))
"""States that only a redrive leaves."""


class JobStatus(NamedTuple):
    """One job as its record has it. Times are seconds since the epoch; `progress` is 0 to 100.

    `max_attempts` is None until it is known: a worker declares it, and not every process that accepts jobs does.
    """

    id: str
    kind: str
    tenant: str
    state: str
    attempt: int
    max_attempts: int | None
    progress: int
    note: str
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    result: Any = None  # Any: JSON, what the job returned
    problem: dict[str, Any] | None = None  # Any: JSON, a problem document (RFC 9457)
    cancel_requested: bool = False

    @property
    def finished(self) -> bool:
        """Whether nothing will happen to it any more, unless it is redriven."""
        return self.state in FINISHED

    def document(self) -> dict[str, Any]:  # Any: JSON
        """The job as clients see it: `result` once it has succeeded, `problem` once it has failed or is dead."""
        members: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "status": self.state,
            "progress": self.progress,
            "note": self.note,
            "attempt": self.attempt,
            "max_attempts": self.max_attempts,
            "cancel_requested": self.cancel_requested,
            "created_at": instant(self.created_at),
            "started_at": None if self.started_at is None else instant(self.started_at),
            "finished_at": None if self.finished_at is None else instant(self.finished_at),
        }
        if self.state == SUCCEEDED:
            members["result"] = self.result
        elif self.state in (FAILED, DEAD) and self.problem is not None:
            members["problem"] = self.problem
        return members


def instant(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    import time

    milliseconds = round(seconds * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"
