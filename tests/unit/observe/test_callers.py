"""Who still calls v1: request lines found among anything else that logs hold, counted by caller."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lanner.cli import main
from lanner.clock import ManualClock
from lanner.http.message import Request, Response
from lanner.observe.callers import MAX_ATTEMPTS, count, request_lines
from lanner.versioning.registry import ApiVersion, Brownout, VersionRegistry
from tests.builders import rest_event

AGEING = VersionRegistry(
    (
        ApiVersion(
            "v1",
            released_at="2024-01-01",
            deprecated_at="2026-09-01",
            sunset_at="2027-09-01",
            brownouts=(Brownout("2027-07-13T14:00:00Z", "2027-07-13T15:00:00Z"),),
        ),
        ApiVersion("v2", released_at="2025-01-01"),
    ),
    default="v2",
)
NOVEMBER = 1_795_392_000.0  # 2026-11-23T00:00:00Z
IN_BROWNOUT = 1_815_488_400.0  # 2027-07-13T14:20:00Z


def ok(request: Request) -> Response:
    return Response(200, {"content-type": "application/json"}, b"{}")


@pytest.fixture
def written(
    api: Callable[..., Any], module: Callable[..., str], capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[[], list[str]]:
    """Log lines as an edge wrote them: five requests by two programs, one of them in a brownout."""
    module("caller_answers", ok=ok)
    clock = ManualClock(NOVEMBER)
    group = api(
        paths={"/things/{id}": "GET"},
        edge={"GET /things/{id}": "caller_answers:ok"},
        registry=AGEING,
        clock=clock,
    )

    def write() -> list[str]:
        old, new = {"User-Agent": "billing/1.0"}, {"User-Agent": "web/3"}
        group(rest_event(path="/v1/things/1", stage="v1", headers=old))
        clock.advance(60)
        group(rest_event(path="/v1/nothing", stage="v1", headers=old))
        group(rest_event(path="/v1/things/1", stage="v1", headers=new))
        group(rest_event(path="/v2/things/1", headers=new))
        clock.set(IN_BROWNOUT)
        group(rest_event(path="/v1/things/2", stage="v1", headers=old))
        return capfdbinary.readouterr().out.decode().splitlines()

    return write


def line(**changes: Any) -> dict[str, Any]:
    """A request line with the members that are read."""
    found = {
        "_aws": {"Timestamp": 1_795_392_000_000},
        "version": "v1",
        "consumer": "ua:curl",
        "method": "GET",
        "route": "/users",
        "status": 200,
    }
    return {**found, **changes}


def test_callers_are_counted_by_version_and_consumer(written: Callable[[], list[str]]) -> None:
    """Requests, routes, status classes, refusals, first and last moment; the busiest first."""
    callers = [caller.document() for caller in count(request_lines(written()))]
    assert [(caller["version"], caller["consumer"]) for caller in callers] == [
        ("v1", "ua:billing"),
        ("v1", "ua:web"),
        ("v2", "ua:web"),
    ]
    assert callers[0] == {
        "version": "v1",
        "consumer": "ua:billing",
        "requests": 3,
        "refused": 1,
        "statuses": {"2xx": 1, "4xx": 1, "5xx": 1},
        "routes": {"GET /things/{id}": 2, "GET unmatched": 1},
        "first": "2026-11-23T00:00:00Z",
        "last": "2027-07-13T14:20:00Z",
    }


def test_one_version_can_be_asked_for(written: Callable[[], list[str]]) -> None:
    """Only its callers are counted; a version that nobody called has none."""
    lines = written()
    assert [(caller.consumer, caller.requests) for caller in count(request_lines(lines), "v2")] == [("ua:web", 1)]
    assert count(request_lines(lines), "v3") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "REPORT RequestId: 1 Duration: 2 ms",
        "UsersV1Function | {not json}",
        '{"_aws": {"Timestamp": 1}, "version": "v1"}',
        json.dumps(line(status="200")),
        json.dumps(line(status=True)),
        json.dumps(line(status=0)),
        json.dumps(line(_aws={"Timestamp": -1})),
        json.dumps(line(_aws={"Timestamp": 10**40})),
        json.dumps(line(_aws=[])),
        json.dumps(line(consumer=None)),
        json.dumps(line())[:-1],
        "{" * 100_000,
        "[" + '{"a":' * 100_000,
    ],
)
def test_what_is_no_request_line_is_skipped(text: str) -> None:
    """Platform lines, other documents, cut off lines, values of the wrong kind: none is an error."""
    assert list(request_lines([text])) == []


@given(prefix=st.text().filter(lambda text: text.count("{") < MAX_ATTEMPTS), suffix=st.text())
@example(prefix="{}", suffix="")
@example(prefix='Fn {"attempt": {"_aws": {}}} | ', suffix="}")
def test_a_line_is_found_behind_any_prefix(prefix: str, suffix: str) -> None:
    """`lanner logs` and CloudWatch put names and times in front; what follows does not matter."""
    document = line(consumer="ua:{odd}", detail=[{"a": "}"}])
    assert list(request_lines([prefix + orjson.dumps(document).decode() + suffix])) == [document]


@given(st.lists(st.tuples(st.sampled_from(["v1", "v2"]), st.sampled_from("abc"), st.integers(100, 599))))
def test_every_request_is_counted_once(calls: list[tuple[str, str, int]]) -> None:
    """Requests, routes and statuses add up to the number of lines."""
    lines = [json.dumps(line(version=version, consumer=who, status=status)) for version, who, status in calls]
    callers = count(request_lines(lines))
    assert sum(caller.requests for caller in callers) == len(calls)
    for caller in callers:
        own = [status for version, who, status in calls if (version, who) == (caller.version, caller.consumer)]
        assert caller.requests == len(own) == sum(caller.routes.values())
        assert sum(caller.statuses.values()) == len(own)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are aligned under their headings; control characters in a log do not reach the terminal."""
    file = tmp_path / "log"
    texts = [line(), line(status=404, route="/users/{id}"), line(consumer="key-7\x1b[31m"), line(version="v2")]
    file.write_text("".join(f"Fn | {json.dumps(text)}\n" for text in texts))
    assert main(["callers", "--version", "v1", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "VERSION  CONSUMER    REQUESTS  2xx  3xx  4xx  5xx  FIRST                 LAST                  ROUTES",
        "v1       ua:curl            2    1    0    1    0  2026-11-23T00:00:00Z  2026-11-23T00:00:00Z  "
        "GET /users 1, GET /users/{id} 1",
        "v1       key-7?[31m         1    1    0    0    0  2026-11-23T00:00:00Z  2026-11-23T00:00:00Z  GET /users 1",
    ]


def test_the_command_prints_json_of_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` has every route; bytes that are not UTF-8 are no error."""
    routes = [line(route=f"/r{number}") for number in range(9)]
    text = b"\xff\xfe\n" + b"\n".join(orjson.dumps(each) for each in routes)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["callers", "--json"]) == 0
    (caller,) = json.loads(capsys.readouterr().out)["data"]
    assert caller["requests"] == len(caller["routes"]) == 9


def test_nobody_is_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No caller is what one hopes to read before a sunset: said in words, exit code 0."""
    file = tmp_path / "log"
    file.write_text("START\nEND\n")
    assert main(["callers", "--version", "v1", str(file)]) == 0
    assert capsys.readouterr().out == "no requests for v1\n"


def test_a_missing_file_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the file; no traceback."""
    assert main(["callers", str(tmp_path / "nope")]) == 1
    assert capsys.readouterr().err == f"lanner: error: {tmp_path / 'nope'}: No such file or directory\n"
