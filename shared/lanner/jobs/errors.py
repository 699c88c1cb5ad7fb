"""What jobs raise: one tree for callers, one for what stops an attempt.

JobsError
├── JobsUnavailable      the storage did not answer (also an `ApiError`: 503 with Retry-After)
├── UnknownJob           no record under that tenant and id
├── JobFinished          it can no longer be cancelled; `.status`
├── NotRedrivable        it is neither dead nor failed; `.status`
├── ItemsRefused         a condition in the caller's items did not hold, nothing was written; `.reasons`
├── PayloadTooLarge      payload, result or checkpoint is above its limit
└── JobDeclarationError  the declaration of a job, or a name that refers to one, cannot work
JobFailed                raised by a job: it fails for good, with a problem for its client
JobStopped               raised by the context: this attempt has to end; let it through
├── JobCancelled         somebody asked for it
├── JobTimedOut          the job's timeout or the function's deadline has come; it is tried again
└── AttemptLost          another attempt holds the job; nothing of this one is written any more
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.http.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.aws.errors import CancellationReason
    from lanner.jobs.status import JobStatus

RETRY_AFTER = 1
"""Seconds that a client waits when the storage did not answer; its own backoff does the rest."""


class JobsError(Exception):
    """Anything that callers of jobs have to know of."""


class JobsUnavailable(JobsError, Unavailable):
    """DynamoDB does not answer or is busy; what was asked for may be repeated."""

    def __init__(self, detail: str = "The job storage does not answer; try again shortly") -> None:
        Unavailable.__init__(self, detail, retry_after=RETRY_AFTER)


class UnknownJob(JobsError):
    """There is no such job of this tenant."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id} of this tenant")


class JobFinished(JobsError):
    """The job is finished; `status` is its record."""

    def __init__(self, status: JobStatus) -> None:
        super().__init__(f"the job {status.id} is {status.state}")
        self.status = status


class NotRedrivable(JobFinished):
    """Only dead and failed jobs are put back; `status` is the record."""


class ItemsRefused(JobsError):
    """A transaction was refused for the caller's items; `reasons` are in their order."""

    def __init__(self, reasons: Sequence[CancellationReason]) -> None:
        super().__init__(f"refused: {', '.join(reason.code for reason in reasons)}")
        self.reasons = tuple(reasons)


class PayloadTooLarge(JobsError):
    """What is to be stored in the record is above its limit: put it into S3 and store where it is."""


class JobDeclarationError(JobsError):
    """A job is declared wrongly or twice, or a kind is not declared where it should be."""


class JobFailed(Exception):
    """Raise it in a job to fail for good. `problem` becomes the job's problem document (RFC 9457).

    Give a sentence for the client, or the members of a problem document; `status` is the one a request would have
    been answered with.
    """

    def __init__(self, problem: str | Mapping[str, Any], *, status: int = 422, slug: str = "job-failed") -> None:
        given: Mapping[str, Any] = {"detail": problem} if isinstance(problem, str) else problem
        base = {"type": f"/problems/{slug}", "title": "The job failed", "status": status}
        self.problem: dict[str, Any] = {**base, **given}  # Any: JSON
        super().__init__(str(self.problem.get("detail") or self.problem["title"]))


class JobStopped(Exception):
    """This attempt has to end. Clean up and let it through; every later call of the context raises it again."""


class JobCancelled(JobStopped):
    """A client asked for the job to be cancelled."""


class JobTimedOut(JobStopped):
    """The job's timeout is over, or the function has to end soon."""


class AttemptLost(JobStopped):
    """The lease of this attempt ended and another one has taken the job."""
