"""The routes of users in v1. What they do is `domain.users`; here they are declared, for FastAPI and for OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from domain.merge_patch import MEDIA_TYPE as MERGE_PATCH
from domain.openapi import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    NOT_FOUND,
    STALE,
    TAKEN,
    TAKEN_OR_IN_FLIGHT,
    UNCHANGED,
    WRONG_BODY,
    WRONG_PARAMETER,
    query_parameter,
    request_body,
)
from domain.users import v1
from domain.users.answers import UserAnswers
from domain.users.pages import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, list_v1
from domain.users.service import Users
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute
from users_v1.models import User, UserPage, UserPatch, UserWrite

router = APIRouter(route_class=LannerRoute, tags=["users"])
answers = UserAnswers(v1, Users(), selectable=False)


@router.get(
    "/users",
    summary="List users",
    response_model=UserPage,
    responses=WRONG_PARAMETER,
    openapi_extra={
        "parameters": [
            query_parameter(
                "limit",
                f"Users on a page; more than {MAX_LIMIT} are not given",
                type="integer",
                minimum=1,
                default=DEFAULT_LIMIT,
            ),
            query_parameter(
                "offset",
                f"Users to skip, at most {MAX_OFFSET}",
                type="integer",
                minimum=0,
                maximum=MAX_OFFSET,
                default=0,
            ),
        ]
    },
)
def list_users(request: Request) -> EdgeResponse:
    """Users in the order of their creation, page by page. A page links to the first, the previous and the next."""
    return EdgeResponse(list_v1(request))


@router.post(
    "/users",
    summary="Create a user",
    status_code=201,
    response_model=User,
    responses={**WRONG_BODY, **TAKEN_OR_IN_FLIGHT},
    openapi_extra={"parameters": [IDEMPOTENCY_KEY], "requestBody": request_body(UserWrite.model_json_schema())},
)
def create_user(request: Request) -> EdgeResponse:
    """A new user; `Location` is its address."""
    return EdgeResponse(answers.create(request))


@router.get(
    "/users/{id}",
    summary="Read a user",
    response_model=User,
    responses={**UNCHANGED, **WRONG_PARAMETER, **NOT_FOUND},
)
def read_user(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """One user, with a strong ETag."""
    return EdgeResponse(answers.read(request, id))


@router.put(
    "/users/{id}",
    summary="Replace a user",
    response_model=User,
    responses={**WRONG_BODY, **TAKEN, **NOT_FOUND, **STALE},
    openapi_extra={"parameters": [IF_MATCH], "requestBody": request_body(UserWrite.model_json_schema())},
)
def replace_user(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """Put a whole user in the place of another. Takes what GET gives."""
    return EdgeResponse(answers.replace(request, id))


@router.patch(
    "/users/{id}",
    summary="Change a user",
    response_model=User,
    responses={**WRONG_BODY, **TAKEN, **NOT_FOUND, **STALE},
    openapi_extra={"parameters": [IF_MATCH], "requestBody": request_body(UserPatch.model_json_schema(), MERGE_PATCH)},
)
def change_user(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """Change some members with a JSON Merge Patch."""
    return EdgeResponse(answers.patch(request, id))


@router.delete(
    "/users/{id}",
    summary="Delete a user",
    status_code=204,
    responses={**NOT_FOUND, **STALE},
    openapi_extra={"parameters": [IF_MATCH]},
)
def delete_user(id: str, request: Request) -> EdgeResponse:  # noqa: A002 (the name in the path)
    """Remove a user; the e-mail address is free again."""
    return EdgeResponse(answers.delete(request, id))
