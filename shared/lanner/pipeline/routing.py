"""Routing at the edge: 404, 405 and OPTIONS are answered, and routes that need no framework too.

`route` refuses what the group's table does not have, and answers OPTIONS with a complete Allow (RFC 9110 sections
9.3.7 and 15.5.6). `edge` answers the routes that the group declares as functions of the request. HEAD is served as
GET throughout (section 9.3.2); its body goes last of all, in `entry`, so that every header is that of the GET.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import Handler, Request, Response
from lanner.http.problems import MethodNotAllowed, NotFound
from lanner.pipeline.errors import problem

if TYPE_CHECKING:
    from lanner.group import RouteGroup

UNREADABLE = "unreadable_path"
"""Where `entry` leaves the error for a path that is not percent-encoded UTF-8."""


def route(group: RouteGroup, handler: Handler) -> Handler:
    table = group.table
    methods = table.methods

    def handle(request: Request) -> Response:
        template = request.route
        if not template:
            raise request.state.get(UNREADABLE) or NotFound(f"There is nothing at {request.public_path}")
        method = request.method
        if method == "GET":
            if method in methods[template]:
                return handler(request)
        elif method == "OPTIONS":
            said = {"allow": table.allow[template]}
            if group.accept_patch and "PATCH" in methods[template]:
                said["accept-patch"] = group.accept_patch
            return Response(204, said)
        elif method in methods[template]:
            return handler(request)
        raise MethodNotAllowed(method, table.allow[template])

    return handle


def edge(group: RouteGroup, handler: Handler) -> Handler | None:
    if not group.edge:
        return None

    def handle(request: Request) -> Response:
        try:
            answer = group.edge_answer(request.method, request.route)
            if answer is not None:
                return answer(request)
        except Exception as error:  # a boundary like the application's: every step outside sees a response
            return problem(request, error)
        return handler(request)

    return handle
