"""What requests about jobs are answered: 202 for accepted work (RFC 9110 section 15.3.3, RFC 7240)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lanner.clock import Clock
    from lanner.http.message import Request, Response
    from lanner.jobs.status import JobStatus


def accepted(request: Request, status: JobStatus, *, clock: Clock | None = None) -> Response:
    """202 with `Location` of the job's resource in the request's version, `Retry-After` and the job's document.

    `Prefer: wait=n` (RFC 7240 section 4.3) waits up to n seconds, as far as the invocation's time allows, for the job
    to finish, and then answers 200 with its document; `Preference-Applied` says what was honoured.
    """
    raise NotImplementedError
