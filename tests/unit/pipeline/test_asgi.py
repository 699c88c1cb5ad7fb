"""FastAPI behind the edge: routers entered directly, applications called whole, every error a problem."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query
from fastapi import Request as FastApiRequest
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from lanner.http.message import Request
from lanner.http.problems import Conflict
from lanner.pipeline.asgi import EdgeResponse, LannerRoute, edge_request, json_response
from tests.builders import Context, http_event, rest_event


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=5)
    size: int = 1


EVENTS: list[str] = []


def resource() -> Iterator[str]:
    EVENTS.append("open")
    yield "resource"
    EVENTS.append("close")


def thread_name() -> str:
    return threading.current_thread().name


router = APIRouter(route_class=LannerRoute)


@router.get("/things/{id}")
def direct(id: str, request: Request) -> EdgeResponse:  # noqa: A002
    return json_response({"id": id, "thread": threading.current_thread().name, "by": request.principal.id})


@router.put("/things/{id}")
def solved(id: str, thing: Thing, request: FastApiRequest) -> Thing:  # noqa: A002
    if id == "taken":
        raise Conflict("The name is taken")
    if id == "teapot":
        raise HTTPException(418, "short and stout", headers={"X-Pot": "1"})
    if id.isdecimal() and int(id) >= 400:
        raise HTTPException(int(id))
    if id == "broken":
        raise RuntimeError("secret=hunter2 of ada@example.org")
    return Thing(name=thing.name, size=thing.size + len(edge_request(request).request_id))


@router.get("/things")
def listing(
    limit: Annotated[int, Query(ge=1)] = 20,
    first: Annotated[str, Depends(thread_name)] = "",
    again: Annotated[str, Depends(thread_name)] = "",
    held: Annotated[str, Depends(resource)] = "",
    x_flag: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    EVENTS.append("run")
    return {"limit": limit, "threads": [first, again], "held": held, "flag": x_flag}


@router.get("/plain")
async def plain(request: Request) -> PlainTextResponse:
    response = PlainTextResponse(f"hello {request.path}")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


PATHS = {"/things": "GET", "/things/{id}": "GET PUT", "/plain": "GET"}


@pytest.fixture
def app(api: Callable[..., Any], module: Callable[..., str]) -> Any:
    module("thing_routes", router=router)
    return api(paths=PATHS, routes="thing_routes:router")


def json_put(path: str, body: str, content_type: str = "application/json") -> dict[str, Any]:
    return rest_event("PUT", path, headers={"Content-Type": content_type}, body=body)


def test_a_plain_endpoint_runs_in_the_calling_thread(app: Any) -> None:
    """No thread pool, path parameters decoded once, and the edge's request handed over."""
    status, headers, body = app(rest_event(path="/v2/things/a%2Fb%2520"))
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == {"id": "a/b%20", "thread": threading.current_thread().name, "by": "anonymous"}


def test_fastapi_solves_what_has_to_be_solved(app: Any) -> None:
    """Bodies are validated, models serialised, and both kinds of Request reach the same edge request."""
    status, _, body = app(json_put("/v2/things/1", '{"name":"x","size":2}'))
    assert (status, body) == (200, {"name": "x", "size": 2 + len("req-1")})


def test_dependencies_run_once_in_the_calling_thread_and_are_closed(app: Any) -> None:
    """Plain and generator dependencies, shared within a request, query and header parameters."""
    EVENTS.clear()
    event = rest_event(path="/v2/things", query=[("limit", "3")], headers={"X-Flag": "on"})
    status, _, body = app(event)
    here = threading.current_thread().name
    assert (status, body) == (200, {"limit": 3, "threads": [here, here], "held": "resource", "flag": "on"})
    assert EVENTS == ["open", "run", "close"]


def test_any_starlette_response_passes(app: Any) -> None:
    """Cookies stay apart, and an async endpoint may ask for the edge's request."""
    answer = app.handler(http_event(path="/v2/plain"), Context())
    assert (answer["statusCode"], answer["body"]) == (200, "hello /plain")
    assert len(answer["cookies"]) == 2


@pytest.mark.parametrize(
    ("event", "status", "slug", "pointer"),
    [
        (json_put("/v2/things/1", '{"name":"toolong"}'), 422, "invalid-input", "#/name"),
        (json_put("/v2/things/1", '{"name":"x","nmae":1}'), 422, "invalid-input", "#/nmae"),
        (json_put("/v2/things/1", "[]"), 422, "invalid-input", "#"),
        (json_put("/v2/things/1", "{"), 400, "invalid-json", None),
        (json_put("/v2/things/1", '{"name":"x"}', "text/plain"), 415, "unsupported-media-type", None),
        (
            json_put("/v2/things/1", '{"name":"x"}', "application/x-www-form-urlencoded"),
            415,
            "unsupported-media-type",
            None,
        ),
        (rest_event("PUT", "/v2/things/1", body='{"name":"x"}'), 415, "unsupported-media-type", None),
        (json_put("/v2/things/1", "[]", "application/merge-patch+json"), 422, "invalid-input", "#"),
        (json_put("/v2/things/1", ""), 400, "bad-request", "#"),
        (rest_event(path="/v2/things", query=[("limit", "0")]), 400, "bad-request", "?limit"),
        (json_put("/v2/things/taken", '{"name":"x"}'), 409, "conflict", None),
        (json_put("/v2/things/teapot", '{"name":"x"}'), 418, None, None),
        (json_put("/v2/things/410", '{"name":"x"}'), 410, "gone", None),
        (json_put("/v2/things/405", '{"name":"x"}'), 405, "method-not-allowed", None),
        (json_put("/v2/things/503", '{"name":"x"}'), 503, "unavailable", None),
        (json_put("/v2/things/402", '{"name":"x"}'), 402, None, None),
        (json_put("/v2/things/broken", '{"name":"x"}'), 500, "internal-error", None),
    ],
)
def test_every_error_is_a_problem(app: Any, event: Any, status: int, slug: str | None, pointer: str | None) -> None:
    """One shape for ApiError, validation, HTTPException and bugs."""
    got, headers, body = app(event)
    kind = "about:blank" if slug is None else f"/problems/{slug}"
    assert (got, headers["content-type"], body["type"]) == (status, "application/problem+json", kind)
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["instance"] == "req-1"
    assert headers["x-api-version"] == "v2"
    if pointer is not None:
        assert [error["pointer"] for error in body["errors"]] == [pointer]


def test_a_bug_is_logged_without_secrets_and_told_to_nobody(app: Any, lines: Callable[[], Any]) -> None:
    """The client sees an id; the line has type, place and a redacted message."""
    _, _, body = app(json_put("/v2/things/broken", '{"name":"x"}'))
    assert "hunter2" not in str(body)
    (line,) = lines()
    assert line["error"]["type"] == "builtins.RuntimeError"
    assert "hunter2" not in str(line)
    assert "ada@" not in str(line)
    assert any("test_asgi" in frame for frame in line["error"]["stack"])


def test_a_whole_application_keeps_its_middleware(api: Callable[..., Any], module: Callable[..., str]) -> None:
    """A FastAPI instance is called as it is: its middleware sees the request."""
    whole = FastAPI()

    @whole.middleware("http")
    async def mark(request: FastApiRequest, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["X-Marked"] = request.url.path
        return response

    @whole.get("/things")
    def things(q: str) -> dict[str, str]:
        return {"q": q}

    module("whole_app", app=whole)
    made = api(paths={"/things": "GET"}, routes="whole_app:app")
    status, headers, body = made(rest_event(path="/v2/things", query=[("q", "ä b")]))
    assert (status, headers["x-marked"], body) == (200, "/things", {"q": "ä b"})


def test_a_router_of_other_routes_is_called_whole(api: Callable[..., Any], module: Callable[..., str]) -> None:
    """Plain FastAPI routers work too, included ones among them."""
    outer, inner = APIRouter(), APIRouter()

    @inner.get("/{id}")
    async def thing(id: int) -> dict[str, int]:  # noqa: A002
        return {"id": id}

    outer.include_router(inner, prefix="/things")
    module("plain_router", router=outer)
    made = api(paths={"/things/{id}": "GET"}, routes="plain_router:router")
    assert made(rest_event(path="/v2/things/7"))[2] == {"id": 7}


def test_a_path_that_the_router_lacks_is_a_500_that_names_it(api: Any, module: Any, lines: Any) -> None:
    """Group and router are declared apart: where they disagree the log says what to mend."""
    module("empty_router", router=APIRouter(route_class=LannerRoute))
    made = api(paths={"/things": "GET"}, routes="empty_router:router")
    assert made(rest_event(path="/v2/things"))[0] == 500
    assert "declare it in both" in lines()[-1]["error"]["message"]


def test_each_version_has_its_own_routes(api: Callable[..., Any], module: Callable[..., str]) -> None:
    """One Lambda, two routers."""

    def version(name: str) -> APIRouter:
        made = APIRouter(route_class=LannerRoute)

        @made.get("/x")
        def x() -> EdgeResponse:
            return json_response({"from": name})

        return made

    module("both", one=version("v1"), two=version("v2"))
    made = api(paths={"/x": "GET"}, routes={"v1": "both:one", "v2": "both:two"})
    assert made(rest_event(path="/v1/x", stage="v1"))[2] == {"from": "v1"}
    assert made(rest_event(path="/v2/x"))[2] == {"from": "v2"}


def test_everything_is_loaded_at_init_where_init_is_free(
    api: Any, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SnapStart and provisioned concurrency: the snapshot holds the framework already."""
    module("lazy_routes", router=router)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    eager = api(paths=PATHS, routes="lazy_routes:router")
    assert "lazy_routes:router" in eager.group._resolved
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    assert api(paths=PATHS, routes="lazy_routes:router").group._resolved == {}
