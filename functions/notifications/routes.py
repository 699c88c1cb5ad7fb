"""The route of notifications. What it does is `domain.notifications`; here it is declared, for FastAPI and OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.notifications.answers import create
from domain.openapi import WRONG_BODY, request_body
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute
from notifications.models import NotificationJob, notification_schema

router = APIRouter(route_class=LannerRoute, tags=["notifications"])

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A string in double quotes that is new for each request, and the same when it is sent again",
    "schema": {"type": "string", "minLength": 1},
    "example": '"0f0e5a4c-55a2-4bd3-a1f5-1cfd09f0a0e1"',
}
LOCATION = {
    "Location": {"description": "The job's address", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"description": "Seconds until it is worth looking", "schema": {"type": "integer"}},
}


@router.post(
    "/notifications",
    operation_id="createNotification",
    summary="Send a notification",
    status_code=202,
    response_model=NotificationJob,
    response_description="Accepted: the job that sends it",
    responses={
        202: {"headers": LOCATION},
        **WRONG_BODY,
        409: {"description": "A request with this key is being performed: send it again after Retry-After"},
    },
    openapi_extra={"parameters": [IDEMPOTENCY_KEY], "requestBody": request_body(notification_schema())},
)
def create_notification(request: Request) -> EdgeResponse:
    """Accept a notification; a job sends it, and `Location` is where to look at that one."""
    return EdgeResponse(create(request))
