"""Moments as they are declared and shown: RFC 3339 text in, epoch seconds inside, RFC 3339 text out.

Written by hand because importing `datetime` at a cold start costs more than everything the registry does; what
`http.dates` is to headers, this is to declarations and JSON. Text that is no moment raises `ValueError`, naming what
was wrong, because it stands in a declaration and not in a request.
"""

from __future__ import annotations

import time

from lanner.http.dates import days_from_civil

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from datetime import datetime

_DAY = 86_400
_FORM = "2026-09-01T00:00:00Z or 2026-09-01 (midnight UTC)"


def epoch(moment: str | datetime) -> float:
    """Seconds since the Unix epoch of an RFC 3339 date-time, a full-date (midnight UTC) or an aware `datetime`.

    A leap second counts as the first second of the next minute, as in POSIX time. Raises `ValueError` for anything
    else, a naive `datetime` included: which moment it means depends on who reads it.
    """
    if not isinstance(moment, str):
        if moment.utcoffset() is None:
            raise ValueError(f"{moment!r} has no time zone: use an aware datetime, or text like {_FORM}")
        return moment.timestamp()
    if len(moment) == 10:
        return float(_days(moment, moment) * _DAY)
    if len(moment) < 20 or moment[10] not in "Tt":
        raise ValueError(f"{moment!r} is not an RFC 3339 time: write {_FORM}")
    seconds, rest = _clock(moment[11:19], moment), moment[19:]
    fraction = 0.0
    if rest[0] == ".":
        digits = len(rest) - len(rest[1:].lstrip("0123456789")) - 1
        if not digits:
            raise ValueError(f"{moment!r} has a decimal point without digits: write {_FORM}")
        fraction, rest = float(rest[: digits + 1]), rest[digits + 1 :]
    return _days(moment[:10], moment) * _DAY + seconds - _offset(rest, moment) + fraction


def _days(date: str, moment: str) -> int:
    year, month, day = _number(date[:4], moment), _number(date[5:7], moment), _number(date[8:], moment)
    if date[4] != "-" or date[7] != "-" or not 1 <= month <= 12 or not 1 <= day <= _month_length(year, month):
        raise ValueError(f"{moment!r} is not a date of the calendar: write {_FORM}")
    return days_from_civil(year, month, day)


def _month_length(year: int, month: int) -> int:
    after = (year + 1, 1) if month == 12 else (year, month + 1)
    return days_from_civil(*after, 1) - days_from_civil(year, month, 1)


def _clock(clock: str, moment: str) -> int:
    hour, minute, second = _number(clock[:2], moment), _number(clock[3:5], moment), _number(clock[6:], moment)
    if clock[2] != ":" or clock[5] != ":" or hour > 23 or minute > 59 or second > 60:
        raise ValueError(f"{moment!r} is not a time of day: write {_FORM}")
    return hour * 3600 + minute * 60 + second


def _offset(zone: str, moment: str) -> int:
    if zone in ("Z", "z"):
        return 0
    if len(zone) != 6 or zone[0] not in "+-" or zone[3] != ":":
        raise ValueError(f"{moment!r} has no time zone: end it with Z or an offset like +02:00")
    seconds = _clock(zone[1:] + ":00", moment)
    return -seconds if zone[0] == "-" else seconds


def _number(digits: str, moment: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{moment!r} is not an RFC 3339 time: write {_FORM}")
    return int(digits)


def rfc3339(moment: float) -> str:
    """Epoch seconds as an RFC 3339 date-time in UTC, fractions of a second cut off: `2026-09-01T00:00:00Z`."""
    year, month, day, hour, minute, second, _, _, _ = time.gmtime(moment // 1)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"


def readable(moment: float) -> str:
    """As people write it: the date alone where the moment is midnight UTC, else the whole RFC 3339 date-time."""
    text = rfc3339(moment)
    return text[:10] if moment % _DAY == 0 else text
