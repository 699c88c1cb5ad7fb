"""Schedules: `rate(...)`, `cron(...)` and `at(...)` expressions, and the asynchronous invocations that they cause.

Times are UTC, or of the time zone that a schedule of EventBridge Scheduler names. A cron expression has six fields:
minutes hours day-of-month month day-of-week year; `*`, lists, ranges and steps, names of months and days, `?` in one of
the two day fields, `L`, `W` and `#`. The first firing of a rate is one period after the start.

Source: docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html; EventBridge Scheduler User
Guide, "Schedule types".
"""

from __future__ import annotations

import asyncio
import calendar
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lanner.clock import Clock
from lanner.local.plan import CloudPlan, FunctionPlan, ScheduleSource

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((.*)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_HORIZON_DAYS = 366 * 8  # a leap day on a given weekday comes within 28 years, but nobody schedules that
_LONGEST_SLEEP = 3600.0  # a laptop that slept wakes to a wrong timer: look at the clock again


class ScheduleError(ValueError):
    """An expression that EventBridge would refuse; the message names the field."""


@dataclass(frozen=True)
class Rate:
    seconds: int

    def after(self, moment: datetime) -> datetime | None:
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Once:
    moment: datetime

    def after(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None


DayRule = Callable[[datetime], bool]


@dataclass(frozen=True)
class Cron:
    """A cron expression, compiled. `day` says whether a date fires."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    day: DayRule
    zone: tzinfo = UTC

    def after(self, moment: datetime) -> datetime | None:
        """The first minute after `moment` that matches, within eight years; None when there is none.

        An hour that a clock skips counts as the one after it, an hour that it repeats fires once.
        """
        local = self._after(moment.astimezone(self.zone))
        while local is not None and local.astimezone(UTC) <= moment:
            local = self._after(local)
        return None if local is None else local.astimezone(UTC)

    def _after(self, moment: datetime) -> datetime | None:
        start = (moment + timedelta(minutes=1)).replace(second=0, microsecond=0, fold=0)
        for days in range(_HORIZON_DAYS):
            date = (start + timedelta(days=days)).replace(hour=0, minute=0)
            if date.year not in self.years or date.month not in self.months or not self.day(date):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    candidate = date.replace(hour=hour, minute=minute)
                    if candidate >= start:
                        return candidate
        return None


Expression = Rate | Once | Cron


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises `ScheduleError`."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"{name!r} is not a time zone, such as Europe/Prague") from None


def parse(expression: str, timezone: str = "UTC") -> Expression:
    """Compile an expression. Raises `ScheduleError`."""
    zone = zone_of(timezone)
    text = expression.strip()
    if match := _RATE.fullmatch(text):
        number, unit = int(match[1]), match[2]
        if number < 1 or (number == 1) == unit.endswith("s"):
            raise ScheduleError(f"{text}: a number above 0, `1 minute` in the singular, `2 minutes` in the plural")
        return Rate(number * _UNITS[unit.rstrip("s")])
    if match := _AT.fullmatch(text):
        try:
            return Once(datetime.fromisoformat(match[1]).replace(tzinfo=zone))
        except ValueError as error:
            raise ScheduleError(f"{text}: {error}") from None
    if match := _CRON.fullmatch(text):
        return _parse_cron(match[1], zone)
    raise ScheduleError(f"{text!r} is none of rate(value unit), cron(six fields), at(yyyy-mm-ddThh:mm:ss)")


def _parse_cron(text: str, zone: tzinfo) -> Cron:
    fields = text.split()
    if len(fields) != 6:
        raise ScheduleError(f"cron({text}) has {len(fields)} fields; six are needed, with ? in one of the day fields")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ScheduleError(f"cron({text}): exactly one of day-of-month and day-of-week must be ?")
    return Cron(
        minutes=_values(minutes, 0, 59, {}, "minutes"),
        hours=_values(hours, 0, 23, {}, "hours"),
        months=_values(month, 1, 12, _MONTHS, "month"),
        years=_values(year, 1970, 2199, {}, "year"),
        day=_weekday_rule(weekday) if day == "?" else _day_rule(day),
        zone=zone,
    )


def _values(field: str, low: int, high: int, names: dict[str, int], what: str) -> frozenset[int]:
    found: set[int] = set()
    for part in field.upper().split(","):
        body, slash, step_text = part.partition("/")
        if slash and not step_text.isdigit():
            raise ScheduleError(f"{what}: the step in {part!r} is not a number")
        step = int(step_text) if slash else 1
        if body == "*":
            first, last = low, high
        else:
            begin, dash, end = body.partition("-")
            first = _number(begin, names, what)
            last = _number(end, names, what) if dash else (high if slash else first)
        if step < 1 or not low <= first <= last <= high:
            raise ScheduleError(f"{what}: {part!r} is not within {low}-{high}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int], what: str) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise ScheduleError(f"{what}: {text!r} is not a number" + (" or a name" if names else ""))
    return int(text)


def _last_day(date: datetime) -> int:
    return calendar.monthrange(date.year, date.month)[1]


def _day_rule(field: str) -> DayRule:
    text = field.upper()
    if text == "L":
        return lambda date: date.day == _last_day(date)
    if text.endswith("W"):
        wanted = _last_day if text == "LW" else lambda _: _number(text[:-1], {}, "day-of-month")
        return lambda date: date.day == _nearest_weekday(date, wanted(date))
    days = _values(text, 1, 31, {}, "day-of-month")
    return lambda date: date.day in days


def _nearest_weekday(date: datetime, day: int) -> int:
    """The weekday nearest to `day` within its month."""
    last = _last_day(date)
    day = min(day, last)
    weekday = date.replace(day=day).weekday()
    if weekday == 5:  # Saturday: the Friday before, or the Monday after the first
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _weekday_rule(field: str) -> DayRule:
    text = field.upper()
    if "#" in text:
        name, _, nth = text.partition("#")
        wanted = _number(name, _DAYS, "day-of-week")
        week = _number(nth, {}, "day-of-week")
        return lambda date: _weekday(date) == wanted and (date.day - 1) // 7 + 1 == week
    if text.endswith("L"):
        wanted = _number(text[:-1] or "7", _DAYS, "day-of-week")
        return lambda date: _weekday(date) == wanted and date.day + 7 > _last_day(date)
    days = _values(text, 1, 7, _DAYS, "day-of-week")
    return lambda date: _weekday(date) in days


def _weekday(date: datetime) -> int:
    """1 for Sunday to 7 for Saturday, as cron on AWS counts."""
    return date.isoweekday() % 7 + 1


def scheduled_event(function: FunctionPlan, source: ScheduleSource, plan: CloudPlan, moment: datetime) -> bytes:
    """What the function gets: the schedule's own input, else EventBridge's "Scheduled Event"."""
    if source.input is not None:
        return source.input.encode()
    rule = f"arn:aws:events:{plan.region}:{plan.account}:rule/{plan.stack_name}-{function.logical_id}"
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": plan.account,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": plan.region,
        "resources": [rule],
        "detail": {},
    }
    return json.dumps(event).encode()


class Schedules:
    """Fires the schedules of the current plan.

    `submit` accepts an event for a function (logical id) and does not wait; what cannot be parsed is reported
    through `problem`.
    """

    def __init__(self, submit: Callable[[str, bytes], object], clock: Clock, problem: Callable[[str], None]) -> None:
        self._submit = submit
        self._clock = clock
        self._problem = problem
        self._tasks: list[asyncio.Task[None]] = []

    def update(self, plan: CloudPlan) -> None:
        """Fire what `plan` says, from now on."""
        self._cancel()
        for function in plan.functions.values():
            for source in function.schedules:
                if not source.enabled:
                    continue
                try:
                    expression = parse(source.expression, source.timezone)
                except ScheduleError as error:
                    self._problem(f"{function.where}: {function.logical_id} is not scheduled: {error}")
                    continue
                work = self._fire(function, source, expression, plan)
                self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _fire(
        self, function: FunctionPlan, source: ScheduleSource, expression: Expression, plan: CloudPlan
    ) -> None:
        following = expression.after(self._now())
        while following is not None:
            wait = (following - self._now()).total_seconds()
            await asyncio.sleep(min(max(wait, 0), _LONGEST_SLEEP))
            if self._now() < following:
                continue
            self._submit(function.logical_id, scheduled_event(function, source, plan, following))
            following = expression.after(max(following, self._now() - timedelta(seconds=1)))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def stop(self) -> None:
        tasks = list(self._tasks)
        self._cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
