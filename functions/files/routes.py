"""The routes of files. What they do is `domain.files`; here they are declared, for FastAPI and for OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.files.answers import FileAnswers
from domain.openapi import IDEMPOTENCY_KEY, IN_FLIGHT, NOT_FOUND, WRONG_BODY, request_body
from files.models import File, FileWrite
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute

router = APIRouter(route_class=LannerRoute, tags=["files"])
answers = FileAnswers()


@router.post(
    "/files",
    summary="Announce a file",
    status_code=201,
    response_model=File,
    responses={**WRONG_BODY, **IN_FLIGHT},
    openapi_extra={"parameters": [IDEMPOTENCY_KEY], "requestBody": request_body(FileWrite.model_json_schema())},
)
def create_file(request: Request) -> EdgeResponse:
    """A form to upload the file with, straight to S3. What arrives there is processed by a job."""
    return EdgeResponse(answers.create(request))


@router.get(
    "/files/{id}",
    summary="Read what became of a file",
    response_model=File,
    responses=NOT_FOUND,
)
def read_file(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """State, size, type and checksum, the job, and links to results."""
    return EdgeResponse(answers.read(request, id))
