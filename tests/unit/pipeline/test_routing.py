"""What the edge decides without the framework: 404, 405, OPTIONS, HEAD, declared edge answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.cache.policy import CachePolicy
from lanner.group import GroupError
from lanner.http.message import Request, Response
from tests.builders import rest_event


def live(request: Request) -> Response:
    return Response(200, {"content-type": "application/json"}, b'{"status":"OK"}')


@pytest.fixture
def edge_api(api: Callable[..., Any], module: Callable[..., str]) -> Any:
    module("edge_answers", live=live)
    return api(paths={"/health": "GET", "/things/{id}": "GET PUT"}, edge={"GET /health": "edge_answers:live"})


def test_an_edge_answer_is_given(edge_api: Any) -> None:
    """A declared function answers, and the answer names version and request."""
    status, headers, body = edge_api(rest_event(path="/v2/health"))
    assert (status, body) == (200, {"status": "OK"})
    assert headers["x-api-version"] == "v2"
    assert headers["x-request-id"] == "req-1"


def test_head_has_the_headers_of_get_and_no_body(edge_api: Any) -> None:
    """RFC 9110 section 9.3.2."""
    _, get_headers, _ = edge_api(rest_event("GET", "/v2/health"))
    status, headers, body = edge_api(rest_event("HEAD", "/v2/health"))
    assert (status, body) == (200, "")
    assert headers.pop("content-length") == str(len('{"status":"OK"}'))
    assert headers == get_headers


def test_an_unknown_path_is_a_problem_that_still_names_the_version(edge_api: Any) -> None:
    """404 as problem+json with everything that any response carries."""
    status, headers, body = edge_api(rest_event(path="/v2/nothing"))
    assert status == 404
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-api-version"] == "v2"
    assert "X-API-Version" in headers["vary"]
    assert body == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /v2/nothing",
        "instance": "req-1",
    }


def test_a_path_that_is_no_utf8_is_a_problem_that_names_the_version(edge_api: Any) -> None:
    """400, and not a failed invocation: anybody can write such a path."""
    status, headers, body = edge_api(rest_event(path="/v2/things/%ff"))
    assert (status, body["type"]) == (400, "/problems/bad-request")
    assert "%ff" in body["detail"]
    assert headers["x-api-version"] == "v2"
    assert "X-API-Version" in headers["vary"]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "TRACE", "BREW"])
def test_a_method_that_is_not_there_is_405_with_a_complete_allow(edge_api: Any, method: str) -> None:
    """Allow names every method of the path, HEAD and OPTIONS included (RFC 9110 section 15.5.6)."""
    status, headers, _ = edge_api(rest_event(method, "/v2/things/1"))
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, PUT")


def test_options_says_what_is_allowed(edge_api: Any) -> None:
    """204 with Allow, for every path that exists."""
    status, headers, body = edge_api(rest_event("OPTIONS", "/v2/things/1"))
    assert (status, headers["allow"], body) == (204, "GET, HEAD, OPTIONS, PUT", "")
    assert edge_api(rest_event("OPTIONS", "/v2/nothing"))[0] == 404


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"paths": {"/a": "GET"}, "edge": {"GET /b": "m:f"}}, "not in its paths"),
        ({"paths": {"/a": "GET"}, "edge": {"POST /a": "m:f"}}, "not in its paths"),
        ({"paths": {"/a": "GET"}, "validators": {"/b": "m:f"}}, "not in its paths"),
        ({"paths": {"/a": "GET"}, "cache": {"/b": CachePolicy(5)}}, "not in its paths"),
        ({"paths": {"/a/{id}": "GET"}, "cache": {"/a/{id}": CachePolicy(5, tags=["a:{nr}"])}}, "names 'nr'"),
        ({"paths": {"/a": "GET"}, "routes": "no_colon"}, "module:attribute"),
        ({"paths": {"/a": "GET"}, "versions": ("v9",)}, "unknown version v9"),
        ({"paths": {"/a": "GET"}, "routes": {"v1": "m:r"}}, "no routes for v2"),
    ],
)
def test_a_declaration_that_cannot_work_fails_at_import(
    api: Callable[..., Any], declaration: dict[str, Any], message: str
) -> None:
    """The deployment fails, not a request, and the message names the group and the part."""
    with pytest.raises(GroupError, match=message):
        api(**declaration)


def test_a_name_that_does_not_resolve_is_named(api: Callable[..., Any]) -> None:
    """The log has the name; the client gets a 500 with a request id."""
    made = api(paths={"/a": "GET"}, edge={"GET /a": "no_such_module:f"})
    status, _, body = made(rest_event(path="/v2/a"))
    assert (status, body["instance"]) == (500, "req-1")
    with pytest.raises(GroupError, match="no_such_module:f"):
        made.group.edge_answer("GET", "/a")
