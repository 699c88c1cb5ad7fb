"""The numbers of a report: which users are read for it, and rows made of their sums.

growth      new users of each period and how many there were at its end: users made up to the last day
activity    users made and users changed in each period: the same users, since anyone may have been changed
locales     how users are spread over locales: users made in the period, or all

A period is a day, and a month where the report covers more than `DAYS_MAX` days.
"""

from __future__ import annotations

from calendar import timegm
from datetime import MAXYEAR, date, timedelta
from typing import Any

from domain import ids
from domain.reports.requests import ACTIVITY, GROWTH, LOCALES, ReportRequest
from domain.users.statistics import DAY, MONTH, Tally, growth, months, shares

DAYS_MAX = 92

Row = dict[str, Any]
"""`Any`: text or numbers."""

COLUMNS = {
    GROWTH: ("period", "new_users", "total_users"),
    ACTIVITY: ("period", "created", "updated"),
    LOCALES: ("locale", "users", "share"),
}


def unit_of(request: ReportRequest) -> int:
    """Whether periods are days or months, as `Tally` takes it."""
    if request.first is None or (request.last - request.first).days >= DAYS_MAX:
        return MONTH
    return DAY


def bounds(request: ReportRequest) -> tuple[str, str]:
    """The first and the last id of users that count."""
    if request.first is None or request.last.year == MAXYEAR:
        return ids.FIRST, ids.LAST
    last = ids.before(ids.first_of(_milliseconds(request.last + timedelta(days=1))))
    return ids.first_of(_milliseconds(request.first)) if request.kind == LOCALES else ids.FIRST, last


def periods(request: ReportRequest) -> list[str]:
    """The names of the periods, in order."""
    assert request.first is not None  # growth and activity have one
    if unit_of(request) == MONTH:
        return months(request.first.isoformat()[:MONTH], request.last.isoformat()[:MONTH])
    days = (request.last - request.first).days + 1
    return [(request.first + timedelta(days=day)).isoformat() for day in range(days)]


def new_tally(request: ReportRequest, stored: Row | None = None) -> Tally:
    """The sums of a report at its beginning, or as they were stored."""
    first = "" if request.first is None else request.first.isoformat()
    return Tally(unit_of(request), stored, first=first, last=request.last.isoformat())


def rows(request: ReportRequest, tally: Tally) -> list[Row]:
    """The rows of the report, with the names in `COLUMNS`."""
    if request.kind == LOCALES:
        return shares(tally.by_locale)
    names = periods(request)
    if request.kind == GROWTH:
        return growth(tally.by_created, names, tally.earlier)
    created, updated = tally.by_created, tally.by_updated
    return [{"period": name, "created": created.get(name, 0), "updated": updated.get(name, 0)} for name in names]


def _milliseconds(day: date) -> int:
    return timegm(day.timetuple()) * 1000
