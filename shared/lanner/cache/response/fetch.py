"""Going to the origin: who goes, what is asked, what becomes of the answer.

On a miss one of many goes and the others wait (`flights`, `collapse`), unless the request is not worth a queue: a
part, a condition for the origin, a demand for validation, a response that every request has to validate for itself. An
answer that may not be stored is for its own request alone: the key is marked for a while, and everybody goes alone.

A failing origin (an exception, 500, 502, 503, 504) never replaces what is stored. Where the stored response may stand
in (`stale_on_error`), it does, and the record notes it for a moment: whoever waits then neither queues nor asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.errors import CacheError
from lanner.cache.response.answer import from_record, is_conditional, passed, selected, tidied
from lanner.cache.response.collapse import LEASE_MS, WAIT_MS, Collapse, is_held, queues
from lanner.cache.response.decision import HIT, REFRESH, STALE, decide, demands, stale_on_error
from lanner.cache.response.directives import response_directives
from lanner.cache.response.flights import Flights
from lanner.cache.response.invalidation import groups
from lanner.cache.response.key import host_name
from lanner.cache.response.record import Index, Record
from lanner.cache.response.selection import selecting, vary_names
from lanner.cache.response.status import forwarded, hit
from lanner.cache.response.storage import token
from lanner.cache.response.storing import held_back, refusal, storable_headers
from lanner.cache.response.tagging import STATE
from lanner.cache.response.validation import conditions, confirmed, freshened, head_agrees, unconditional
from lanner.http.dates import http_date
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lanner.cache.response.counters import Counters
    from lanner.cache.response.directives import ResponseDirectives
    from lanner.cache.response.storage import Found, Storage
    from lanner.cache.response.tagging import TagGate
    from lanner.cache.response.trip import Trip
    from lanner.http.message import Request

UNCACHEABLE_MS: Final = 5_000  # nobody queues where answers are not stored
HOLD_MS: Final = 1_000  # an origin that failed is not asked again on behalf of a stale response
_HOLD_FACTOR: Final = 100  # of what a failure took: at most one part in a hundred of the time is spent on failing
FAILURES: Final = frozenset((500, 502, 503, 504))  # RFC 5861 section 4
_GONE: Final = frozenset((404, 410))
_FORBIDDEN: Final = frozenset(("no-store", "private", "must-understand", "vary", "no-lifetime"))  # for everybody


class Fetcher:
    """Sends trips to the origin on behalf of a `ResponseCache`. Durations in milliseconds."""

    __slots__ = (
        "collapse",
        "counters",
        "flights",
        "head_bodies",
        "hold_ms",
        "name",
        "storage",
        "strip_conditions",
        "tagging",
        "tags",
        "uncacheable_ms",
    )

    def __init__(
        self,
        storage: Storage,
        tags: TagGate,
        counters: Counters,
        name: str,
        *,
        lease_ms: int = LEASE_MS,
        wait_ms: int = WAIT_MS,
        uncacheable_ms: int = UNCACHEABLE_MS,
        hold_ms: int = HOLD_MS,
        head_bodies: bool = False,
        strip_conditions: bool = False,
        tagging: Callable[[Request], Iterable[str]] | None = None,
    ) -> None:
        self.storage = storage
        self.tags = tags
        self.counters = counters
        self.name = name
        self.collapse = Collapse(storage, lease_ms, wait_ms)
        self.flights = Flights()
        self.uncacheable_ms = uncacheable_ms
        self.hold_ms = hold_ms
        self.head_bodies = head_bodies
        self.strip_conditions = strip_conditions
        self.tagging = tagging

    def go(self, trip: Trip) -> Response:
        """The answer to a request that the store alone cannot answer."""
        if not queues(trip, self.storage, self.head_bodies, self.strip_conditions):
            return self.ask(trip)
        flight = self.flights.depart(trip.key)
        landed = flight is None and self.flights.wait(trip.key, self.collapse.patience(trip.request))
        try:
            answer = self.collapse.wait(trip, lambda found, waited: self._waited(trip, found, waited or landed))
            return self.ask(trip) if answer is None else answer
        finally:
            if flight is not None:
                self.flights.land(trip.key, flight)

    def _waited(self, trip: Trip, found: Found, collapsed: bool) -> Response | None:
        """The answer from what is stored by now, or None when there still is none."""
        record = found.record
        if record is None:
            return None
        now = self.storage.clock.now()
        verdict = self.tags.verdict(record.generations) if record.generations else "valid"
        kind, _ = decide(record, trip.asked, now, verdict)
        if kind not in (HIT, STALE, REFRESH):
            if verdict == "gone" or not (is_held(found, now) and stale_on_error(record, trip.asked, now)):
                return None
            return self.stand_in(trip, record, None)
        if not collapsed:
            self.counters.hits += 1
            trip.request.state["cache"] = "hit"
            member = hit(self.name, int(record.lifetime) - int(record.age(now)))
        else:
            self.counters.collapsed += 1
            trip.request.state["cache"] = "collapsed"
            ttl = int(record.lifetime) - int(record.age(now))
            member = forwarded(self.name, trip.reason, collapsed=True, ttl=ttl)
        return self._from_record(trip.request, record, now, member)

    def ask(self, trip: Trip) -> Response:
        """Go to the origin, with the stored validators where there are any."""
        record = trip.record
        candidates = [each for each in trip.found.fitting if each.has_validator] if record is not None else []
        self._prepare(trip)
        headers = trip.request.headers
        if candidates:
            sent: Mapping[str, str] = {**unconditional(headers), **conditions(candidates)}
        elif record is not None:
            sent = unconditional(headers)  # the whole, to take its place
        elif self.strip_conditions and is_conditional(headers):
            sent = {name: headers[name] for name in headers if name not in ("if-none-match", "if-modified-since")}
        else:
            sent = headers
        try:
            response = self._call(trip, sent)
            if response.status == 304 and candidates:
                about = confirmed(candidates, response.headers)
                if about is not None:
                    return self._confirmed(trip, about, response)
                response = self._call(trip, unconditional(headers))  # it is about something that we do not have
        except Exception as error:
            status = getattr(error, "status", 500)  # an `ApiError` has one
            if record is not None and self.may_stand_in(trip, record, status):
                trip.request.state["cache_error"] = error
                return self._failed(trip, record, status)
            self._abandon(trip, failed=status in FAILURES)
            raise
        except BaseException:
            self._abandon(trip, failed=False)
            raise
        if record is not None and self.may_stand_in(trip, record, response.status):
            return self._failed(trip, record, response.status)
        return self._received(trip, response, replaced=sent is not headers)

    def may_stand_in(self, trip: Trip, record: Record, status: int) -> bool:
        """Whether the origin failed and the stored response may be used: not against what the client demands."""
        now = self.storage.clock.now()
        age = record.age(now)
        if status not in FAILURES or demands(trip.asked, age, record.lifetime - age):
            return False
        return trip.behind or stale_on_error(record, trip.asked, now)

    def _prepare(self, trip: Trip) -> None:
        """Read what an answer is later judged by: the guard of the key and the generations of the tags."""
        state = trip.request.state
        if self.tagging is not None and STATE not in state:
            state[STATE] = self.tagging(trip.request)
        if not trip.found.available:
            trip.before = None
            return
        trip.mark = self.tags.mark()
        tags = list(state.get(STATE, ()))
        for each in trip.found.fitting:
            tags.extend(each.generations)
        try:
            trip.guard = self.storage.guard(trip.key)
        except CacheError:
            trip.found.available = False
        trip.before = self.tags.before(tags) if tags else {}

    def _call(self, trip: Trip, headers: Mapping[str, str]) -> Response:
        request = trip.request
        own = request.headers
        trip.requested = self.storage.clock.now()
        request.headers = dict(headers)
        try:
            return tidied(trip.origin(request))
        finally:
            request.headers = own

    def _confirmed(self, trip: Trip, record: Record, response: Response) -> Response:
        """A 304 about a stored response: it is brought up to date and used (RFC 9111 section 4.3.4)."""
        now = self.storage.clock.now()
        merged = freshened(record.headers, response.headers)
        directives = response_directives(merged, self.storage.rules.targets)
        full = Response(record.status, merged, record.body)
        new, why = self._record(trip, full, directives, now, cookies=record.cookies)
        stored = False
        if why:
            if why in _FORBIDDEN and not trip.asked.no_store:
                self._drop(trip, record)  # what the origin now forbids to store is not kept
            self._abandon(trip, failed=False)
        else:
            stored = self._save(trip, new, record)
        self.counters.revalidated += 1
        trip.request.state["cache"] = "revalidated"
        member = forwarded(
            self.name,
            trip.reason,
            304,
            stored=stored,
            ttl=int(new.lifetime) - int(new.age(now)),
            detail=why,
        )
        answer = self._from_record(trip.request, new, now, member)
        answer.cookies.extend(response.cookies)
        for name in (*directives.no_cache_fields, *directives.private_fields):
            if name in response.headers:
                answer.headers[name] = response.headers[name]  # just validated, for this request
        return answer

    def _received(self, trip: Trip, response: Response, replaced: bool) -> Response:
        """A full answer: stored where it may be, and given to the client."""
        now = self.storage.clock.now()
        request = trip.request
        if request.method == "HEAD" and not self.head_bodies:
            return self._head(trip, response, now)
        directives = response_directives(response.headers, self.storage.rules.targets)
        record, why = self._record(trip, response, directives, now)
        stored = False
        if why:
            self._uncacheable(trip, response)
        else:
            stored = self._save(trip, record)
        self.counters.misses += 1
        request.state["cache"] = "bypass" if trip.reason == "bypass" else "miss"
        if stored:
            request.state["cache_record"] = record
        ttl = int(record.lifetime) - int(record.age(now)) if stored else None
        member = forwarded(self.name, trip.reason, response.status, stored=stored, ttl=ttl, detail=why)
        answer = passed(response, self.storage.rules.own_targets, member, http_date(now))
        if response.status == 200 and (replaced or stored):
            return selected(request, 200, answer.headers, answer.body, now, self.head_bodies, answer.cookies)
        return answer

    def _record(
        self,
        trip: Trip,
        response: Response,
        directives: ResponseDirectives,
        received: float,
        cookies: tuple[str, ...] | None = None,
    ) -> tuple[Record, str]:
        """The record of an answer, and why it may not be stored, "" when it may."""
        rules, request, headers = self.storage.rules, trip.request, response.headers
        why = refusal(
            request.headers,
            response,
            directives,
            shared=rules.shared,
            received=received,
            allow_cookies=rules.allow_cookies,
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
            chosen=selecting(names, request.headers),
            cookies=cookies,
            generations=generations,
        )
        return record, why

    def _save(self, trip: Trip, record: Record, updated: Record | None = None) -> bool:
        storage = self.storage
        holder = trip.holder
        if not holder:
            holder = token()
            if storage.acquire(trip.key, holder, self.collapse.lease_ms / 1000) is not True:
                return False  # somebody is at it, or the backend is down
        if storage.save(trip.key, record, holder, trip.guard, trip.request.headers, updated):
            self.counters.stored += 1
            return True
        storage.release(trip.key, holder)
        return False

    def _uncacheable(self, trip: Trip, response: Response) -> None:
        """An answer for one request only: whoever queues behind it is let go."""
        record, status = trip.record, response.status
        replaces = status < 400 or status in _GONE  # other errors are about this request, or this moment
        if trip.holder:
            if record is not None and not replaces:
                self._hold(trip, record)
            elif isinstance(trip.found.stored, Index) or trip.found.reason == "vary-miss":
                self.storage.release(trip.key, trip.holder)  # a mark would hide the other variants
            else:
                self.storage.mark(trip.key, trip.holder, self.uncacheable_ms / 1000, trip.guard)
        elif record is not None and trip.reason == "stale" and replaces and not trip.asked.no_store:
            self._drop(trip)  # it is no longer what the origin answers

    def _drop(self, trip: Trip, only: Record | None = None) -> None:
        self.storage.drop(trip.key, trip.request.headers, trip.holder, self.collapse.lease_ms / 1000, only)

    def _abandon(self, trip: Trip, failed: bool) -> None:
        """End the lease without an answer; after a failure nobody queues for the next one."""
        if not trip.holder:
            return
        if failed and trip.record is None:
            self.storage.mark(trip.key, trip.holder, self.hold_ms / 1000, trip.guard)
        elif failed and trip.record is not None:
            self._hold(trip, trip.record)
        else:
            self.storage.release(trip.key, trip.holder)

    def _hold(self, trip: Trip, record: Record) -> None:
        """Note that the origin fails, for `hold_ms` at most; where failing takes no time, asking again costs none."""
        now = self.storage.clock.now()
        seconds = min(self.hold_ms / 1000, (now - trip.requested) * _HOLD_FACTOR)
        self.storage.hold(trip.key, record, now + seconds, trip.holder)

    def _failed(self, trip: Trip, record: Record, status: int) -> Response:
        """The origin fails and the stored response stands in; nobody asks again for a moment."""
        if trip.holder:
            self._hold(trip, record)
        return self.stand_in(trip, record, status)

    def stand_in(self, trip: Trip, record: Record, status: int | None) -> Response:
        """The stored response in place of a failing origin (RFC 5861 section 4)."""
        now = self.storage.clock.now()
        fresh = record.age(now) < record.lifetime  # a refresh before its time
        if fresh:
            self.counters.hits += 1
        else:
            self.counters.stale += 1
        trip.request.state["cache"] = "hit" if fresh else "stale"
        ttl = int(record.lifetime) - int(record.age(now))
        detail = "refresh-failed" if fresh else "stale-if-error"
        if status is None:
            member = hit(self.name, ttl, detail)
        else:
            member = forwarded(self.name, trip.reason, status, ttl=ttl, detail=detail)
        return self._from_record(trip.request, record, now, member)

    def _head(self, trip: Trip, response: Response, now: float) -> Response:
        """An answer to HEAD: brings the stored GET response up to date, or ends it (RFC 9111 section 4.3.5)."""
        record, stored = trip.found.record, False
        if response.status == 200 and record is not None and not trip.asked.no_store:
            if head_agrees(record, response.headers):
                merged = freshened(record.headers, response.headers)
                full = Response(record.status, merged, record.body)
                directives = response_directives(merged, self.storage.rules.targets)
                new, why = self._record(trip, full, directives, now, cookies=record.cookies)
                stored = not why and self._save(trip, new, record)
            if not stored:
                self._drop(trip, record)
        if trip.holder and not stored:
            self.storage.release(trip.key, trip.holder)
        self.counters.misses += 1
        trip.request.state["cache"] = "miss"
        member = forwarded(self.name, trip.reason, response.status, stored=stored)
        answer = passed(response, self.storage.rules.own_targets, member, http_date(now))
        answer.body = b""
        return answer

    def _from_record(self, request: Request, record: Record, now: float, member: str) -> Response:
        request.state["cache_record"] = record
        return from_record(record, request, now, member, self.head_bodies)
