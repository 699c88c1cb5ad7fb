"""One attempt to deliver a webhook, redirects included, and what its outcome means for the next one.

2xx                                          delivered
307, 308                                     followed with the same POST, three times at most, each target checked
408, 425, 429, 5xx                           another attempt later, not before Retry-After
no connection, no answer in time             another attempt later
410                                          refused for good: the receiver has gone and says so
other 3xx and 4xx                            refused for good: the same request would be refused again. A 301, 302
                                             or 303 would make a GET of it (RFC 9110 section 15.4)
a target that is not allowed                 refused for good, wherever it came from
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from domain.notifications.exchange import Deadline, Forbidden, Unreachable, addresses_of, post
from domain.notifications.signature import signed_headers
from domain.notifications.targets import TargetRefused, read_target
from lanner.http.dates import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.notifications.exchange import Resolver
    from lanner.clock import Clock

ATTEMPT_S = 10.0
"""For one attempt with all its redirects; receivers are told to answer first and work later."""
MAX_REDIRECTS = 3
MAX_RETRY_AFTER_S = 3_600.0
PASSING = frozenset({408, 425, 429})
"""4xx about the moment, after which the same request may succeed (RFC 9110 section 15.5.9, RFC 8470, RFC 6585)."""
USER_AGENT = "Lanner-Webhooks/1"

DELIVERED = "delivered"
LATER = "later"
REFUSED = "refused"


class Outcome:
    """How an attempt ended: `kind` is one of three, `detail` a sentence for whoever asked for the notification.

    `status` is the receiver's last one, or None; `retry_after` the seconds that it asked for, or None.
    """

    __slots__ = ("detail", "kind", "retry_after", "status")

    def __init__(self, kind: str, detail: str, status: int | None = None, retry_after: float | None = None) -> None:
        self.kind = kind
        self.detail = detail
        self.status = status
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"Outcome({self.kind}, {self.detail!r})"


def deliver(
    url: str, message_id: str, body: bytes, keys: Sequence[bytes], clock: Clock, resolve: Resolver = addresses_of
) -> Outcome:
    """Send `body` to `url`, signed with every key, within `ATTEMPT_S`."""
    deadline = Deadline(clock, ATTEMPT_S)
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "accept": "*/*",
        **signed_headers(message_id, int(clock.now()), body, keys),
    }
    for _ in range(MAX_REDIRECTS + 1):
        try:
            target = read_target(url)
            status, fields = post(target, headers, body, deadline, resolve)
        except TargetRefused as refused:
            return Outcome(REFUSED, f"The URL {refused}")
        except Forbidden as forbidden:
            return Outcome(REFUSED, f"Not sent: {forbidden}")
        except Unreachable as problem:
            return Outcome(LATER, f"Not delivered: {problem}")
        if status not in (307, 308):
            return _judged(status, fields, clock)
        location = fields.get(b"location", b"").decode("latin-1").partition("#")[0]
        try:
            url = urljoin(target.url, location)
        except ValueError:
            location = ""
        if not location:
            return Outcome(REFUSED, f"The receiver answered {status} without a usable Location", status)
    return Outcome(REFUSED, f"The receiver redirects more than {MAX_REDIRECTS} times", status)


def _judged(status: int, fields: dict[bytes, bytes], clock: Clock) -> Outcome:
    said = f"The receiver answered {status}"
    if 200 <= status < 300:
        return Outcome(DELIVERED, said, status)
    if status in PASSING or status >= 500:
        return Outcome(LATER, said, status, retry_after(fields.get(b"retry-after", b"").decode("latin-1"), clock))
    return Outcome(REFUSED, f"{said}: it takes no more of these" if status == 410 else said, status)


def retry_after(value: str, clock: Clock) -> float | None:
    """Seconds that a Retry-After asks for (RFC 9110 section 10.2.3), an hour at most; None where it says nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    moment = parse_http_date(text) if text else None
    return None if moment is None else min(max(moment - clock.now(), 0.0), MAX_RETRY_AFTER_S)
