"""How old a response is and how long it is fresh (RFC 9111 section 4.2), as numbers in seconds.

    fresh      lifetime > current age                                               (section 4.2)
    lifetime   s-maxage (shared), max-age, Expires - Date, or a heuristic           (section 4.2.1, 4.2.2)
    age        the larger of what Date shows and what Age says plus the delay,
               plus the time since                                                  (section 4.2.3)

`Date` has whole seconds, so the moment of receipt is cut to whole seconds before the two are compared: a response made
in this very second has an apparent age of 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.directives import MAX_SECONDS, delta_seconds
from lanner.http.dates import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.response.directives import ResponseDirectives

# RFC 9110 section 15.1.
HEURISTIC_STATUSES: Final = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
HEURISTIC_FRACTION: Final = 0.1  # of the time since Last-Modified: section 4.2.2 calls 10% typical
HEURISTIC_MAX: Final = 7 * 86_400.0  # seconds: a guess should not outlive a release


def moment(text: str | None, now: float) -> int | None:
    """An HTTP date in seconds since the epoch, None where it is none; letter case does not count (section 4.2).

    `now` decides the century of a date with two digits of the year. A zone other than GMT makes it no date.
    """
    if not text:
        return None
    found = parse_http_date(text, now=now)
    if found is None and text.isascii():
        found = parse_http_date(text.title().replace("Gmt", "GMT"), now=now)
    return found


def age_value(headers: Mapping[str, str]) -> int:
    """What Age says, 0 when it says nothing valid; of a list the first member counts (section 5.1)."""
    value = headers.get("age")
    if value is None:
        return 0
    return delta_seconds(value.partition(",")[0].strip(" \t")) or 0


def date_value(headers: Mapping[str, str], received: float) -> int:
    """When the response was made: Date, or the time of receipt where that is missing or invalid (RFC 9110 6.6.1)."""
    date = moment(headers.get("date"), received)
    return int(received // 1) if date is None else date


def initial_age(headers: Mapping[str, str], requested: float, received: float) -> float:
    """The age at the moment of receipt: `corrected_initial_age` of section 4.2.3."""
    apparent = max(0.0, received // 1 - date_value(headers, received))
    delay = max(0.0, received - requested)
    return max(apparent, age_value(headers) + delay)


def is_heuristic(status: int, directives: ResponseDirectives) -> bool:
    """Whether a lifetime may be guessed for it: by its status, or because it is `public` (section 4.2.2)."""
    return status in HEURISTIC_STATUSES or directives.public


def explicit_lifetime(
    headers: Mapping[str, str], directives: ResponseDirectives, received: float, shared: bool
) -> float | None:
    """The lifetime that the response states, or None (section 4.2.1). An Expires that is no date is over (5.3)."""
    stated = directives.lifetime(shared)
    if stated is not None:
        return float(stated)
    if directives.targeted:
        return None  # RFC 9213 section 2.2: Expires does not count beside a targeted field
    expires = headers.get("expires")
    if expires is None:
        return None
    end = moment(expires, received)
    if end is None:
        return 0.0
    return float(min(max(0, end - date_value(headers, received)), MAX_SECONDS))


def heuristic_lifetime(
    status: int,
    headers: Mapping[str, str],
    directives: ResponseDirectives,
    received: float,
    fraction: float = HEURISTIC_FRACTION,
    longest: float = HEURISTIC_MAX,
) -> float:
    """A guess from Last-Modified, 0 where there is nothing to guess from. Only without an explicit lifetime."""
    modified = headers.get("last-modified")
    if modified is None or not is_heuristic(status, directives):
        return 0.0
    since = moment(modified, received)
    if since is None:
        return 0.0
    return min(max(0.0, (date_value(headers, received) - since) * fraction), longest)
