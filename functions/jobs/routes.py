"""The routes of jobs. What they do is `lanner.jobs.answers`, at the edge; here they are declared, for OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.openapi import NOT_FOUND, WRONG_PARAMETER, Responses, query_parameter
from jobs.models import Job, JobPage
from lanner.http.message import Request
from lanner.jobs import answers
from lanner.jobs.status import STATES
from lanner.pipeline.asgi import EdgeResponse, LannerRoute

router = APIRouter(route_class=LannerRoute, tags=["jobs"])

CANCELLING: Responses = {
    202: {"description": "It runs and was asked to stop", "model": Job},
    409: {"description": "It has finished"},
}


@router.get(
    "/jobs",
    summary="List jobs",
    response_model=JobPage,
    responses=WRONG_PARAMETER,
    openapi_extra={
        "parameters": [
            query_parameter(
                "limit",
                f"Jobs on a page; more than {answers.MAX_LIMIT} are not given",
                type="integer",
                minimum=1,
                default=answers.DEFAULT_LIMIT,
            ),
            query_parameter("cursor", "`next_cursor` of the page before, under the same filters"),
            query_parameter("status", "Only jobs in this state", enum=list(STATES)),
            query_parameter("kind", "Only jobs of this kind, for example report.build"),
        ]
    },
)
def list_jobs(request: Request) -> EdgeResponse:
    """The caller's jobs, newest first, page by page. Under a filter a page may be short, or empty, before the end."""
    return EdgeResponse(answers.page(request))


@router.get(
    "/jobs/{id}",
    summary="Read a job",
    response_model=Job,
    responses={**WRONG_PARAMETER, **NOT_FOUND},
)
def read_job(request: Request) -> EdgeResponse:
    """One job as of now; `Retry-After` says when to ask again while it has not finished."""
    return EdgeResponse(answers.read(request))


@router.delete(
    "/jobs/{id}",
    summary="Cancel a job",
    response_model=Job,
    responses={**WRONG_PARAMETER, **NOT_FOUND, **CANCELLING},
)
def cancel_job(request: Request) -> EdgeResponse:
    """Cancel a job: at once while it waits; one that runs is asked to stop, and stops at its next step."""
    return EdgeResponse(answers.cancel(request))
