"""`ResponseCache`: a shared (or private) HTTP cache in front of any origin, over any `CacheBackend`.

    handle(request, origin)
      GET, HEAD   look -> decide (pure, `decision`) -> hit | stale | refresh | 504 | to the origin (`fetch`)
      others      to the origin (`write_through`); a non-error answer to an unsafe method invalidates

Contract:

- Nothing that a backend does is an error of a request: what cannot be read or written goes to the origin.
- The answer is always a fresh `Response` with a fresh `headers`; the body's bytes are shared.
- What the origin raises is raised, except where a stored response may stand in for it; it is then in
  `request.state["cache_error"]`.
- Every answer has `Cache-Status` (RFC 9211), every one from the store `Age`. `request.state["cache"]` says how it came
  about: `hit`, `stale`, `revalidated`, `collapsed`, `miss`, `bypass`, `method` or `timeout`; `cache_record` there is
  the record behind an answer, whose `encoded` keeps what compressing it gave.
- Nothing runs after the answer. A stale response that may be served while it is refreshed is refreshed by `refresh`
  (then everybody is served at once), or by the holder of the lease within its own request; the others are served.
  The holder gets the stale response like everybody, and the next request the new one (RFC 5861 section 3); with
  `refreshed_first` it gets the new one, which it has waited for. Who has somewhere to run it afterwards, a thread or
  the end of a WSGI response, hands it over: `refresh=lambda request, key: later(cache.refresh, request, origin)`.

The shortest path, a fresh response to a request without parts or directives and with no condition but the entity-tag
that is stored, does what `_slow` does and no more; a property test holds the two together.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lanner.cache.errors import CacheError, CacheValueError
from lanner.cache.response.answer import from_record, gateway_timeout
from lanner.cache.response.counters import Counters
from lanner.cache.response.decision import HIT, MISS, REFRESH, STALE, TIMEOUT, decide
from lanner.cache.response.directives import NO_REQUEST_DIRECTIVES, request_directives
from lanner.cache.response.freshness import HEURISTIC_FRACTION, HEURISTIC_MAX
from lanner.cache.response.key import primary_key
from lanner.cache.response.memo import MOST, Memo
from lanner.cache.response.record import Record
from lanner.cache.response.rules import (
    GRACE,
    HOLD_MS,
    LEASE_MS,
    OWN_TARGETS,
    TARGETS,
    UNCACHEABLE_MS,
    WAIT_MS,
    Rules,
)
from lanner.cache.response.status import appended, hit, member_name, quoted
from lanner.cache.response.storage import MAX_VARIANTS, Found, Storage
from lanner.cache.response.tagging import TagGate
from lanner.cache.response.trip import Trip
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lanner.cache.backend import CacheBackend, CacheEntry
    from lanner.cache.response.decision import Verdict
    from lanner.cache.response.directives import RequestDirectives
    from lanner.cache.response.fetch import Fetcher
    from lanner.cache.response.refreshing import Refresher
    from lanner.cache.response.tagging import Tags
    from lanner.cache.response.write_through import WriteThrough
    from lanner.clock import Clock
    from lanner.http.message import Request

    Origin = Callable[[Request], Response]


class ResponseCache:
    """An HTTP cache. Durations in milliseconds where the name says so, else seconds.

    - `shared`: False for a cache of one user, whose key must have the user in it.
    - `name`, `expose_key`, `expose_key_header`: what `Cache-Status` shows; the key only when asked for, always or by
      the presence of that request field.
    - `targets`: targeted fields to obey, the most specific first (RFC 9213); all but CDN-Cache-Control are stripped.
      Without a list `TARGETS`, of which a cache of one user obeys only its own.
    - `key`: replaces `primary_key`; `versions`: names of all API versions, whose entries an unsafe request to one of
      them invalidates together.
    - `tags`: a `TagIndex`; one over `backend` is made when the first tag turns up. `tagging(request)`: the tags of a
      request that goes to the origin, where nobody has left any in its `state["cache_tags"]`.
    - `refresh(request, key)`: hands a refresh to somebody else, who calls `refresh` here; True when it did.
    - `refreshed_first`: who refreshes a stale response in its own request gets the new one, and not the stale one.
    - `lease_ms`, `wait_ms`, `uncacheable_ms`, `hold_ms`: see `fetch`. `early`: refresh by chance a little early
      (XFetch); without it, fresh is a hit.
    - `head_bodies`: the origin answers HEAD with the body of GET, and whoever is outside drops it.
    - `strip_conditions`: a miss with If-None-Match or If-Modified-Since asks the origin without them, to have
      something to store, and judges them here.
    - `obey_requests`: False ignores Cache-Control of requests, which RFC 9111 section 5.2.1 leaves to a cache.
    - `ranked_languages`: the origin prefers the first of equals in Accept-Language, so their order matters.
    - `allow_cookies`: store responses with Set-Cookie; without it no response with cookies is stored.
    """

    def __init__(
        self,
        backend: CacheBackend,
        clock: Clock,
        *,
        shared: bool = True,
        name: str = "Lanner",
        targets: Sequence[str] | None = None,
        key: Callable[[Request], str] | None = None,
        versions: Sequence[str] = (),
        tags: Tags | None = None,
        tagging: Callable[[Request], Iterable[str]] | None = None,
        refresh: Callable[[Request, str], bool] | None = None,
        refreshed_first: bool = False,
        expose_key: bool = False,
        expose_key_header: str | None = None,
        allow_cookies: bool = False,
        ranked_languages: bool = False,
        heuristic_fraction: float = HEURISTIC_FRACTION,
        heuristic_max: float = HEURISTIC_MAX,
        grace: float = GRACE,
        max_variants: int = MAX_VARIANTS,
        remembered: int = MOST,
        lease_ms: int = LEASE_MS,
        wait_ms: int = WAIT_MS,
        uncacheable_ms: int = UNCACHEABLE_MS,
        hold_ms: int = HOLD_MS,
        early: bool = False,
        head_bodies: bool = False,
        strip_conditions: bool = False,
        obey_requests: bool = True,
        fast_path: bool = True,
    ) -> None:
        self._backend = backend
        self._now = clock.now
        self._rules = Rules(
            shared=shared,
            targets=(TARGETS if shared else OWN_TARGETS) if targets is None else targets,
            heuristic_fraction=heuristic_fraction,
            heuristic_max=heuristic_max,
            allow_cookies=allow_cookies,
            grace=grace,
            ranked_languages=ranked_languages,
        )
        self._name = member_name(name)
        self._key = primary_key if key is None else key
        self._expose_key = expose_key
        self._expose_header = "" if expose_key_header is None else expose_key_header.lower()
        self._early = early
        self._head_bodies = head_bodies
        self._obey_requests = obey_requests
        self._fast = fast_path and not expose_key
        self._counters = Counters()
        self._tags = TagGate(tags, backend, clock)
        self._storage = Storage(backend, clock, self._rules, max_variants=max_variants, memo=Memo(remembered))
        self._known = self._storage.memo.entries

        def sides() -> tuple[Fetcher, Refresher, WriteThrough]:
            from lanner.cache.response.fetch import Fetcher
            from lanner.cache.response.keeping import Keeper
            from lanner.cache.response.refreshing import Refresher
            from lanner.cache.response.write_through import WriteThrough

            keeper = Keeper(
                self._storage,
                self._tags,
                self._counters,
                lease_ms=lease_ms,
                uncacheable_ms=uncacheable_ms,
                hold_ms=hold_ms,
                tagging=tagging,
            )
            fetcher = Fetcher(
                keeper, self._name, wait_ms=wait_ms, head_bodies=head_bodies, strip_conditions=strip_conditions
            )
            writes = WriteThrough(keeper, self._name, self._key, own_key=key is None, versions=versions)
            return fetcher, Refresher(fetcher, self._from_store, refresh, refreshed_first), writes

        self._sides = sides
        self._opened: tuple[Fetcher, Refresher, WriteThrough] | None = None
        self._opening = threading.Lock()

    def _origin_side(self) -> tuple[Fetcher, Refresher, WriteThrough]:
        """What goes to the origin: loaded by the first request that does, never by a hit."""
        if self._opened is None:
            with self._opening:
                if self._opened is None:
                    self._opened = self._sides()
        return self._opened

    @property
    def _fetcher(self) -> Fetcher:
        return self._origin_side()[0]

    @property
    def _refresher(self) -> Refresher:
        return self._origin_side()[1]

    def handle(self, request: Request, origin: Origin) -> Response:
        """The answer to a request, from the store or from `origin`, which gets the very `Request`."""
        method = request.method
        if method != "GET" and method != "HEAD":
            return self._origin_side()[2].handle(request, origin)
        key = self._key(request)
        try:
            entry = self._backend.get(key)
        except CacheValueError:
            self._storage.unreadable += 1  # another program's: absent, and replaced
            entry = None
        except CacheError:
            self._storage.errors += 1
            return self._unavailable(request, origin, key)
        if entry is not None and self._fast and method == "GET":
            response = self._shortest(request, key, entry)
            if response is not None:
                return response
        return self._shown(request, key, self._slow(request, origin, key, entry))

    def _shortest(self, request: Request, key: str, entry: CacheEntry) -> Response | None:
        """A hit in which the request has no say but for the one entity-tag that it knows, or None to look closer."""
        headers = request.headers
        known_tag = headers.get("if-none-match")
        if "cache-control" in headers or "range" in headers or (known_tag is None and "if-modified-since" in headers):
            return None
        known = self._known.get(key)
        value = entry.value
        stored = known[1] if known is not None and known[0] is value else self._storage.decoded(key, value)
        if type(stored) is not Record or not stored.immediate:
            return None
        now = self._now()
        age = now - stored.born
        if age < 0.0:
            age = 0.0
        if age >= stored.lifetime or (now >= stored.early_from and self._early):
            return None
        if known_tag is not None and (known_tag != stored.etag or stored.status != 200):
            return None
        if stored.vary and not stored.fits(headers):
            return None
        if stored.generations and self._tags.verdict(stored.generations) != "valid":
            return None
        if self._expose_header and self._expose_header in headers:
            return None
        seconds = int(age)
        shown_at, shown = stored.shown
        if shown_at != seconds:
            shown = {
                **stored.base,
                "age": str(seconds),
                "cache-status": appended(stored.upstream, hit(self._name, int(stored.lifetime) - seconds)),
            }
            stored.shown = (seconds, shown)
        self._counters.hits += 1
        state = request.state
        state["cache"] = "hit"
        state["cache_record"] = stored
        if known_tag is not None:
            return Response(304, stored.unchanged(seconds, shown).copy())
        return Response(stored.status, shown.copy(), stored.body)

    def _shown(self, request: Request, key: str, response: Response) -> Response:
        """With the key in `Cache-Status` where it is asked for (RFC 9211 section 2.7)."""
        if self._expose_key or (self._expose_header and self._expose_header in request.headers):
            response.headers["cache-status"] += f"; key={quoted(key)}"
        return response

    def _slow(self, request: Request, origin: Origin, key: str, entry: CacheEntry | None) -> Response:
        found = self._storage.look(key, entry, request.headers)
        if not found.available:
            return self._unavailable(request, origin, key)
        asked = request_directives(request.headers) if self._obey_requests else NO_REQUEST_DIRECTIVES
        if found.part is not None and "range" in request.headers and request.method == "GET":
            response = self._from_part(request, found.part, asked)
            if response is not None:
                return response
        record = found.record
        verdict = self._verdict(record)
        now = self._now()
        kind, reason = decide(record, asked, now, verdict)
        if kind == TIMEOUT:
            request.state["cache"] = "timeout"
            return gateway_timeout(f"{self._name}; detail=only-if-cached")
        trip = Trip(request, origin, key, found, asked, _reason(found, reason))
        if record is None or kind == MISS:
            trip.usable = False
            return self._fetcher.go(trip)
        if kind == HIT:
            if self._early and now >= record.early_from and _is_due(record, now):
                trip.reason = "stale"  # as good as: RFC 9211 has no word for early
                return self._refresher.behind(trip, record, "hit")
            return self._from_store(request, record, "hit")
        if kind == STALE:
            return self._from_store(request, record, "stale", "max-stale")
        if kind == REFRESH:
            return self._refresher.behind(trip, record, "stale")
        if record.hold_until > now and self._fetcher.may_stand_in(trip, record, 503):
            return self._fetcher.stand_in(trip, record, None)
        return self._fetcher.go(trip)

    def _verdict(self, record: Record | None) -> Verdict:
        """What the tags of a record say about it."""
        return self._tags.verdict(record.generations) if record is not None and record.generations else "valid"

    def _from_store(self, request: Request, record: Record, state: str, detail: str = "") -> Response:
        now = self._now()
        if state == "hit":
            self._counters.hits += 1
        else:
            self._counters.stale += 1
        request.state["cache"] = state
        request.state["cache_record"] = record
        member = hit(self._name, int(record.lifetime) - int(record.age(now)), detail)
        return from_record(record, request, now, member, self._head_bodies)

    def _from_part(self, request: Request, part: Record, asked: RequestDirectives) -> Response | None:
        """A GET for parts of what is stored in part (RFC 9111 section 3.3)."""
        now = self._now()
        if decide(part, asked, now, self._verdict(part))[0] != HIT:
            return None
        from lanner.cache.response.partial import answer

        age = int(part.age(now))
        member = hit(self._name, int(part.lifetime) - age)
        headers = {**part.base, "age": str(age), "cache-status": appended(part.upstream, member)}
        response = answer(part, request, headers)
        if response is not None:
            self._counters.hits += 1
            request.state["cache"] = "hit"
        return response

    def _unavailable(self, request: Request, origin: Origin, key: str) -> Response:
        """To the origin and back, with nothing read or written."""
        self._counters.bypass += 1
        asked = request_directives(request.headers) if self._obey_requests else NO_REQUEST_DIRECTIVES
        if asked.only_if_cached:
            request.state["cache"] = "timeout"
            return gateway_timeout(f"{self._name}; detail=only-if-cached")
        return self._fetcher.ask(Trip(request, origin, key, Found(None, (), "bypass", False), asked, "bypass"))

    def refresh(self, request: Request, origin: Origin) -> Response:
        """Ask the origin now, whatever is stored, validate or replace it, and give the answer: for who refreshes.

        Only GET makes sense. Nothing is stored where the lease of the key is somebody else's.
        """
        key = self._key(request)
        found = self._storage.find(key, request.headers)
        asked: RequestDirectives = NO_REQUEST_DIRECTIVES
        trip = Trip(request, origin, key, found, asked, "request" if found.available else "bypass")
        record = found.record
        if record is None or (record.generations and self._tags.verdict(record.generations) == "gone"):
            trip.usable = False
        return self._fetcher.ask(trip)

    def statistics(self) -> dict[str, int]:
        """Counts since this cache was made: `hits`, `misses`, `stale`, `revalidated`, `collapsed`, `stored`, `bypass`,
        `errors` of the backend or the tag index, `unreadable` entries."""
        return {
            **self._counters.as_dict(),
            "errors": self._storage.errors + self._tags.errors,
            "unreadable": self._storage.unreadable,
        }


def _is_due(record: Record, now: float) -> bool:
    """Whether this reader should refresh a fresh record (XFetch)."""
    from lanner.cache.early import is_due  # brings `random`: a millisecond that few requests need

    return is_due(now, record.fresh_until, record.delay)


def _reason(found: Found, reason: str) -> str:
    """Why it goes forward, as exactly as is known (RFC 9211 section 2.2)."""
    return found.reason if reason == "miss" and found.reason else reason
