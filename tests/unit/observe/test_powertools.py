"""Powertools in routes carries the request's correlation, and the edge flushes what it gathered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from lanner.http.message import Request, Response
from lanner.observe import logs as logs_module
from lanner.observe import metrics as metrics_module
from lanner.observe.logs import logger
from lanner.observe.metrics import metrics
from tests.builders import rest_event


def talkative(request: Request) -> Response:
    from aws_lambda_powertools.metrics import MetricUnit

    logger().info("working", extra={"rows": 3})
    metrics().add_metric("Rows", MetricUnit.Count, 3)
    return Response(200, {}, b"")


@pytest.fixture
def powered(api: Callable[..., Any], module: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LANNER_SERVICE", "things")
    monkeypatch.setattr(metrics_module, "_METRICS", [])
    monkeypatch.setattr(logs_module, "_LOGGERS", {})
    module("powered_answers", talkative=talkative)
    return api(paths={"/t/{id}": "GET"}, edge={"GET /t/{id}": "powered_answers:talkative"})


def test_log_records_and_metrics_carry_the_request(powered: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """The same request id and version in the log record, the metric document and the line."""
    powered(rest_event(path="/v2/t/1", request_id="req-9"))
    documents = [orjson.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    record = next(each for each in documents if each.get("message") == "working")
    assert (record["request_id"], record["version"], record["route"], record["rows"]) == ("req-9", "v2", "/t/{id}", 3)
    metric = next(each for each in documents if "Rows" in each)
    assert (metric["Rows"], metric["version"], metric["request_id"]) == ([3.0], "v2", "req-9")
    assert sum("Requests" in each for each in documents) == 1


def test_metrics_do_not_leak_into_the_next_request(powered: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Each request writes its own document once."""
    powered(rest_event(path="/v2/t/1", request_id="a"))
    powered(rest_event(path="/v2/t/1", request_id="b"))
    documents = [orjson.loads(line) for line in capfd.readouterr().out.splitlines() if '"Rows"' in line]
    assert [each["request_id"] for each in documents] == ["a", "b"]


def test_tracing_wraps_the_whole_path(
    api: Callable[..., Any], module: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched on, a request is a subsegment with version, route and status; switched off, nothing is loaded."""
    from lanner.observe import traces

    monkeypatch.setattr(traces, "_TRACERS", [])
    monkeypatch.setenv("LANNER_TRACING", "true")
    found: dict[str, Any] = {}

    class Subsegment:
        def __enter__(self) -> Subsegment:
            return self

        def __exit__(self, *exc: object) -> None:
            found["closed"] = True

        def put_annotation(self, key: str, value: Any) -> None:
            found[key] = value

    class Provider:
        def in_subsegment(self, name: str) -> Subsegment:
            found["name"] = name
            return Subsegment()

    class StandIn:
        provider = Provider()

    traces._TRACERS.append(StandIn())  # type: ignore[arg-type]
    module("traced_answers", ok=lambda request: Response(200))
    made = api(paths={"/t": "GET"}, edge={"GET /t": "traced_answers:ok"})
    made(rest_event(path="/v2/t"))
    assert found == {"name": "## things", "version": "v2", "route": "/t", "status": "200", "closed": True}
