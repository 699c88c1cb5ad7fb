"""Warming plans: every step runs, whatever became of the others; requests are sent to a handler."""

from __future__ import annotations

import pytest

from lanner.cache.errors import CacheConfigError
from lanner.cache.warming import Progress, WarmingFailed, WarmPlan, WarmRequests
from lanner.clock import ManualClock
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, request


def broken() -> None:
    raise LookupError("no such table")


def test_a_failing_step_does_not_stop_the_others() -> None:
    """Each has a result with its time and what went wrong, in the order given."""
    clock = ManualClock()
    told: list[Progress] = []
    plan = WarmPlan({"one": lambda: clock.advance(2), "two": broken, "three": lambda: clock.advance(1)})
    result = plan.run(told.append, clock=clock)
    assert [(step.name, step.seconds, step.error) for step in result.steps] == [
        ("one", 2.0, ""),
        ("two", 0.0, "LookupError: no such table"),
        ("three", 1.0, ""),
    ]
    assert (result.done, result.failed) == (2, 1)
    assert told == [
        Progress(0, 0, 3, "one"),
        Progress(1, 0, 3, "two"),
        Progress(1, 1, 3, "three"),
        Progress(2, 1, 3, ""),
    ]


def test_no_step_begins_after_the_budget() -> None:
    """Those that did not are skipped, which is not done."""
    clock = ManualClock()
    plan = WarmPlan({"one": lambda: clock.advance(5), "two": broken})
    result = plan.run(clock=clock, budget=5)
    assert [step.skipped for step in result.steps] == [False, True]
    assert (result.done, result.failed) == (1, 1)


def test_an_empty_plan_is_done() -> None:
    """And says so."""
    told: list[Progress] = []
    assert WarmPlan({}).run(told.append).steps == ()
    assert told == [Progress(0, 0, 0, "")]


def test_a_step_is_a_callable() -> None:
    """Anything else is found when the plan is made."""
    with pytest.raises(CacheConfigError, match="not a list"):
        WarmPlan([print])  # type: ignore[arg-type]
    with pytest.raises(CacheConfigError, match="'one' is a str"):
        WarmPlan({"one": "text"})  # type: ignore[dict-item]


def test_requests_fill_the_response_cache() -> None:
    """After the step a user's request does not reach the origin, nor does a second run."""
    site = Site().reply(200, b"page", cache_control="max-age=60")
    step = WarmRequests(site.send, lambda: [request("GET", "/a"), request("GET", "/b")])
    assert step() == 2
    assert site.is_cached("/a")
    assert site.is_cached("/b")
    assert step() == 2
    assert site.calls == 2


def test_every_request_is_sent_and_failures_are_counted() -> None:
    """The first is named."""

    def handler(asked: Request) -> Response:
        if asked.path == "/raises":
            raise OSError("down")
        return Response(503 if asked.path == "/busy" else 200)

    paths = ["/raises", "/busy", "/good"]
    with pytest.raises(WarmingFailed, match=r"2 of 3 requests failed, first GET /raises: OSError: down"):
        WarmRequests(handler, [request("GET", path) for path in paths])()
