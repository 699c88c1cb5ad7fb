"""rate(), cron() and at(): when they fire, and what they refuse."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.clock import ManualClock
from lanner.local.plan import CloudPlan, FunctionPlan, ScheduleSource
from lanner.local.schedules import ScheduleError, Schedules, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "now", "following"),
    [
        ("rate(5 minutes)", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
        ("rate(1 day)", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("cron(0 10 * * ? *)", "2026-01-01T10:00:00", "2026-01-02T10:00:00"),
        ("cron(15 12 * * ? *)", "2026-01-01T10:00:00", "2026-01-01T12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00:00", "2026-01-05T18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-01-01T08:00:00", "2026-02-01T08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-01-01T00:14:30", "2026-01-01T00:15:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02T17:55:00", "2026-01-05T08:00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-01-01T00:00:00", "2026-01-05T09:00:00"),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("cron(0 0 LW * ? *)", "2026-01-01T00:00:00", "2026-01-30T00:00:00"),
        ("cron(0 0 1W * ? *)", "2026-08-01T00:00:00", "2026-08-03T00:00:00"),
        ("cron(0 0 15W * ? *)", "2026-11-01T00:00:00", "2026-11-16T00:00:00"),
        ("cron(0 0 ? * 6L *)", "2026-01-01T00:00:00", "2026-01-30T00:00:00"),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(30 6 1 JAN,JUL ? 2027)", "2026-01-01T00:00:00", "2027-01-01T06:30:00"),
        ("at(2026-05-01T10:00:00)", "2026-01-01T00:00:00", "2026-05-01T10:00:00"),
    ],
)
def test_when_it_fires_next(expression, now, following):
    """Examples of AWS's documentation and the corners of each field."""
    assert parse(expression).after(at(now)) == at(following)


@pytest.mark.parametrize(
    ("expression", "now", "following"),
    [
        ("cron(0 12 * * ? *)", "2026-01-01T00:00:00", "2026-01-01T11:00:00"),
        ("cron(0 12 * * ? *)", "2026-07-01T00:00:00", "2026-07-01T10:00:00"),
        ("cron(0 0 1 * ? *)", "2026-06-15T00:00:00", "2026-06-30T22:00:00"),
        ("cron(30 2 * * ? *)", "2026-03-28T12:00:00", "2026-03-29T01:30:00"),  # the hour that is skipped
        ("cron(30 2 * * ? *)", "2026-03-29T01:30:00", "2026-03-30T00:30:00"),
        ("cron(30 2 * * ? *)", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),  # the hour that comes twice
        ("cron(30 2 * * ? *)", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        ("cron(30 2 * * ? *)", "2026-10-25T01:10:00", "2026-10-26T01:30:00"),
        ("at(2026-05-01T10:00:00)", "2026-01-01T00:00:00", "2026-05-01T08:00:00"),
        ("rate(1 day)", "2026-03-28T12:00:00", "2026-03-29T12:00:00"),
    ],
)
def test_a_time_zone_is_the_schedules_own(expression, now, following):
    """Europe/Prague, an hour or two before UTC; what changes the clock moves or drops one firing."""
    assert parse(expression, "Europe/Prague").after(at(now)) == at(following)


def test_a_zone_that_is_none_is_refused():
    """The message says what a name looks like."""
    with pytest.raises(ScheduleError, match="'Mars/Olympus' is not a time zone, such as Europe/Prague"):
        parse("rate(1 day)", "Mars/Olympus")


def test_what_is_past_never_fires():
    """A year that is over, a moment that is gone, a date that does not exist."""
    now = at("2026-06-01T00:00:00")
    assert parse("cron(0 0 1 1 ? 2020)").after(now) is None
    assert parse("at(2026-01-01T00:00:00)").after(now) is None
    assert parse("cron(0 0 31 2 ? *)").after(now) is None


@given(st.integers(1_577_836_800, 2_208_988_800), st.integers(0, 59), st.integers(0, 23))
def test_a_daily_cron_fires_within_a_day_at_its_time(seconds, minute, hour):
    """Later than now, at most a day later, at the hour and minute that it names."""
    moment = datetime.fromtimestamp(seconds, UTC)
    following = parse(f"cron({minute} {hour} * * ? *)").after(moment)
    assert following is not None
    assert 0 < (following - moment).total_seconds() <= 86400
    assert (following.hour, following.minute, following.second) == (hour, minute, 0)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "every 5 minutes",
        "cron(0 10 * * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(a 10 * * ? *)",
        "cron(0 10 ? * XYZ *)",
        "cron(5-1 10 * * ? *)",
        "cron(0/0 10 * * ? *)",
        "cron(0 10 ? * MON#x *)",
    ],
)
def test_what_eventbridge_refuses_is_refused_with_the_reason(expression):
    """The message names the expression or its field."""
    with pytest.raises(ScheduleError):
        parse(expression)


class Recorder:
    """Stands where asynchronous invocations are accepted."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, bytes]] = []

    def submit(self, function: str, event: bytes) -> None:
        self.submitted.append((function, event))


def plan_with(*schedules: ScheduleSource) -> CloudPlan:
    function = FunctionPlan("Tick", "s-Tick", "a.b", "python3.13", Path(), schedules=schedules)
    return CloudPlan(Path("t.yaml"), "s", "eu-west-1", "123456789012", {"Tick": function}, {})


def test_a_schedule_that_is_due_submits_its_event():
    """A moment that is already past when the loop looks at the clock fires at once, then waits for the next."""

    async def scenario():
        recorder = Recorder()
        problems: list[str] = []

        class Moving(ManualClock):
            def now(self) -> float:
                self.advance(61)  # every look at the clock is a minute later
                return super().now()

        schedules = Schedules(recorder.submit, Moving(), problems.append)
        schedules.update(
            plan_with(
                ScheduleSource("rate(1 minute)"),
                ScheduleSource("rate(1 minute)", input='{"my": "input"}'),
                ScheduleSource("rate(1 minute)", input="no", enabled=False),
                ScheduleSource("rate(1 parsec)"),
            )
        )
        while len(recorder.submitted) < 6:
            await asyncio.sleep(0)
        await schedules.stop()
        return recorder.submitted, problems

    submitted, problems = asyncio.run(asyncio.wait_for(scenario(), 10))
    events = [json.loads(event) for _, event in submitted]
    assert {"my": "input"} in events
    assert any(event.get("detail-type") == "Scheduled Event" for event in events)
    assert len(problems) == 1
    assert "rate(1 parsec)" in problems[0]
