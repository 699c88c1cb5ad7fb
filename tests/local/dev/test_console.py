"""What the developer reads: one line per request, colour only where it is wanted, errors and not metrics."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from lanner.local.console import Console, cache_outcome, error_of, wants_colour
from lanner.local.gateway.record import RequestRecord
from lanner.local.plan import Finding, Where
from lanner.local.runtime.logbook import LogLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(action, **settings):
    stream = io.StringIO()
    action(Console(stream, **settings))
    return stream.getvalue()


def a_record(**changes):
    fields = {
        "id": "r",
        "time": 0.0,
        "method": "GET",
        "path": "/v2/users?limit=1",
        "api": "Api",
        "route": "GET /users",
        "function": "Users",
        "status": 200,
        "duration_ms": 12.345,
        "version": "v2",
    }
    return RequestRecord(**{**fields, **changes})


def log_line(text, platform=False):
    return LogLine(0.0, "Users", "Users-1", text, platform)


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(stream, environ, expected):
    """no-color.org: any non-empty value switches it off."""
    assert wants_colour(stream, environ) is expected


def test_the_request_line_has_everything_in_order():
    """Method, path, version, status, time, temperature, cache outcome, function."""
    line = written(lambda console: console.request(a_record(cold=True, cache="lanner; hit; ttl=30")))
    assert line.split("  ", 1)[1] == ("GET     /v2/users?limit=1  v2  200  12.3 ms  cold  hit  Users\n")


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("", ""),
        ("lanner; hit; ttl=30", "hit"),
        ("lanner;hit;ttl=-4", "stale"),
        ("lanner; fwd=uri-miss; stored", "miss stored"),
        ("lanner; fwd=vary-miss", "miss"),
        ("lanner; fwd=stale; fwd-status=304; stored", "revalidated stored"),
        ("lanner; fwd=bypass", "bypass"),
        ("origin; fwd=uri-miss, lanner; hit", "hit"),
        ('lanner; fwd=uri-miss; key="a, b; hit"', "miss"),
        ("lanner", ""),
    ],
)
def test_the_cache_outcome_is_one_word_of_the_nearest_cache(header, shown):
    """RFC 9211: the last member is the cache nearest to the client; negative ttl is a stale hit."""
    assert cache_outcome(header) == shown


def test_lines_of_requests_wait_for_each_other_and_nothing_else_waits():
    """Many requests are one flush, a moment later; whatever is said meanwhile comes after them."""

    class Counting(io.StringIO):
        flushes = 0

        def flush(self):
            self.flushes += 1

    async def scenario():
        stream = Counting()
        console = Console(stream)
        for _ in range(50):
            console.request(a_record())
        assert stream.flushes == 0
        while stream.flushes == 0:
            await asyncio.sleep(0)
        console.say("last")
        return stream

    stream = asyncio.run(scenario())
    assert stream.flushes == 2
    assert stream.getvalue().count("\n") == 51
    assert stream.getvalue().endswith("last\n")


def test_a_request_that_the_gateway_answered_says_so_by_its_note():
    """No function, no version: the note tells why."""
    line = written(lambda console: console.request(a_record(function="", version="", status=403, note="no such route")))
    assert line.endswith("  -  403  12.3 ms  gateway: no such route\n")


def test_colour_wraps_the_status_and_nothing_breaks_without_it():
    """Red for 5xx."""
    coloured = written(lambda console: console.request(a_record(status=503)), colour=True)
    assert "\033[31m503\033[0m" in coloured


def test_events_are_shown_only_when_asked_for():
    """`--verbose`."""
    record = a_record(event=b'{"path":"/"}')
    assert '{"path":"/"}' not in written(lambda console: console.request(record))
    assert 'event {"path":"/"}' in written(lambda console: console.request(record), verbose=True)


def test_a_client_cannot_drive_the_terminal():
    """Control characters in a path or a log line are shown, not obeyed."""
    assert "\033" not in written(lambda console: console.request(a_record(path="/\033[2J")))
    assert "\\x1b[2J" in written(lambda console: console.log(log_line("\033[2J")))


def test_prints_are_shown_and_metrics_and_platform_lines_are_not():
    """The developer's own words; the rest with verbose."""
    metrics = json.dumps({"_aws": {"CloudWatchMetrics": []}, "Latency": 1})
    for text, platform in ((metrics, False), ("START RequestId: x", True)):
        assert written(lambda console, text=text, platform=platform: console.log(log_line(text, platform))) == ""
        shown = written(
            lambda console, text=text, platform=platform: console.log(log_line(text, platform)), verbose=True
        )
        assert text in shown
    assert written(lambda console: console.log(log_line("debug"))) == "Users | debug\n"
    assert written(lambda console: console.log(log_line('{"_aws": "not metrics"}'))) != ""


def test_the_error_in_a_request_line_is_shown_as_a_traceback():
    """An EMF document is data, but what went wrong is for the developer: type, frames, cause."""
    document = {
        "_aws": {"CloudWatchMetrics": []},
        "error": {
            "type": "KeyError",
            "message": "'x'",
            "stack": ["app.py:1 f", "app.py:9 g"],
            "cause": {"type": "ValueError", "message": "y", "stack": [], "cause": None},
        },
    }
    assert error_of(document).split("\n") == [
        "[ERROR] KeyError: 'x'",
        "    app.py:1 f",
        "    app.py:9 g",
        "caused by",
        "[ERROR] ValueError: y",
    ]
    assert "Users |     app.py:9 g\n" in written(lambda console: console.log(log_line(json.dumps(document))))


def test_findings_point_into_the_template():
    """File and line first, as editors link them; ignored ones only with verbose."""
    where = Where(Path("t.yaml"), 7)
    findings = [Finding("unsupported", "Res", "no", where), Finding("ignored", "Other", "fine", where)]
    assert written(lambda console: console.findings(findings)) == "t.yaml:7: unsupported: Res: no\n"
    assert "ignored: Other: fine" in written(lambda console: console.findings(findings), verbose=True)


def test_a_reader_that_has_left_ends_nothing():
    """`lanner dev | head` goes on serving."""

    attempts = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            attempts.append(text)
            raise BrokenPipeError

    console = Console(Closed())
    console.say("anything")
    assert attempts  # it was tried, and the error went no further
