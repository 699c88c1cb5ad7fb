"""Going to the origin: who goes, what is asked, and the answer that comes of it; what is kept of it, `keeping` does.

On a miss one of many goes and the others wait (`flights`, `collapse`), unless the request is not worth a queue: a
part, a condition for the origin, a demand for validation, a response that every request has to validate for itself. An
answer that may not be stored is for its own request alone: the key is marked for a while, and everybody goes alone.

A failing origin (an exception, 500, 502, 503, 504) never replaces what is stored. Where the stored response may stand
in (`stale_on_error`), it does, and the record notes it for a moment: whoever waits then neither queues nor asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.flights import Flights
from lanner.cache.response.answer import from_record, is_conditional, passed, selected, tidied
from lanner.cache.response.collapse import Collapse, is_held, queues
from lanner.cache.response.decision import HIT, REFRESH, STALE, decide, demands, stale_on_error
from lanner.cache.response.directives import response_directives
from lanner.cache.response.keeping import FAILURES
from lanner.cache.response.record import PARTIAL
from lanner.cache.response.rules import WAIT_MS
from lanner.cache.response.status import forwarded, hit
from lanner.cache.response.validation import conditions, confirmed, freshened, head_agrees, unconditional
from lanner.http.dates import http_date
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.response.directives import ResponseDirectives
    from lanner.cache.response.keeping import Keeper
    from lanner.cache.response.record import Record
    from lanner.cache.response.storage import Found
    from lanner.cache.response.trip import Trip
    from lanner.http.message import Request

NO_ANSWER: Final = 0  # in place of a status: the origin raised
_ABOUT_A_RANGE: Final = frozenset((206, 412, 416))
_FORBIDDEN: Final = frozenset(("no-store", "private", "must-understand", "vary", "no-lifetime"))  # for everybody


class Fetcher:
    """Sends trips to the origin on behalf of a `ResponseCache`. `wait_ms` in milliseconds."""

    __slots__ = (
        "collapse",
        "counters",
        "flights",
        "head_bodies",
        "keeper",
        "name",
        "storage",
        "strip_conditions",
        "tags",
    )

    def __init__(
        self,
        keeper: Keeper,
        name: str,
        *,
        wait_ms: int = WAIT_MS,
        head_bodies: bool = False,
        strip_conditions: bool = False,
    ) -> None:
        self.keeper = keeper
        self.storage = keeper.storage
        self.tags = keeper.tags
        self.counters = keeper.counters
        self.name = name
        self.collapse = Collapse(keeper.storage, keeper.lease_ms, wait_ms)
        self.flights = Flights()
        self.head_bodies = head_bodies
        self.strip_conditions = strip_conditions

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
        self.keeper.prepare(trip)
        headers = trip.request.headers
        missing: dict[str, str] = {}
        if candidates:
            sent: Mapping[str, str] = {**unconditional(headers), **conditions(candidates)}
        elif record is not None:
            sent = unconditional(headers)  # the whole, to take its place
        elif self.strip_conditions and is_conditional(headers):
            sent = {name: headers[name] for name in headers if name not in ("if-none-match", "if-modified-since")}
        else:
            missing = self._missing(trip)
            sent = {**headers, **missing} if missing else headers
        try:
            response = self._call(trip, sent)
            if missing:
                return self._completed(trip, response)
            if response.status == 304 and candidates:
                about = confirmed(candidates, response.headers)
                if about:
                    return self._confirmed(trip, about, response)
                response = self._call(trip, unconditional(headers))  # it is about something that we do not have
        except Exception as error:
            status = getattr(error, "status", 500)  # an `ApiError` has one
            if record is not None and self.may_stand_in(trip, record, status):
                trip.request.state["cache_error"] = error
                return self._failed(trip, record, getattr(error, "status", NO_ANSWER))
            self.keeper.abandon(trip, failed=status in FAILURES)
            raise
        except BaseException:
            self.keeper.abandon(trip, failed=False)
            raise
        if record is not None and self.may_stand_in(trip, record, response.status):
            return self._failed(trip, record, response.status)
        return self._received(trip, response, replaced=sent is not headers)

    def _missing(self, trip: Trip) -> dict[str, str]:
        """The fields that ask for what a stored part lacks, where the whole is wanted (RFC 9111 section 3.3)."""
        request, part = trip.request, trip.found.part
        if part is None or request.method != "GET" or "range" in request.headers or is_conditional(request.headers):
            return {}
        from lanner.cache.response.partial import completing

        verdict = self.tags.verdict(part.generations) if part.generations else "valid"
        kind, _ = decide(part, trip.asked, self.storage.clock.now(), verdict)
        return completing(part, kind == HIT)

    def _completed(self, trip: Trip, response: Response) -> Response:
        """The answer to a request for what was missing: made whole, or asked for again as the client did."""
        from lanner.cache.response.partial import combined

        said, part = response.status, trip.found.part
        if said in _ABOUT_A_RANGE:
            whole = None if part is None else combined(part, response)
            if whole is None or whole.status != 200:
                whole = self._call(trip, trip.request.headers)
                said = whole.status
            response = whole
        return self._received(trip, response, replaced=True, said=said)

    def may_stand_in(self, trip: Trip, record: Record, status: int) -> bool:
        """Whether the origin failed and the stored response may be used: not against what the client demands."""
        now = self.storage.clock.now()
        age = record.age(now)
        if status not in FAILURES or demands(trip.asked, age, record.lifetime - age):
            return False
        return trip.behind or stale_on_error(record, trip.asked, now)

    def _call(self, trip: Trip, headers: Mapping[str, str]) -> Response:
        request = trip.request
        own = request.headers
        trip.requested = self.storage.clock.now()
        request.headers = dict(headers)
        try:
            return tidied(trip.origin(request))
        finally:
            request.headers = own

    def _confirmed(self, trip: Trip, about: list[Record], response: Response) -> Response:
        """A 304 about stored responses: they are brought up to date, the first is used (RFC 9111 section 4.3.4)."""
        now = self.storage.clock.now()
        record, *others = about
        new, why, directives = self._updated(trip, record, response, now)
        stored = False
        if why:
            if why in _FORBIDDEN and not trip.asked.no_store:
                self.keeper.drop(trip, record)  # what the origin now forbids to store is not kept
            self.keeper.abandon(trip, failed=False)
        else:
            stored = self.keeper.save(trip, new, record)
        for other in others:
            trip.holder = ""  # that lease has ended
            again, wrong, _ = self._updated(trip, other, response, now)
            if not wrong:
                self.keeper.save(trip, again, other)
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

    def _updated(
        self, trip: Trip, record: Record, response: Response, now: float
    ) -> tuple[Record, str, ResponseDirectives]:
        """A record with the fields of an answer about it, why it may not be stored, and its directives."""
        merged = freshened(record.headers, response.headers)
        directives = response_directives(merged, self.storage.rules.targets)
        full = Response(record.status, merged, record.body)
        return *self.keeper.record(trip, full, directives, now, cookies=record.cookies), directives

    def _received(self, trip: Trip, response: Response, replaced: bool, said: int | None = None) -> Response:
        """A full answer: stored where it may be, and given to the client. `said`: the origin's status, if another."""
        now = self.storage.clock.now()
        request = trip.request
        if request.method == "HEAD" and not self.head_bodies:
            return self._head(trip, response, now)
        kept = None
        if response.status == PARTIAL and request.method == "GET":
            from lanner.cache.response.partial import kept as kept_part

            kept = kept_part(trip.found.part, response)
        form = response if kept is None else kept
        directives = response_directives(form.headers, self.storage.rules.targets)
        record, why = self.keeper.record(trip, form, directives, now, part=kept is not None)
        stored = False
        if why:
            self.keeper.uncacheable(trip, response)
        else:
            stored = self.keeper.save(trip, record)
        self.counters.misses += 1
        request.state["cache"] = "bypass" if trip.reason == "bypass" else "miss"
        if stored:
            request.state["cache_record"] = record
        ttl = int(record.lifetime) - int(record.age(now)) if stored else None
        member = forwarded(self.name, trip.reason, said or response.status, stored=stored, ttl=ttl, detail=why)
        answer = passed(response, self.storage.rules.own_targets, member, http_date(now))
        if response.status == 200 and (replaced or stored):
            return selected(request, 200, answer.headers, answer.body, now, self.head_bodies, answer.cookies)
        return answer

    def _failed(self, trip: Trip, record: Record, status: int) -> Response:
        """The origin fails and the stored response stands in; nobody asks again for a moment."""
        if trip.holder:
            self.keeper.hold(trip, record)
        return self.stand_in(trip, record, status)

    def stand_in(self, trip: Trip, record: Record, status: int | None) -> Response:
        """The stored response in place of a failing origin (RFC 5861 section 4). `status`: None where nobody asked."""
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
            member = forwarded(self.name, trip.reason, status or None, ttl=ttl, detail=detail)
        return self._from_record(trip.request, record, now, member)

    def _head(self, trip: Trip, response: Response, now: float) -> Response:
        """An answer to HEAD: brings the stored GET response up to date, or ends it (RFC 9111 section 4.3.5)."""
        record, stored = trip.found.record, False
        if response.status == 200 and record is not None and not trip.asked.no_store:
            if head_agrees(record, response.headers):
                new, why, _ = self._updated(trip, record, response, now)
                stored = not why and self.keeper.save(trip, new, record)
            if not stored:
                self.keeper.drop(trip, record)
        part = trip.found.part
        if response.status == 200 and part is not None and part.etag != response.headers.get("etag", part.etag):
            self.keeper.drop(trip, part)
        elif trip.holder and not stored:
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
