"""The route of notifications. What it does is `domain.notifications`; here it is declared, for FastAPI and OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.notifications.answers import create
from domain.openapi import IDEMPOTENCY_KEY, IN_FLIGHT, PREFER, WRONG_BODY, request_body
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute
from notifications.models import NotificationJob, notification_schema

router = APIRouter(route_class=LannerRoute, tags=["notifications"])

LOCATION = {
    "Location": {"description": "The job's address", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"description": "Seconds until it is worth looking", "schema": {"type": "integer"}},
}


@router.post(
    "/notifications",
    summary="Send a notification",
    status_code=202,
    response_model=NotificationJob,
    response_description="Accepted: the job that sends it",
    responses={
        200: {"description": "Finished within the time that Prefer waits", "model": NotificationJob},
        202: {"headers": LOCATION},
        **WRONG_BODY,
        **IN_FLIGHT,
    },
    openapi_extra={
        "parameters": [{**IDEMPOTENCY_KEY, "required": True}, PREFER],
        "requestBody": request_body(notification_schema()),
    },
)
def create_notification(request: Request) -> EdgeResponse:
    """Accept a notification; a job sends it, and `Location` is where to look at that one."""
    return EdgeResponse(create(request))
