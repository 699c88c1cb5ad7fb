"""Reads of one user and of numbers over all of them from the event itself: the framework would only pass them through.

The routes stand in the versions' routers too, which is where their documentation comes from; both call the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from domain import ids
from domain.caching import DAY, STATISTICS_STALE, STATISTICS_TTL
from domain.queries import check_known
from domain.users import v1, v2
from domain.users.answers import UserAnswers
from domain.users.service import Users
from domain.users.statistics import statistics as compute
from lanner.cache.functions import cached
from lanner.clock import SystemClock
from lanner.http.message import Response

if TYPE_CHECKING:
    from lanner.http.message import Request

_USERS = Users()
_ANSWERS = {
    "v1": UserAnswers(v1, _USERS, selectable=False),
    "v2": UserAnswers(v2, _USERS, selectable=True),
}


@cached(STATISTICS_TTL, key="users:statistics", tags=("statistics",), stale=STATISTICS_STALE, stale_if_error=DAY)
def _statistics() -> dict[str, Any]:  # Any: JSON
    return compute(SystemClock.now())


def statistics(request: Request) -> Response:
    """GET `/users/statistics`: kept for minutes, and computed anew a little before they are over."""
    check_known(request)
    return Response(200, {"content-type": "application/json"}, orjson.dumps(_statistics()))


def read(request: Request) -> Response:
    """GET `/users/{id}` in the request's version."""
    assert request.version is not None  # the version step comes first
    written = request.path_params["id"]
    known = ids.read(written)
    if known is not None and known != written and "cache_tags" in request.state:
        # The policy's tag has the id as it was written; changes are told of the id as it is.
        request.state["cache_tags"].append(f"user:{known}")
    return _ANSWERS[request.version.name].read(request, written)
