"""Reports over HTTP: `POST` accepts a job, `GET` says what became of it and signs links to its files anew.

A report is its job: it has the job's id, and belongs to the principal who asked for it. Answers are kept by nobody.

A request with an Idempotency-Key gives its job the key of the execution: an attempt that takes over from one that died
finds the job that the other accepted (`lanner.idempotency.execution`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from domain.bodies import read_document
from domain.files.answers import HEADERS, prefix
from domain.queries import check_known
from domain.reports.requests import read_report_request
from lanner.clock import Clock, SystemClock
from lanner.http.message import Request, Response
from lanner.http.problems import NotFound
from lanner.idempotency.execution import execution_of
from lanner.jobs.answers import accepted
from lanner.jobs.errors import UnknownJob
from lanner.jobs.producer import Producer
from lanner.jobs.status import SUCCEEDED

if TYPE_CHECKING:
    from lanner.jobs.status import JobStatus

KIND = "report.build"
ABOUT = ("kind", "from", "to", "rows", "generated_at")


class ReportAnswers:
    """The operations on reports."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()

    def create(self, request: Request) -> Response:
        """POST: 202 with the job, and `Link` to the report; 422 for a kind or period that cannot be."""
        check_known(request)
        wanted = read_report_request(read_document(request), self._clock.now())
        execution = execution_of(request)
        key = None if execution is None else execution.job_key
        status = self._producer(request).enqueue(KIND, wanted.document(), key=key)
        response = accepted(request, status)
        response.headers["link"] = f'<{prefix(request)}/reports/{status.id}>; rel="related"'
        return response

    def read(self, request: Request, report_id: str) -> Response:
        """GET: 200, or 404."""
        check_known(request)
        try:
            status = self._producer(request).status(report_id)
        except UnknownJob:
            raise _unknown(report_id) from None
        if status.kind != KIND:
            raise _unknown(report_id)
        return Response(200, dict(HEADERS), orjson.dumps(self._document(request, status)))

    def _document(self, request: Request, status: JobStatus) -> dict[str, Any]:  # Any: JSON
        job = status.document()
        members = ("id", "status", "progress", "created_at", "started_at", "finished_at")
        done = status.state == SUCCEEDED
        return {
            **{name: job[name] for name in members},
            "job": f"{prefix(request)}/jobs/{status.id}",
            "about": {name: status.result[name] for name in ABOUT} if done else None,
            "problem": job.get("problem"),
            "results": self._links(status.id) if done else [],
        }

    def _links(self, report_id: str) -> list[dict[str, Any]]:  # Any: JSON
        from domain.reports.jobs import links

        return links(report_id, self._clock)

    def _producer(self, request: Request) -> Producer:
        return Producer(tenant=request.principal.id, clock=self._clock)


def _unknown(report_id: str) -> NotFound:
    return NotFound(f"There is no report {report_id[:60]!r}")
