"""The step that writes every request's line, sets the correlation and, where it is switched on, opens the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import Handler, Request, Response
from lanner.observe.correlation import AFTER_REQUEST, CURRENT
from lanner.observe.line import RequestLine
from lanner.settings import flag, setting

if TYPE_CHECKING:
    from lanner.group import RouteGroup


def observe(group: RouteGroup, handler: Handler) -> Handler:
    line = RequestLine(
        setting("LANNER_SERVICE", group.name),
        setting("LANNER_METRICS_NAMESPACE", "Lanner"),
        group.clock.now,
        lifecycle=group.lifecycle,
    )
    if flag("LANNER_TRACING"):
        from lanner.observe.traces import traced

        handler = traced(group.name, handler)

    def handle(request: Request) -> Response:
        CURRENT.set(request)
        cold = group.cold
        try:
            response = handler(request)
        except BaseException as error:  # written down and passed on: `errors` answers it
            line.write(request, getattr(error, "status", 500), cold, error, None)
            raise
        else:
            response.headers["x-request-id"] = request.request_id
            headers = response.headers
            line.write(request, response.status, cold, request.state.get("error"), headers.get("cache-status"))
            return response
        finally:
            for after in AFTER_REQUEST:
                after()

    return handle
