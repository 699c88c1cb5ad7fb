"""Refreshing what is served as it is: stale within `stale-while-revalidate` (RFC 5861 section 3), or early (XFetch).

    handed over   `refresh` takes it: one reader hands it over for the time of a lease, everybody is served at once
    in here       the holder of the key's lease asks the origin in its own request; all others are served at once. It
                  then gets what it would have got without asking, or, with `refreshed_first`, what came of it
    not at all    the request could not store what it gets, wants nothing but the store, or the origin just failed

A refresh that fails is no fault of the request, as long as what is stored may still be served when it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.errors import CacheError
from lanner.cache.response.decision import HIT, REFRESH, decide
from lanner.cache.response.storage import token

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.cache.response.fetch import Fetcher
    from lanner.cache.response.record import Record
    from lanner.cache.response.trip import Trip
    from lanner.http.message import Request, Response


class Refresher:
    """Serves and refreshes for a `ResponseCache`; `serve` makes an answer of a record, a state and a detail."""

    __slots__ = ("fetcher", "refresh", "refreshed_first", "serve")

    def __init__(
        self,
        fetcher: Fetcher,
        serve: Callable[[Request, Record, str, str], Response],
        refresh: Callable[[Request, str], bool] | None,
        refreshed_first: bool,
    ) -> None:
        self.fetcher = fetcher
        self.serve = serve
        self.refresh = refresh
        self.refreshed_first = refreshed_first

    def behind(self, trip: Trip, record: Record, state: str) -> Response:
        """Serve what is there, and see to it that one refreshes it: somebody else, or this request."""
        request, storage = trip.request, self.fetcher.storage
        detail = "" if state == "hit" else "stale-while-revalidate"
        holder = token()
        seconds = self.fetcher.keeper.lease_ms / 1000
        fruitless = trip.asked.no_store or (request.method == "HEAD" and not self.fetcher.head_bodies)
        if fruitless or trip.asked.only_if_cached or record.hold_until > storage.clock.now():
            return self.serve(request, record, state, detail)
        if self.refresh is not None:
            elsewhere = f"refresh:{trip.key}"
            if storage.acquire(elsewhere, holder, seconds) is not True or self._handed_over(request, trip.key):
                return self.serve(request, record, state, detail)
            storage.release(elsewhere, holder)
        if storage.acquire(trip.key, holder, seconds) is not True:
            return self.serve(request, record, state, detail)
        found = storage.find(trip.key, request.headers)
        if found.available and found.record is not None and found.record.requested > record.requested:
            storage.release(trip.key, holder)  # somebody was faster
            return self.serve(request, found.record, "hit", "")
        trip.holder = holder
        trip.behind = True
        if self.refreshed_first:
            return self.fetcher.ask(trip)
        return self._served_after(trip, record, state, detail)

    def _served_after(self, trip: Trip, record: Record, state: str, detail: str) -> Response:
        """The stale response, after it was refreshed; what took longer than it may be stale gives the new one."""
        answer: Response | None = None
        failure: Exception | None = None
        try:
            answer = self.fetcher.ask(trip)
        except Exception as error:
            trip.request.state["cache_error"] = failure = error
        verdict = self.fetcher.tags.verdict(record.generations) if record.generations else "valid"
        kind, _ = decide(record, trip.asked, self.fetcher.storage.clock.now(), verdict)
        if kind in (HIT, REFRESH):
            return self.serve(trip.request, record, state, detail)
        if answer is None:
            raise failure or CacheError("no answer")
        return answer

    def _handed_over(self, request: Request, key: str) -> bool:
        """Whether somebody else refreshes; what goes wrong there is no fault of this request."""
        try:
            return self.refresh is not None and self.refresh(request, key)
        except Exception as error:
            request.state["cache_error"] = error
            return False
