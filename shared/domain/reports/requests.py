"""What a client asks for: `{kind, from?, to?}`, days as RFC 3339 section 5.6 writes a full-date, both included, in UTC.

Without `to` a report ends today; without `from` it begins `DEFAULT_DAYS` before its end, and for locales, where there
is neither, it is about all users.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from domain.bodies import kind as json_kind
from domain.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

GROWTH = "growth"
LOCALES = "locales"
ACTIVITY = "activity"
KINDS = (GROWTH, LOCALES, ACTIVITY)
MEMBERS = ("kind", "from", "to")

DEFAULT_DAYS = 30
MAX_DAYS = 1_096
"""Three years with a leap day in them."""
FIRST_YEAR = 1970
"""Ids count milliseconds from there."""

_FULL_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


class ReportRequest:
    """A report to make. `first` and `last` are days; `first` is None for locales of all users."""

    __slots__ = ("first", "kind", "last")

    def __init__(self, kind: str, first: date | None, last: date) -> None:
        self.kind = kind
        self.first = first
        self.last = last

    def document(self) -> dict[str, Any]:  # Any: JSON
        """It as a job carries it, with the days that were defaults spelled out."""
        first = None if self.first is None else self.first.isoformat()
        return {"kind": self.kind, "from": first, "to": self.last.isoformat()}


def read_report_request(document: Mapping[str, Any], now: float) -> ReportRequest:
    """The report in a client's document. Raises `Unprocessable`."""
    reading = Reading()
    reading.members(document, MEMBERS)
    kind = document.get("kind")
    if kind not in KINDS:
        known = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        reading.wrong(("kind",), f"must be {known}" if "kind" in document else f"is required: {known}")
    first, last = (_day(reading, document, name) for name in ("from", "to"))
    reading.finish()
    end = last or datetime.fromtimestamp(now, UTC).date()
    if first is None and not (kind == LOCALES and last is None):
        first = max(end - timedelta(days=DEFAULT_DAYS - 1), date(FIRST_YEAR, 1, 1))
    if first is not None and first > end:
        reading.wrong(("from",), f"must not be after to, which is {end.isoformat()}")
    elif first is not None and (end - first).days >= MAX_DAYS:
        reading.wrong(("from",), f"and to may be {MAX_DAYS} days apart at most")
    reading.finish()
    return ReportRequest(str(kind), first, end)


def stored_request(document: Mapping[str, Any]) -> ReportRequest:
    """The report in a job's payload."""
    first = document["from"]
    return ReportRequest(
        document["kind"], None if first is None else date.fromisoformat(first), date.fromisoformat(document["to"])
    )


def _day(reading: Reading, document: Mapping[str, Any], name: str) -> date | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        reading.wrong((name,), f"must be a string, not {json_kind(value)}")
        return None
    found = _FULL_DATE.fullmatch(value)
    try:
        day = date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        day = None
    if day is None or day.year < FIRST_YEAR:
        reading.wrong((name,), f"must be a day from {FIRST_YEAR} on as RFC 3339 writes it, for example 2026-11-23")
        return None
    return day
