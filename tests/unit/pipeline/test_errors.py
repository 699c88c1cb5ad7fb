"""The outermost step answers what nothing further in could."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.http.message import Handler, Request, Response
from lanner.http.problems import TooManyRequests, Unavailable
from lanner.pipeline import stack
from tests.builders import rest_event


def breaking(_group: Any, _handler: Handler) -> Handler:
    def handle(request: Request) -> Response:
        raise ZeroDivisionError("a bug in a step")

    return handle


def refusing(_group: Any, _handler: Handler) -> Handler:
    def handle(request: Request) -> Response:
        raise TooManyRequests("Slow down", headers={"retry-after": "7"})

    return handle


@pytest.fixture
def with_step(
    api: Callable[..., Any], module: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """An API in whose stack one place is taken by a step of the test's."""

    def make(place: str, factory: Any) -> Any:
        target = module("step_of_the_test", factory=factory) + ":factory"
        changed = tuple((name, target if name == place else found) for name, found in stack.STACK)
        monkeypatch.setattr(stack.compose, "__defaults__", (changed,))
        return api(paths={"/things": "GET"})

    return make


@pytest.mark.parametrize("place", ["observe", "cors", "version", "auth", "limits", "conditional"])
def test_a_bug_in_any_step_is_a_problem_with_version_and_vary(with_step: Callable[..., Any], place: str) -> None:
    """500, never the gateway's 502, and as much of the version as was known."""
    status, headers, body = with_step(place, breaking)(rest_event(path="/v2/things"))
    assert (status, body["status"], body["instance"]) == (500, 500, "req-1")
    assert "ZeroDivisionError" not in str(body)
    assert "X-API-Version" in headers["vary"]
    assert headers["x-request-id"] == "req-1"
    if place in ("auth", "limits", "conditional"):
        assert headers["x-api-version"] == "v2"


@pytest.mark.parametrize("place", ["auth", "limits", "idempotency", "response_cache"])
def test_a_reserved_place_can_refuse(with_step: Callable[..., Any], place: str) -> None:
    """A step that is built later raises an ApiError, and everything outside decorates its answer."""
    status, headers, _ = with_step(place, refusing)(rest_event(path="/v2/things"))
    assert (status, headers["retry-after"], headers["x-api-version"]) == (429, "7", "v2")


def failing(_group: Any, _handler: Handler) -> Handler:
    def handle(request: Request) -> Response:
        raise Unavailable("The storage does not answer", retry_after=1) from ConnectionRefusedError("no one listens")

    return handle


def test_why_a_dependency_failed_is_in_the_line_and_not_in_the_answer(
    with_step: Callable[..., Any], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """The cause of a 503 is what somebody on call looks for; a client learns only that it may try again."""
    status, headers, body = with_step("auth", failing)(rest_event(path="/v2/things"))
    assert (status, headers["retry-after"]) == (503, "1")
    assert "no one listens" not in str(body)
    (line,) = lines()
    assert line["error"]["type"] == "lanner.http.problems.Unavailable"
    assert (line["error"]["cause"]["type"], line["error"]["cause"]["message"]) == (
        "builtins.ConnectionRefusedError",
        "no one listens",
    )


def test_a_refusal_of_the_clients_making_has_no_error_in_the_line(
    with_step: Callable[..., Any], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """Somebody else's 429 is no fault to look into."""
    with_step("auth", refusing)(rest_event(path="/v2/things"))
    assert "error" not in lines()[0]


def test_the_order_is_the_plans() -> None:
    """One tuple, in the order that ARCHITECTURE.md draws."""
    assert [name for name, _ in stack.STACK] == [
        "errors",
        "observe",
        "cors",
        "compress",
        "version",
        "route",
        "auth",
        "limits",
        "idempotency",
        "conditional",
        "response_cache",
        "edge",
    ]
