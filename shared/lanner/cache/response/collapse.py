"""Collapsed forwarding: of many that miss, one goes to the origin and the others wait for what it stores.

    leads      has the lease of the key; stores and ends it, or marks the key, or gives the lease back
    waits      reads again and again, with growing pauses, and asks less often for the lease, until something usable
               is stored, the key is marked, the lease is free (its holder died or gave up: then it leads, with a lease
               of twice the time, because the first was too short or too late) or its budget is spent
    goes alone found the key marked, gave up waiting, or the backend is down; stores only if nobody holds the lease

A wait is longer than a lease and an answer, so that the death of a leader costs one more call and not one per reader;
and it takes at most half of what is left of the invocation, so that the request can still be answered after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.answer import is_conditional
from lanner.cache.response.storage import is_marker, token
from lanner.cache.response.storing import allows_authorised

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.cache.response.storage import Found, Storage
    from lanner.cache.response.trip import Trip
    from lanner.http.message import Request, Response

_TAKEN_OVER: Final = 2.0
_FOR_ORIGIN: Final = ("if-match", "if-unmodified-since")


class Collapse:
    """The leases of keys, and the waits for them. Durations in milliseconds."""

    __slots__ = ("lease_ms", "storage", "wait_ms")

    def __init__(self, storage: Storage, lease_ms: int, wait_ms: int) -> None:
        self.storage = storage
        self.lease_ms = lease_ms
        self.wait_ms = wait_ms

    def wait(self, trip: Trip, usable: Callable[[Found, bool], Response | None]) -> Response | None:
        """The answer that somebody else's work allows, or None when this request has to go itself.

        It then leads if the trip has a holder. `usable` makes an answer of what is stored, if it can; its second
        argument says whether somebody else was waited for.
        """
        from lanner.cache.lease import Patience  # brings `random`: a millisecond that no hit needs

        storage, clock = self.storage, self.storage.clock
        holder = token()
        lease = self.lease_ms / 1000
        patience = Patience(clock, self._budget(trip.request))
        waited = False
        while True:
            granted = storage.acquire(trip.key, holder, lease) if patience.asks() else False
            if granted is None:
                return None
            # Also with the lease: its last holder may have stored between our read and now.
            found = storage.find(trip.key, trip.request.headers)
            answer = usable(found, waited) if found.available else None
            if answer is not None:
                if granted:
                    storage.release(trip.key, holder)
                return answer
            if granted:
                trip.lead(holder, found)
                return None
            if not found.available or is_marker(found.stored) or is_held(found, clock.now()):
                return None
            if not patience.pause():
                return None
            if not waited:
                waited, lease = True, lease * _TAKEN_OVER

    def patience(self, request: Request) -> float:
        """Seconds to wait for another thread of this process: as long as its lease lasts, if the budget allows it."""
        return min(self.lease_ms / 1000, self._budget(request))

    def _budget(self, request: Request) -> float:
        """Seconds that may be spent waiting."""
        budget = self.wait_ms / 1000
        remaining = getattr(request.context, "get_remaining_time_in_millis", None)
        return budget if remaining is None else max(0.0, min(budget, remaining() / 2000))


def queues(trip: Trip, storage: Storage, head_bodies: bool, strip_conditions: bool) -> bool:
    """Whether a request that the store cannot answer waits for somebody else's answer, or leads those who wait."""
    record, headers = trip.record, trip.request.headers
    if trip.asked.no_store or trip.reason == "request" or is_marker(trip.found.stored) or not trip.found.available:
        return False
    if any(name in headers for name in _FOR_ORIGIN):
        return False
    if record is not None:
        # What no other request may use without validation of its own is not worth waiting for, nor what could not be
        # stored for the others (section 3.5).
        directives = record.directives
        if "authorization" in headers and storage.rules.shared and not allows_authorised(directives):
            return False
        return not directives.no_cache and record.hold_until <= storage.clock.now()
    if trip.request.method == "HEAD" and not head_bodies:
        return False
    if "range" in headers:
        return False
    return strip_conditions or not is_conditional(headers)


def is_held(found: Found, now: float) -> bool:
    """Whether the origin failed a moment ago, so that waiting for it is no use."""
    return found.record is not None and found.record.hold_until > now
