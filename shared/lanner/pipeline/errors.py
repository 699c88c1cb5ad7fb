"""The outermost step: whatever goes wrong inside becomes a problem document, never a gateway's 502.

Contract: an `ApiError` is answered as it says; any other exception as a 500 whose `instance` finds the log record. The
answer still names the version, once one was chosen, and what it varies by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import Handler, Request, Response
from lanner.http.problems import ApiError, InternalError

if TYPE_CHECKING:
    from lanner.group import RouteGroup


def problem(request: Request, error: Exception) -> Response:
    """The answer for an exception; what was unexpected is left in `request.state["error"]` for the log."""
    if isinstance(error, ApiError):
        return error.response(request)
    request.state["error"] = error
    return InternalError().response(request)


def errors(_group: RouteGroup, handler: Handler) -> Handler:
    def handle(request: Request) -> Response:
        try:
            return handler(request)
        except Exception as error:  # the boundary: past this point stands only the Lambda runtime
            response = problem(request, error)
            # What the version step would have written, had it got a response to write on.
            response.headers.update(request.state.get("version_headers", {}))
            response.vary("Accept", "X-API-Version")
            if request.version is not None:
                response.headers["x-api-version"] = request.version.name
            response.headers["x-request-id"] = request.request_id
            return response

    return handle
