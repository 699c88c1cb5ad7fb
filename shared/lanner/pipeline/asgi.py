"""FastAPI behind the edge, through Mangum: the only file that knows Mangum.

Mangum's public `custom_handlers` take our `Request` in place of an event and hand back the raw ASGI response, so the
event is parsed once. A group's routes may be

- an `APIRouter` made with `route_class=LannerRoute`: entered directly. The edge has matched the path already, so the
  route is looked up by method and template. A route for which FastAPI has nothing to do (path parameters that are
  plain strings, no dependencies, no body, annotated to return a `Response`) is called at once; any other runs
  FastAPI's own handler for that route.
- any other router or ASGI application (a `FastAPI` with middleware of its own): called whole.

What goes wrong passes through to the edge: an `ApiError` as it is, FastAPI's and Starlette's own errors as one, and
anything else for the edge to log and answer with 500.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from mangum import Mangum
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse

from lanner.http.message import Handler, Request, Response
from lanner.pipeline.inline import Endpoint, in_line, resolved_signature
from lanner.pipeline.validation import from_http_exception, from_validation_error

Message = MutableMapping[str, Any]  # Any: ASGI's own dictionaries, here and below
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Mangum writes an INFO line for every request; the edge's own line says more.
logging.getLogger("mangum").setLevel(logging.WARNING)


class EdgeResponse(StarletteResponse):
    """A finished `lanner` response that passes through FastAPI and Starlette untouched."""

    def __init__(self, message: Response) -> None:
        # Starlette's own constructor would render and measure what is final already.
        self.message = message
        self.status_code = message.status
        self.body = message.body
        self.background = None

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        """The headers as ASGI carries them."""
        message = self.message
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in message.headers.items()]
        raw.extend((b"set-cookie", cookie.encode("latin-1")) for cookie in message.cookies)
        return raw


def json_response(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> EdgeResponse:
    """A JSON answer from what orjson can encode, or from bytes that are JSON already."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    final = {"content-type": "application/json"}
    if headers:
        final.update(headers)
    return EdgeResponse(Response(status, final, body))


def edge_request(request: StarletteRequest) -> Request:
    """The edge's request behind Starlette's: principal, version, request id."""
    found: Request = request.scope["lanner.request"]
    return found


class LannerRoute(APIRoute):
    """A FastAPI route whose plain functions run in the calling thread, and that can be entered directly."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        converted: dict[Endpoint, Endpoint] = {}
        super().__init__(path, in_line(endpoint, converted), **options)
        _convert_dependencies(self.dependant, converted)
        self.direct = _direct(endpoint, self)
        self.entry: App = AsyncExitStackMiddleware(self.app)


def _convert_dependencies(dependant: Dependant, converted: dict[Endpoint, Endpoint]) -> None:
    for each in dependant.dependencies:
        if each.call is not None:
            each.call = in_line(each.call, converted)
        _convert_dependencies(each, converted)


def _direct(endpoint: Endpoint, route: LannerRoute) -> Callable[[Request], Any] | None:
    """How to call an endpoint for which FastAPI has nothing to solve; None where it has."""
    needs = route.dependant
    if (
        needs.dependencies
        or needs.query_params
        or needs.header_params
        or needs.cookie_params
        or needs.body_params
        or needs.response_param_name
        or needs.background_tasks_param_name
        or needs.security_scopes_param_name
        or inspect.iscoroutinefunction(endpoint)
        or inspect.isgeneratorfunction(endpoint)
        or inspect.isasyncgenfunction(endpoint)
        or not inspect.isfunction(endpoint)
    ):
        return None
    signature = resolved_signature(endpoint)
    if not (
        isinstance(signature.return_annotation, type) and issubclass(signature.return_annotation, StarletteResponse)
    ):
        return None
    own: str | None = None
    names: list[str] = []
    for name, each in signature.parameters.items():
        if each.annotation is Request and own is None:
            own = name
        elif each.annotation is str and f"{{{name}}}" in route.path_format:
            names.append(name)
        else:
            return None

    def call(request: Request) -> Any:
        arguments: dict[str, Any] = {name: request.path_params[name] for name in names}
        if own is not None:
            arguments[own] = request
        return endpoint(**arguments)

    return call


class EdgeEvent:
    """Mangum's handler for a `Request` in place of an event."""

    def __init__(self, event: Any, context: Any, config: Any) -> None:  # noqa: ARG002 (Mangum's signature)
        self._request: Request = event

    @classmethod
    def infer(cls, event: Any, context: Any, config: Any) -> bool:  # noqa: ARG003 (Mangum's signature)
        return isinstance(event, Request)

    @property
    def body(self) -> bytes:
        return self._request.body

    @property
    def scope(self) -> Scope:
        request = self._request
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "lanner.request": request,
            "method": "GET" if request.method == "HEAD" else request.method,
            "path": request.path,
        }

    def __call__(self, response: Any) -> Any:
        return response


def _complete(scope: Scope, request: Request) -> None:
    """The rest of an HTTP scope, for an application that asks for more than the edge has decided."""
    from urllib.parse import unquote

    headers = request.headers
    scope["http_version"] = "1.1"
    scope["scheme"] = headers.get("x-forwarded-proto", "https")
    scope["raw_path"] = request.path.encode()
    scope["path"] = unquote(request.path)
    scope["root_path"] = ""
    scope["query_string"] = request.query_string
    scope["headers"] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    scope["client"] = (request.source_ip, 0)
    scope["server"] = (headers.get("host", "localhost"), int(headers.get("x-forwarded-port") or 443))
    scope["aws.event"] = request.event
    scope["aws.context"] = request.context
    scope["state"] = {}


def application(routes: Any) -> Handler:  # Any: an APIRouter or an ASGI application, told apart here
    """A handler of `Request`s from a router or an ASGI application."""
    mangum = Mangum(cast(Any, _guarded(_entered(routes))), lifespan="off", custom_handlers=[EdgeEvent])

    def handle(request: Request) -> Response:
        asyncio.set_event_loop(_loop_of_thread())
        answer: Any = mangum(request, request.context)  # type: ignore[arg-type]
        outcome = request.state.pop("asgi", None)
        if outcome is None:
            return _from_raw(answer)
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, RequestValidationError):
            raise from_validation_error(outcome, request.headers.get("content-type", "")) from None
        if isinstance(outcome, HTTPException):
            raise from_http_exception(outcome) from outcome
        raise outcome

    return handle


_threads = threading.local()


def _loop_of_thread() -> asyncio.AbstractEventLoop:
    """The loop that Mangum runs on: it asks for the thread's own, which only a main thread before 3.14 has unasked."""
    loop: asyncio.AbstractEventLoop | None = getattr(_threads, "loop", None)
    if loop is None or loop.is_closed():
        loop = _threads.loop = asyncio.new_event_loop()
    return loop


def _entered(routes: Any) -> App:
    if not isinstance(routes, APIRouter):
        return _whole(routes)
    if not all(isinstance(route, LannerRoute) for route in routes.routes):
        app = FastAPI(openapi_url=None)
        app.include_router(routes)
        return _whole(app)
    table = {
        (method, route.path_format): route
        for route in routes.routes
        if isinstance(route, LannerRoute)
        for method in route.methods or ()
    }

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = scope["lanner.request"]
        route = table.get((scope["method"], request.route))
        if route is None:
            raise LookupError(
                f"the group's paths have {scope['method']} {request.route}, and its router does not: "
                "declare it in both, in the same words"
            )
        if route.direct is not None:
            result = route.direct(request)
            if isinstance(result, EdgeResponse):
                request.state["asgi"] = result.message
                await _answered(send, result.status_code)
            else:
                await result(scope, receive, send)
            return
        _complete(scope, request)
        scope["path_params"] = request.path_params
        scope["route"] = route
        scope["endpoint"] = route.endpoint
        await route.entry(scope, receive, send)

    return enter


def _whole(app: App) -> App:
    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        _complete(scope, scope["lanner.request"])
        await app(scope, receive, send)

    return enter


async def _answered(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _guarded(app: App) -> App:
    """Keep exceptions from Mangum, which would answer them in plain text and call the invocation a success."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:  # carried around Mangum and raised again in `application`
            scope["lanner.request"].state["asgi"] = error
            await _answered(send, 500)

    return guard


def _from_raw(answer: Any) -> Response:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in answer["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    headers.pop("content-length", None)
    return Response(answer["status"], headers, answer["body"], cookies)
