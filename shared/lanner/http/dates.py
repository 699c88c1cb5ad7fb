"""HTTP dates (RFC 9110 section 5.6.7), without `datetime` or `email`: an edge answer should not pay for their import.

    IMF-fixdate   Sun, 06 Nov 1994 08:49:37 GMT     the only form that is written
    rfc850-date   Sunday, 06-Nov-94 08:49:37 GMT    read; two digits of the year, at most 50 years ahead of now
    asctime-date  Sun Nov  6 08:49:37 1994          read

What does not parse is None, never an exception: the rules that use dates all say "ignore it".
"""

from __future__ import annotations

import time

from lanner.clock import SystemClock

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}
_DAY_SECONDS = 86_400


def http_date(epoch: float) -> str:
    """Seconds since the epoch as an IMF-fixdate, fractions cut off. Raises `ValueError` outside years 1 to 9999."""
    try:
        year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(epoch // 1)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{epoch} seconds is no HTTP date: the year must be 1 to 9999") from error
    if not 1 <= year <= 9999:
        raise ValueError(f"{epoch} seconds is no HTTP date: the year must be 1 to 9999")
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:04d} {clock} GMT"


def parse_http_date(text: str, *, now: float | None = None) -> int | None:
    """Seconds since the epoch, or None for anything that is not one of the three forms.

    `now` (seconds; the machine's time by default) decides the century of an rfc850-date.
    """
    parts = text.strip().split()
    if len(parts) == 6 and parts[5] == "GMT" and parts[0].endswith(","):
        name, day, month, year, clock = parts[0][:-1], parts[1], parts[2], parts[3], parts[4]
        if name in _DAYS and len(day) == 2 and len(year) == 4:
            return _epoch(year, month, day, clock)
    elif len(parts) == 4 and parts[3] == "GMT" and parts[0].endswith(","):
        fields = parts[1].split("-")
        if parts[0][:-1] in _LONG_DAYS and len(fields) == 3 and len(fields[0]) == 2 and len(fields[2]) == 2:
            return _two_digit_year(fields[2], fields[1], fields[0], parts[2], SystemClock.now() if now is None else now)
    elif len(parts) == 5 and parts[0] in _DAYS and len(parts[2]) <= 2 and len(parts[4]) == 4:
        return _epoch(parts[4], parts[1], parts[2], parts[3])
    return None


def _two_digit_year(year: str, month: str, day: str, clock: str, now: float) -> int | None:
    """The latest year with these last two digits whose date is at most 50 years ahead of now."""
    if not (year.isascii() and year.isdigit()):
        return None
    this_year = time.gmtime(now).tm_year
    full = this_year + 50 - (this_year + 50 - int(year)) % 100
    epoch = _epoch(f"{full:04d}", month, day, clock)
    if full == this_year + 50 and epoch is not None:
        at_most = days_from_civil(full, *time.gmtime(now)[1:3]) * _DAY_SECONDS + now % _DAY_SECONDS
        if epoch > at_most:
            return _epoch(f"{full - 100:04d}", month, day, clock)
    return epoch


def _epoch(year: str, month: str, day: str, clock: str) -> int | None:
    number = _MONTH_NUMBERS.get(month)
    fields = clock.split(":")
    if number is None or len(fields) != 3 or not all(len(field) == 2 for field in fields):
        return None
    digits = year + day + "".join(fields)
    if not (digits.isascii() and digits.isdigit()):
        return None
    y, d, hour, minute, second = int(year), int(day), int(fields[0]), int(fields[1]), int(fields[2])
    if y < 1 or not 1 <= d <= _days_in_month(y, number) or hour > 23 or minute > 59 or second > 60:
        return None
    # A leap second counts as the first second of the next minute, as POSIX time does.
    return days_from_civil(y, number, d) * _DAY_SECONDS + hour * 3600 + minute * 60 + second


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the Gregorian calendar (years that begin in March make leap days last)."""
    if month <= 2:
        year, month = year - 1, month + 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 1 - 719_468
