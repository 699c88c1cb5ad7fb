"""The read of one user from the event itself: the framework would only pass it through.

The route stands in each version's router too, which is where its documentation comes from; both call `UserAnswers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.users import v1, v2
from domain.users.answers import UserAnswers
from domain.users.service import Users

if TYPE_CHECKING:
    from lanner.http.message import Request, Response

_USERS = Users()
_ANSWERS = {
    "v1": UserAnswers(v1, _USERS, selectable=False),
    "v2": UserAnswers(v2, _USERS, selectable=True),
}


def read(request: Request) -> Response:
    """GET `/users/{id}` in the request's version."""
    assert request.version is not None  # the version step comes first
    return _ANSWERS[request.version.name].read(request, request.path_params["id"])
