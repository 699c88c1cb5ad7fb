"""What becomes of an origin's answer in the store: what an answer is judged by, its record, and the end of its lease.

    prepare       before the origin is asked: the guard of the key and the generations of the tags
    record        the record of an answer, or why it may not be stored (`storing`, tags, the request's `no-store`)
    save          under the trip's lease, or under one that is taken for it; not after an invalidation
    uncacheable   an answer for one request only: whoever queues behind it is let go
    abandon       no answer: the lease ends, and after a failure nobody queues for a moment

Nothing here makes an answer: `fetch` does, `write_through` does. A lease that a trip holds is ended by exactly one of
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.errors import CacheError
from lanner.cache.response.invalidation import groups
from lanner.cache.response.key import host_name
from lanner.cache.response.record import Index, Record
from lanner.cache.response.rules import HOLD_MS, LEASE_MS, UNCACHEABLE_MS
from lanner.cache.response.selection import selecting, vary_names
from lanner.cache.response.storage import token
from lanner.cache.response.storing import held_back, refusal, storable_headers
from lanner.cache.response.tagging import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lanner.cache.response.counters import Counters
    from lanner.cache.response.directives import ResponseDirectives
    from lanner.cache.response.storage import Storage
    from lanner.cache.response.tagging import TagGate
    from lanner.cache.response.trip import Trip
    from lanner.http.message import Request, Response

_HOLD_FACTOR: Final = 100  # of what a failure took: at most one part in a hundred of the time is spent on failing
FAILURES: Final = frozenset((500, 502, 503, 504))  # RFC 5861 section 4
_GONE: Final = frozenset((404, 410))


class Keeper:
    """Stores, marks and drops on behalf of trips. Durations in milliseconds."""

    __slots__ = ("counters", "hold_ms", "lease_ms", "storage", "tagging", "tags", "uncacheable_ms")

    def __init__(
        self,
        storage: Storage,
        tags: TagGate,
        counters: Counters,
        *,
        lease_ms: int = LEASE_MS,
        uncacheable_ms: int = UNCACHEABLE_MS,
        hold_ms: int = HOLD_MS,
        tagging: Callable[[Request], Iterable[str]] | None = None,
    ) -> None:
        self.storage = storage
        self.tags = tags
        self.counters = counters
        self.lease_ms = lease_ms
        self.uncacheable_ms = uncacheable_ms
        self.hold_ms = hold_ms
        self.tagging = tagging

    def prepare(self, trip: Trip) -> None:
        """Read what an answer is later judged by: the guard of the key and the generations of the tags."""
        state = trip.request.state
        if self.tagging is not None and STATE not in state:
            state[STATE] = self.tagging(trip.request)
        if not trip.found.available:
            trip.before = None
            return
        trip.mark = self.tags.mark()
        tags = list(state.get(STATE, ()))
        for each in (*trip.found.fitting, *([trip.found.part] if trip.found.part is not None else ())):
            tags.extend(each.generations)
        try:
            trip.guard = self.storage.guard(trip.key)
        except CacheError:
            trip.found.available = False
        trip.before = self.tags.before(tags) if tags else {}

    def record(
        self,
        trip: Trip,
        response: Response,
        directives: ResponseDirectives,
        received: float,
        cookies: tuple[str, ...] | None = None,
        part: bool = False,
    ) -> tuple[Record, str]:
        """The record of an answer, and why it may not be stored, "" when it may. `part`: see `refusal`."""
        rules, request, headers = self.storage.rules, trip.request, response.headers
        why = refusal(
            request.headers,
            response,
            directives,
            shared=rules.shared,
            received=received,
            allow_cookies=rules.allow_cookies,
            part=part,
        )
        if not why and trip.asked.no_store:
            why = "no-store"  # section 5.2.1.5
        if not why and not trip.found.available:
            why = "unavailable"
        if not why and request.method == "HEAD" and not response.body and cookies is None:
            why = "incomplete"  # a HEAD without a body, though bodies were promised
        names = (vary_names(headers["vary"]) or ()) if "vary" in headers else ()
        generations: dict[str, int] | None = {}
        tags = [
            *request.state.get(STATE, ()),
            *groups(host_name(request.headers.get("host", "")), headers.get("cache-groups")),
        ]
        if tags and not why:
            generations = self.tags.after(tags, trip.before, trip.mark)
            if generations is None:
                why = "tags"
        if cookies is None:
            cookies = () if "set-cookie" in held_back(directives, rules.shared) else tuple(response.cookies)
        record = Record(
            rules,
            response.status,
            storable_headers(headers, directives, rules.shared, rules.allow_cookies),
            response.body,
            requested=trip.requested,
            received=received,
            chosen=selecting(names, request.headers, rules.ranked_languages),
            cookies=cookies,
            generations=generations,
        )
        return record, why

    def save(self, trip: Trip, record: Record, updated: Record | None = None) -> bool:
        """Store it, in place of what fits the request, or of `updated` alone. Ends the trip's lease."""
        storage = self.storage
        holder = trip.holder
        if not holder:
            holder = token()
            if storage.acquire(trip.key, holder, self.lease_ms / 1000) is not True:
                return False  # somebody is at it, or the backend is down
        if storage.save(trip.key, record, holder, trip.guard, trip.request.headers, updated):
            self.counters.stored += 1
            return True
        storage.release(trip.key, holder)
        return False

    def uncacheable(self, trip: Trip, response: Response) -> None:
        """An answer for one request only: whoever queues behind it is let go."""
        record, status = trip.record, response.status
        replaces = status < 400 or status in _GONE  # other errors are about this request, or this moment
        if trip.holder:
            if record is not None and not replaces:
                self.hold(trip, record)
            elif isinstance(trip.found.stored, Index) or trip.found.reason == "vary-miss":
                self.storage.release(trip.key, trip.holder)  # a mark would hide the other variants
            else:
                self.storage.mark(trip.key, trip.holder, self.uncacheable_ms / 1000, trip.guard)
        elif record is not None and trip.reason == "stale" and replaces and not trip.asked.no_store:
            self.drop(trip)  # it is no longer what the origin answers

    def drop(self, trip: Trip, only: Record | None = None) -> None:
        """Remove what fits the request, or `only` one. Ends the trip's lease."""
        self.storage.drop(trip.key, trip.request.headers, trip.holder, self.lease_ms / 1000, only)

    def abandon(self, trip: Trip, failed: bool) -> None:
        """End the lease without an answer; after a failure nobody queues for the next one."""
        if not trip.holder:
            return
        if failed and trip.record is None:
            self.storage.mark(trip.key, trip.holder, self.hold_ms / 1000, trip.guard)
        elif failed and trip.record is not None:
            self.hold(trip, trip.record)
        else:
            self.storage.release(trip.key, trip.holder)

    def hold(self, trip: Trip, record: Record) -> None:
        """Note that the origin fails, for `hold_ms` at most; where failing takes no time, asking again costs none."""
        now = self.storage.clock.now()
        seconds = min(self.hold_ms / 1000, (now - trip.requested) * _HOLD_FACTOR)
        self.storage.hold(trip.key, record, now + seconds, trip.holder)
