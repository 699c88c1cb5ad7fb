"""Methods that are not answered from the store: written through (RFC 9111 section 4), and what they make invalid (4.4).

An answer that is no error, to a method that is not known to be safe, makes invalid what is stored for the target URI,
for Location and Content-Location of the same origin, and for the groups concerned (RFC 9875).

A 200 to POST with an explicit lifetime, whose Content-Location is the target URI, is what a GET would get (RFC 9110
sections 8.7 and 9.3.3): it is stored for GET and HEAD, in place of what the same POST made invalid. Everything that
keeps an answer to GET out keeps it out too (`storing`). Only where nothing else was written meanwhile: two writes that
overlap may have been done in the other order than they were answered. So the guard of the key has to be, under the
key's lease, what it was before the origin was asked; and the record is stored under the word that this invalidation
left, which the next one changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.errors import CacheError
from lanner.cache.response.answer import passed, tidied
from lanner.cache.response.directives import NO_REQUEST_DIRECTIVES, request_directives, response_directives
from lanner.cache.response.freshness import explicit_lifetime
from lanner.cache.response.invalidation import GROUP, as_read, groups, invalidates, linked
from lanner.cache.response.key import host_name, join, normal_path
from lanner.cache.response.status import forwarded
from lanner.cache.response.storage import Found, token
from lanner.cache.response.trip import Trip
from lanner.http.dates import http_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.cache.response.keeping import Keeper
    from lanner.cache.response.record import Record
    from lanner.http.message import Request, Response

    Origin = Callable[[Request], Response]


class WriteThrough:
    """Sends such requests to the origin on behalf of a `ResponseCache`.

    `key` makes a request's key; `versions` are the names of all versions that one of ours, with `own_key`, has it for.
    """

    __slots__ = ("keeper", "key", "name", "own_key", "versions")

    def __init__(
        self, keeper: Keeper, name: str, key: Callable[[Request], str], *, own_key: bool, versions: Sequence[str]
    ) -> None:
        self.keeper = keeper
        self.name = name
        self.key = key
        self.own_key = own_key
        self.versions = tuple(dict.fromkeys(("", *versions)))

    def handle(self, request: Request, origin: Origin) -> Response:
        """The origin's answer, after what it changed is invalid."""
        keeper = self.keeper
        trip = self._trip(request, origin) if request.method == "POST" else None
        response = tidied(origin(request))
        record: Record | None = None
        if invalidates(request.method, response.status):
            record = None if trip is None else self._record(trip, response)
            if trip is None or record is None:
                self._invalidate(request, response)
            elif not self._replaced(trip, record, response):
                record = None
        request.state["cache"] = "method"
        keeper.counters.bypass += 1
        member = forwarded(self.name, "method", response.status, stored=record is not None)
        storage = keeper.storage
        return passed(response, storage.rules.own_targets, member, http_date(storage.clock.now()))

    def _trip(self, request: Request, origin: Origin) -> Trip:
        """What has to be known from before the origin is asked."""
        asked = request_directives(request.headers) if "cache-control" in request.headers else NO_REQUEST_DIRECTIVES
        trip = Trip(request, origin, self.key(request), Found(None, (), "method"), asked, "method")
        self.keeper.prepare(trip)
        trip.requested = self.keeper.storage.clock.now()
        return trip

    def _record(self, trip: Trip, response: Response) -> Record | None:
        """What a GET would get from now on, as the answer to a POST says it; None where it does not."""
        request, headers, rules = trip.request, response.headers, self.keeper.storage.rules
        if response.status != 200 or "content-location" not in headers:
            return None
        named = linked(request, {"content-location": headers["content-location"]})
        query = request.query_string.decode("latin-1") if request.has_query else ""
        if [(normal_path(path), asked) for path, asked in named] != [(normal_path(request.public_path), query)]:
            return None
        now = self.keeper.storage.clock.now()
        directives = response_directives(headers, rules.targets)
        if explicit_lifetime(headers, directives, now, rules.shared) is None:
            return None
        record, why = self.keeper.record(trip, response, directives, now)
        return None if why else record

    def _replaced(self, trip: Trip, record: Record, response: Response) -> bool:
        """Invalidate, and store in place of it. Whether it was stored."""
        storage = self.keeper.storage
        holder = token()
        if storage.acquire(trip.key, holder, self.keeper.lease_ms / 1000) is not True:
            self._invalidate(trip.request, response)
            return False
        try:
            alone = storage.guard(trip.key) == trip.guard
        except CacheError:
            alone = False
        word = self._invalidate(trip.request, response)
        if not alone or word is None:
            storage.release(trip.key, holder)
            return False
        trip.holder, trip.guard = holder, word
        return self.keeper.save(trip, record)

    def _invalidate(self, request: Request, response: Response) -> bytes | None:
        """Section 4.4: the target URI, what Location and Content-Location name; and groups (RFC 9875)."""
        uris = linked(request, response.headers)
        keys = [self.key(request)]
        host = host_name(request.headers.get("host", ""))
        if self.own_key:
            query = request.query_string.decode("latin-1") if request.has_query else ""
            for version in self.versions:
                keys.append(join(host, version, normal_path(request.public_path), query))
                keys.extend(join(host, version, normal_path(path), asked) for path, asked in uris)
        keys.extend(self.key(as_read(request, path, query)) for path, query in uris)
        keys = list(dict.fromkeys(keys))
        storage = self.keeper.storage
        named = groups(host, response.headers.get("cache-group-invalidation"))
        named += [tag for tag in storage.tags(keys) if tag.startswith(GROUP)]  # RFC 9875 section 2.2.1
        word = storage.forget(keys)
        if named:
            self.keeper.tags.invalidate(dict.fromkeys(named))
        return word
