"""Times as this API writes them: RFC 3339, UTC, milliseconds (`2026-11-23T03:52:11.123Z`); inside, whole milliseconds.

Integers of milliseconds since the Unix epoch are what UUIDv7 holds (RFC 9562 section 5.7), so a time that a client
sees and the id that was made with it never disagree.
"""

from __future__ import annotations

import time

MAX_MS = (1 << 48) - 1
"""The last millisecond that a UUIDv7 can hold, in the year 10889."""

LAST_WRITABLE_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: RFC 3339 years have four digits."""


def rfc3339(milliseconds: int) -> str:
    """The time as the API writes it. Raises `ValueError` outside the years 1970 to 9999."""
    if not 0 <= milliseconds <= LAST_WRITABLE_MS:
        raise ValueError(f"{milliseconds} ms is outside the years 1970 to 9999")
    seconds, rest = divmod(milliseconds, 1000)
    t = time.gmtime(seconds)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{rest:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 date-time, cut off below the millisecond.

    Any offset and any number of fractional digits; `t` and `z` in either case; a leap second counts as the second
    before it. Times before 1970 are negative. Raises `ValueError` with a sentence for a client.
    """
    import re
    from calendar import monthrange, timegm

    found = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", text, flags=re.ASCII
    )
    if found is None:
        raise ValueError("a time is written as RFC 3339 says, for example 2026-11-23T03:52:11Z")
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    if not (1 <= month <= 12 and year >= 1 and 1 <= day <= monthrange(year, month)[1]):
        raise ValueError("there is no such day in the calendar")
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("there is no such time of day")
    milliseconds = int((found[7] or "0").ljust(3, "0")[:3])
    return (timegm((year, month, day, hour, minute, min(second, 59))) - _offset(found[8])) * 1000 + milliseconds


def _offset(zone: str) -> int:
    """Seconds east of UTC."""
    if zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("there is no such offset from UTC")
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds
