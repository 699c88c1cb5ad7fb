"""Lambda's entry: an event in, the steps of the edge, the application only when none of them answers, an answer out.

States of a function: declared (imported) -> composed (the steps are made; at import, because that is cheap and INIT
has a full CPU) -> loaded (the application is there: on the first request that needs it, or at once when INIT time is
free). One environment serves one request at a time; in a container the same handler runs under threads: Python's
import lock loads the routes once, and of two applications made at the same moment the first one stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lanner.http.events import read
from lanner.http.message import Handler, Request, Response
from lanner.http.problems import ApiError
from lanner.pipeline.errors import problem
from lanner.pipeline.forward import from_environment
from lanner.pipeline.routing import UNREADABLE
from lanner.pipeline.stack import compose

if TYPE_CHECKING:
    from lanner.group import RouteGroup

EAGER_INITIALIZATION = ("snap-start", "provisioned-concurrency")


class Application:
    """The innermost handler: the group's FastAPI routes of the request's version, loaded when first entered."""

    def __init__(self, group: RouteGroup) -> None:
        self._group = group
        self._handlers: dict[str, Handler] = {}

    def __call__(self, request: Request) -> Response:
        version = request.version.name if request.version is not None else self._group.versions[-1]
        handler = self._handlers.get(version)
        if handler is None:
            handler = self._load(version)
        try:
            return handler(request)
        except Exception as error:  # the application's boundary: every step outside sees a response, never this
            return problem(request, error)

    def _load(self, version: str) -> Handler:
        from lanner.pipeline.asgi import application

        target = self._group.routes.get(version)
        if not target:
            raise LookupError(f"group {self._group.name} has no routes for {version}, and its edge did not answer")
        return self._handlers.setdefault(version, application(self._group.resolve(target)))

    def load(self) -> None:
        """Load everything now: called during INIT where that time is not the caller's."""
        for version in self._group.versions:
            if self._group.routes.get(version):
                self._load(version)
        for target in (*self._group.edge.values(), *self._group.validators.values()):
            self._group.resolve(target)


def respond(group: RouteGroup) -> tuple[Handler, Application]:
    """The whole path of a group as one handler of requests, and its application."""
    application = Application(group)
    steps = compose(group, application)
    match = group.table.match

    def handle(request: Request) -> Response:
        try:
            found = match(request.path)
        except ApiError as error:  # a path that cannot be read; refused where every step can see it
            request.state[UNREADABLE] = error
        else:
            if found is not None:
                request.route, request.path_params = found
        response = steps(request)
        group.cold = False
        if request.method == "HEAD" and response.body:
            response.headers.setdefault("content-length", str(len(response.body)))
            response.body = b""
        return response

    return handle, application


def lambda_handler(group: RouteGroup) -> Callable[[Any, Any], Any]:  # Any: Lambda's own event, context and answer
    """The function that Lambda calls with an API Gateway, function URL or ALB event.

    Raises `UnknownEventError` for an event that is no HTTP request: the invocation fails and Lambda counts it.
    """
    if group.forward is None:
        group.forward = from_environment()
    handle, application = respond(group)
    base_path = os.environ.get("LANNER_BASE_PATH", "").rstrip("/")
    initialization = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if initialization in EAGER_INITIALIZATION:
        application.load()
    if initialization == "snap-start":
        from lanner.pipeline.snapshot import register

        register()

    def handler(event: Any, context: Any) -> Any:
        request = read(event, context, base_path)
        return request.source.write(handle(request))

    return handler
