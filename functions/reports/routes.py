"""The routes of reports. What they do is `domain.reports`; here they are declared, for FastAPI and for OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.openapi import IDEMPOTENCY_KEY, IN_FLIGHT, NOT_FOUND, PREFER, WRONG_BODY, request_body
from domain.reports.answers import ReportAnswers
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute
from reports.models import AcceptedReport, Report, ReportWrite

router = APIRouter(route_class=LannerRoute, tags=["reports"])
answers = ReportAnswers()


@router.post(
    "/reports",
    summary="Have a report made",
    status_code=202,
    response_model=AcceptedReport,
    responses={
        200: {"description": "Made within the time that Prefer waits", "model": AcceptedReport},
        **WRONG_BODY,
        **IN_FLIGHT,
    },
    openapi_extra={
        "parameters": [IDEMPOTENCY_KEY, PREFER],
        "requestBody": request_body(ReportWrite.model_json_schema()),
    },
)
def create_report(request: Request) -> EdgeResponse:
    """A job that makes the report; `Location` is the job's address, `Link` names the report's."""
    return EdgeResponse(answers.create(request))


@router.get(
    "/reports/{id}",
    summary="Read a report",
    response_model=Report,
    responses=NOT_FOUND,
)
def read_report(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """How far it is, and links to its files once it is made."""
    return EdgeResponse(answers.read(request, id))
