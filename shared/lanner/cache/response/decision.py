"""What to do with a request, given what is stored, and nothing else: the state machine of RFC 9111 section 4.

    HIT       use the stored response
    STALE     use it although it is stale, because the client permits it (`max-stale`)
    REFRESH   use it although it is stale, and have it refreshed (`stale-while-revalidate`, RFC 5861 section 3)
    VALIDATE  ask the origin whether it still holds
    MISS      ask the origin
    TIMEOUT   the client wants nothing but a stored response, and there is none that may be used: 504 (5.2.1.7)

`reason` says why a request goes forward, in the words of RFC 9211 section 2.2. Order of precedence: what the origin
forbids, then what the client demands, then what either permits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from lanner.cache.response.directives import RequestDirectives
    from lanner.cache.response.record import Record

Kind = Literal["hit", "stale", "refresh", "validate", "miss", "timeout"]
Verdict = Literal["valid", "stale", "gone"]
HIT: Final = "hit"
STALE: Final = "stale"
REFRESH: Final = "refresh"
VALIDATE: Final = "validate"
MISS: Final = "miss"
TIMEOUT: Final = "timeout"

Decision = tuple[Kind, str]


def decide(record: Record | None, asked: RequestDirectives, now: float, verdict: Verdict = "valid") -> Decision:
    """The decision and why. `record` is the one that fits the request, `verdict` what its tags say about it."""
    kind, reason = _decide(record, asked, now, verdict)
    if asked.only_if_cached and kind in (VALIDATE, MISS):
        return TIMEOUT, reason
    return kind, reason


def _decide(record: Record | None, asked: RequestDirectives, now: float, verdict: Verdict) -> Decision:
    if record is None or verdict == "gone":
        return MISS, "miss"
    age = record.age(now)
    remaining = record.lifetime - age if verdict == "valid" else min(0.0, record.lifetime - age)
    if record.directives.no_cache:
        return VALIDATE, "stale"  # section 5.2.2.4: never without validation
    fresh = remaining > 0
    if demands(asked, age, remaining):
        return VALIDATE, "request" if fresh else "stale"
    if fresh:
        return HIT, ""
    if record.never_stale:
        return VALIDATE, "stale"  # section 4.2.4
    if asked.max_stale is not None and -remaining <= asked.max_stale:
        return STALE, ""
    if -remaining <= record.directives.stale_while_revalidate and record.directives.stale_while_revalidate:
        return REFRESH, "stale"
    return VALIDATE, "stale"


def demands(asked: RequestDirectives, age: float, remaining: float) -> bool:
    """Whether the client refuses a response of this age (section 5.2.1).

    `max-age=0` asks for validation. With any `max-age` the client wants nothing stale, unless it says `max-stale` too
    (section 5.2.1.1).
    """
    if asked.no_cache:
        return True
    if asked.max_age is not None:
        if age > asked.max_age or asked.max_age == 0:
            return True
        if remaining <= 0 and asked.max_stale is None:
            return True
    return asked.min_fresh is not None and remaining < asked.min_fresh


def stale_on_error(record: Record, asked: RequestDirectives, now: float) -> bool:
    """Whether it may stand in for an origin that fails (RFC 5861 section 4; RFC 9111 section 4.2.4)."""
    if record.never_stale:
        return False
    staleness = record.age(now) - record.lifetime
    directives = record.directives
    window = max(directives.stale_if_error, directives.stale_while_revalidate, asked.stale_if_error)
    if asked.max_stale is not None:
        window = max(window, asked.max_stale)
    return staleness <= 0 or (window > 0 and staleness <= window)
