"""Methods that are not answered from the store: written through (RFC 9111 section 4), and what they make invalid (4.4).

An answer that is no error, to a method that is not known to be safe, makes invalid what is stored for the target URI,
for Location and Content-Location of the same origin, and for the groups concerned (RFC 9875).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.response.answer import passed, tidied
from lanner.cache.response.invalidation import GROUP, as_read, groups, invalidates, linked
from lanner.cache.response.key import host_name, join, normal_path
from lanner.cache.response.status import forwarded
from lanner.http.dates import http_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.cache.response.keeping import Keeper
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
        response = tidied(origin(request))
        if invalidates(request.method, response.status):
            self._invalidate(request, response)
        request.state["cache"] = "method"
        keeper.counters.bypass += 1
        member = forwarded(self.name, "method", response.status)
        storage = keeper.storage
        return passed(response, storage.rules.own_targets, member, http_date(storage.clock.now()))

    def _invalidate(self, request: Request, response: Response) -> None:
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
        storage.forget(keys)
        if named:
            self.keeper.tags.invalidate(dict.fromkeys(named))
