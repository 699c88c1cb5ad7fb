"""The routes of users in v2. What they do is `domain.users`; here they are declared, for FastAPI and for OpenAPI."""

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
from domain.users import v2
from domain.users.answers import UserAnswers
from domain.users.edge import statistics
from domain.users.pages import DEFAULT_LIMIT, MAX_LIMIT, list_v2
from domain.users.service import Users
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute
from users_v2.models import User, UserPage, UserPatch, UserStatistics, UserWrite

router = APIRouter(route_class=LannerRoute, tags=["users"])
answers = UserAnswers(v2, Users(), selectable=True)


FIELDS = query_parameter("fields", "Only these members, separated by commas, for example id,email")


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
            query_parameter("cursor", "`next_cursor` of the page before, under the same filters"),
            query_parameter("email", "Only the user with this address", format="email"),
            query_parameter("created_after", "Only users created after this moment", format="date-time"),
            FIELDS,
        ]
    },
)
def list_users(request: Request) -> EdgeResponse:
    """Users in the order of their creation, page by page. A page links to the first, the previous and the next."""
    return EdgeResponse(list_v2(request))


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
    "/users/statistics",
    summary="Numbers over all users",
    response_model=UserStatistics,
    responses={**UNCHANGED, **WRONG_PARAMETER},
)
def read_statistics(request: Request) -> EdgeResponse:
    """Growth by month since the first user, and the shares of locales. A few minutes old at most times: `generated_at`
    says when it was computed."""
    return EdgeResponse(statistics(request))


@router.get(
    "/users/{id}",
    summary="Read a user",
    response_model=User,
    responses={**UNCHANGED, **WRONG_PARAMETER, **NOT_FOUND},
    openapi_extra={"parameters": [FIELDS]},
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
