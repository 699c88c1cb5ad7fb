"""POST /notifications: 202 with the job that sends it.

The job has the key of the request's execution (`lanner.idempotency.execution`): an attempt that takes over from one
that died finds the job that the other accepted, so there is one job and one notification per Idempotency-Key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.bodies import read_document
from domain.notifications.jobs import SEND
from domain.notifications.requests import read_notification
from domain.queries import check_known
from domain.times import rfc3339
from lanner.clock import Clock, SystemClock
from lanner.idempotency.execution import execution_of
from lanner.jobs.answers import accepted
from lanner.jobs.producer import Producer

if TYPE_CHECKING:
    from lanner.http.message import Request, Response


def create(request: Request, clock: Clock | None = None) -> Response:
    """Accept a notification. Raises `Unprocessable` and what else is wrong with a body, and `JobsUnavailable`."""
    check_known(request)
    notification = read_notification(read_document(request))
    clock = clock or SystemClock()
    execution = execution_of(request)
    status = Producer(tenant=request.principal.id, clock=clock).enqueue(
        SEND,
        {"notification": notification.document(), "created_at": rfc3339(int(clock.now() * 1000))},
        key=None if execution is None else execution.job_key,
    )
    return accepted(request, status, clock=clock)
