"""The one line of a request: a complete EMF document, with nobody's data in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.clock import ManualClock
from lanner.http.message import Request, Response
from lanner.observe.line import MAX_UNBOUNDED
from lanner.versioning.registry import ApiVersion, Brownout, VersionRegistry
from tests.builders import http_event, rest_event

AGEING = VersionRegistry(
    (
        ApiVersion(
            "v1",
            released_at="2024-01-01T00:00:00Z",
            deprecated_at="2026-09-01T00:00:00Z",
            sunset_at="2027-09-01T00:00:00Z",
        ),
        ApiVersion("v2", released_at="2025-01-01T00:00:00Z"),
    ),
    default="v2",
)
NOVEMBER = 1_795_392_000.0  # 2026-11-23T00:00:00Z


def ok(request: Request) -> Response:
    return Response(200, {"content-type": "application/json"}, b"{}")


@pytest.fixture
def observed(api: Callable[..., Any], module: Callable[..., str]) -> Any:
    module("observed_answers", ok=ok)
    return api(
        paths={"/things/{id}": "GET"},
        edge={"GET /things/{id}": "observed_answers:ok"},
        registry=AGEING,
        clock=ManualClock(NOVEMBER),
    )


def directives(line: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = line["_aws"]["CloudWatchMetrics"]
    return found


def test_every_metric_and_dimension_that_is_declared_is_in_the_line(observed: Any, lines: Callable[[], Any]) -> None:
    """The EMF specification: each declared name is a root member, dimensions are strings, metrics numbers."""
    observed(rest_event(path="/v1/things/1", stage="v1"))
    observed(rest_event(path="/v2/nothing"))
    found = lines()
    assert len(found) == 2
    for line in found:
        assert isinstance(line["_aws"]["Timestamp"], int)
        for directive in directives(line):
            for dimensions in directive["Dimensions"]:
                assert all(isinstance(line[name], str) and line[name] for name in dimensions)
            for metric in directive["Metrics"]:
                assert isinstance(line[metric["Name"]], int | float)


def test_the_line_says_what_happened(observed: Any, lines: Callable[[], Any]) -> None:
    """Ids, version, route template, status, duration, cold start, consumer."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    observed(rest_event(path="/v2/things/secret-7", headers={"traceparent": parent, "User-Agent": "curl/8.1"}))
    observed(rest_event(path="/v2/things/8"))
    first, second = lines()
    assert first["request_id"] == "req-1"
    assert first["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (first["version"], first["route"], first["status"], first["method"]) == ("v2", "/things/{id}", 200, "GET")
    assert first["consumer"] == "ua:curl"
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    assert first["Latency"] > 0
    assert first["function_version"] == "7"
    assert (first["Requests"], first["ClientErrors"], first["ServerErrors"]) == (1, 0, 0)


def test_refused_requests_have_their_line_too(observed: Any, lines: Callable[[], Any]) -> None:
    """A 404 counts as the client's error under a route name that is bounded."""
    observed(rest_event(path="/v2/nothing/at/all"))
    (line,) = lines()
    assert (line["status"], line["route"], line["ClientErrors"]) == (404, "unmatched", 1)


def test_nothing_personal_is_in_the_line(observed: Any, lines: Callable[[], Any]) -> None:
    """No path with ids, no query, no header values, no address, no body."""
    event = rest_event(
        path="/v2/things/secret-7",
        headers={"Authorization": "Bearer abc.def", "Cookie": "sid=42", "X-Forwarded-For": "198.51.100.4"},
        query=[("email", "ada@example.org")],
        body="hunter2",
    )
    observed(event)
    text = str(lines())
    for secret in ("secret-7", "abc.def", "sid=42", "198.51.100.4", "203.0.113.9", "ada@", "hunter2"):
        assert secret not in text


@pytest.mark.parametrize(
    ("claims", "consumer"),
    [
        ({"client_id": "shop", "sub": "ada@example.org"}, "client:shop"),
        ({"azp": "shop", "sub": "ada@example.org"}, "client:shop"),
        ({"sub": "ada@example.org"}, "anonymous"),
    ],
)
def test_a_token_gives_its_client_and_never_its_person(
    observed: Any, lines: Callable[[], Any], claims: dict[str, str], consumer: str
) -> None:
    """The consumer is an application; the subject of a token is somebody."""
    observed(http_event(path="/v2/things/1", authorizer={"jwt": {"claims": claims}}))
    (line,) = lines()
    assert line["consumer"] == consumer
    assert "ada@" not in str(line)


@pytest.mark.parametrize(
    ("agent", "consumer"),
    [
        ("curl/8.1", "ua:curl"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "ua:Mozilla"),
        ("my-app key-7 (+49 30 123456)/1", "ua:my-app"),
        ("ada@example.org", "anonymous"),
        ("Ada Lovelace's browser", "ua:Ada"),
        ("(compatible)", "anonymous"),
        (" ", "anonymous"),
        ("x" * 10_000, "ua:" + "x" * 40),
        ("caf\u00e9/1", "anonymous"),
    ],
)
def test_a_user_agent_gives_its_product_and_nothing_else(
    observed: Any, lines: Callable[[], Any], agent: str, consumer: str
) -> None:
    """RFC 9110 section 10.1.5: a product is a token; addresses and comments stay out of the log, each time."""
    for _ in range(2):
        observed(rest_event(path="/v2/things/1", headers={"User-Agent": agent}))
    assert [line["consumer"] for line in lines()] == [consumer, consumer]


def test_calls_of_a_deprecated_version_are_counted_per_consumer(observed: Any, lines: Callable[[], Any]) -> None:
    """A metric by (version, consumer), only once the deprecation has begun, answers who still calls v1."""
    observed(rest_event(path="/v1/things/1", stage="v1", identity={"apiKeyId": "k1", "sourceIp": "1.1.1.1"}))
    observed(rest_event(path="/v2/things/1", headers={"User-Agent": "curl/8"}))
    old, new = lines()
    assert directives(old)[-1] == {
        "Namespace": "Lanner",
        "Dimensions": [["version", "consumer"]],
        "Metrics": [{"Name": "DeprecatedRequests", "Unit": "Count"}],
    }
    assert (old["version"], old["consumer"], old["DeprecatedRequests"]) == ("v1", "key:k1", 1)
    assert "DeprecatedRequests" not in new
    observed.group.clock.set(NOVEMBER - 365 * 86_400)
    observed(rest_event(path="/v1/things/1", stage="v1"))
    assert "DeprecatedRequests" not in lines()[0]


def test_a_brownout_is_no_fault(api: Callable[..., Any], module: Callable[..., str], lines: Callable[[], Any]) -> None:
    """Its 503 is announced: no alarm may fire and no deployment roll back for it."""
    module("brown_answers", ok=ok)
    registry = VersionRegistry(
        (
            ApiVersion(
                "v1",
                released_at="2024-01-01T00:00:00Z",
                deprecated_at="2026-09-01T00:00:00Z",
                sunset_at="2027-09-01T00:00:00Z",
                brownouts=(Brownout("2026-11-22T23:00:00Z", "2026-11-23T01:00:00Z"),),
            ),
            ApiVersion("v2", released_at="2025-01-01T00:00:00Z"),
        ),
        default="v2",
    )
    made = api(paths={"/t": "GET"}, edge={"GET /t": "brown_answers:ok"}, registry=registry, clock=ManualClock(NOVEMBER))
    assert made(rest_event(path="/v1/t", stage="v1"))[0] == 503
    (line,) = lines()
    assert (line["status"], line["ServerErrors"], line["level"], line["refused"]) == (503, 0, "INFO", "brownout")


def test_what_outlives_its_version_counts_nobody(
    api: Callable[..., Any], module: Callable[..., str], lines: Callable[[], Any]
) -> None:
    """A load balancer that asks /v1/health is no caller to migrate."""
    module("living_answers", ok=ok)
    declaration = {"paths": {"/health": "GET"}, "edge": {"GET /health": "living_answers:ok"}, "registry": AGEING}
    made = api(**declaration, lifecycle=False, clock=ManualClock(NOVEMBER))
    assert made(rest_event(path="/v1/health", stage="v1"))[0] == 200
    assert "DeprecatedRequests" not in lines()[0]


def test_self_named_consumers_are_bounded(observed: Any, lines: Callable[[], Any]) -> None:
    """A header cannot make metrics without end."""
    for number in range(MAX_UNBOUNDED + 5):
        observed(rest_event(path="/v1/things/1", stage="v1", headers={"User-Agent": f"bot{number}/1"}))
    names = [line["consumer"] for line in lines()]
    assert len(set(names)) == MAX_UNBOUNDED + 1
    assert names[-1] == "ua:other"


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
        {"traceparent": "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"traceparent": "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
        {"traceparent": "garbage"},
        {"X-Amzn-Trace-Id": "Root=1-short"},
        {},
    ],
)
def test_an_invalid_trace_is_no_trace(observed: Any, lines: Callable[[], Any], headers: dict[str, str]) -> None:
    """W3C Trace Context section 3.2.2: what does not parse is ignored."""
    observed(rest_event(path="/v2/things/1", headers=headers))
    assert lines()[0]["trace_id"] == ""


def test_an_x_ray_root_is_the_same_trace_in_w3c_form(observed: Any, lines: Callable[[], Any]) -> None:
    """`1-5759e988-bd862e3fe1be46a994272793` without its prefix and dashes."""
    header = "Self=1-a;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    observed(rest_event(path="/v2/things/1", headers={"X-Amzn-Trace-Id": header}))
    assert lines()[0]["trace_id"] == "5759e988bd862e3fe1be46a994272793"
