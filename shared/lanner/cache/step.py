"""The response cache's place in the pipeline: a group's `CachePolicy`s in front of its edge answers and application.

Contract:

- Only routes with a policy are looked at; of the others nothing is kept, whatever their headers say.
- Without `LANNER_CACHE` nothing is kept either, and clients are still told what the policy says.
- The key is the version, the caller's id where the scope is `principal`, the path as the client wrote it, and the query
  string as it arrived. No other field of a request is in the key, so an answer may depend on none but those that its
  Vary names; `Host` is left out because no answer of ours depends on it (links are paths).
- An answer without an entity-tag gets that of its bytes before it is kept: its parts and 304s have what its whole has
  (RFC 9110 section 15.3.7), and a hit has nothing to compute.
- Methods other than GET and HEAD pass. What they change is invalidated by whoever changes it, by tag, because another
  function, another version or a job may show it too.
- The cache's Date goes no further: whoever answers the client writes one (RFC 9110 section 6.6.1), and REST APIs would
  send ours as `x-amzn-Remapped-Date` beside it. Age says how old an answer is.
- What clients may keep is counted from when they get it, within the policy's `ttl` (`CachePolicy.renew`).
- A cache that is down costs its budget and never the answer.
- A stale answer that may be served while it is refreshed is handed to the group's `refresh`, by name: a function of
  the request and its policy that gives True once somebody else will render it again. Nothing runs after a response
  here, so without one, or where it gives False, the holder of the lease refreshes in its own request, and gets the new
  answer: it has waited for it.
- Where `LANNER_CACHE_TAG_HEADERS` is on, public answers name their tags for caches in front of us, and a write names
  what it changed (`request.state["cache_changed"]`) in Cache-Group-Invalidation (RFC 9875 section 3).
- An event with `REFRESH_MARK`, which no client can set, is such a rendering: the origin is asked whatever is kept.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from lanner.cache.policy import TARGET
from lanner.cache.tags import tag_headers
from lanner.http.message import Handler, Request, Response
from lanner.http.step import tag
from lanner.settings import flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lanner.cache.policy import CachePolicy
    from lanner.cache.response import ResponseCache
    from lanner.group import RouteGroup

SETTING = "LANNER_CACHE"
DEBUG_SETTING = "LANNER_CACHE_DEBUG"
TAG_HEADERS_SETTING = "LANNER_CACHE_TAG_HEADERS"
CACHE_NAME = "Lanner"
TARGETS = (TARGET, "cdn-cache-control")
CACHED_METHODS = ("GET", "HEAD")
REFRESH_MARK = "lannerRefresh"
_OWN_ERRORS = (416, 504)


def response_cache(group: RouteGroup, handler: Handler) -> Handler | None:
    """The step of a group that has policies."""
    policies = group.cache
    if not policies:
        return None

    announces = flag(TAG_HEADERS_SETTING)

    def origin(request: Request) -> Response:
        response = handler(request)
        policy = policies[request.route]
        policy.mark(response)
        if response.status == 200 and "etag" not in response.headers:
            tag(request, response)
        if announces and policy.scope == "public" and response.status == 200:
            response.headers.update(tag_headers(policy.tags_for(request.path_params)))
        return response

    def change(request: Request) -> Response:
        response = handler(request)
        changed = request.state.get("cache_changed")
        if announces and changed and response.status < 400:
            groups = tag_headers(changed)["cache-groups"]
            response.headers["cache-group-invalidation"] = groups
        return response

    cache = _Opened(group)

    def handle(request: Request) -> Response:
        if request.method not in CACHED_METHODS:
            return change(request)
        policy = policies.get(request.route)
        if policy is None:
            return handler(request)
        kept = cache.kept or cache.open()
        if kept is None:
            response = origin(request)
            response.headers.pop(TARGET, None)
            return response
        event = request.event
        if type(event) is dict and REFRESH_MARK in event:  # a request made by hand has no event
            return kept.refresh(request, origin)
        response = kept.handle(request, origin)
        headers = response.headers
        headers.pop("date", None)
        if policy.renews:
            policy.renew(headers)
        return _as_problem(response, request) if response.status in _OWN_ERRORS else response

    return handle


def _as_problem(response: Response, request: Request) -> Response:
    """The cache's own refusals as this API says them; the origin's pass."""
    from lanner.cache.response.answer import NOTHING_STORED
    from lanner.http.problems import ApiError, NothingStored, RangeNotSatisfiable

    headers = response.headers
    said: ApiError
    if response.status == 416 and not response.body:
        size = headers["content-range"].rpartition("/")[2]
        said = RangeNotSatisfiable(f"No range of the Range field lies within the {size} bytes that there are")
    elif response.body == NOTHING_STORED:
        said = NothingStored("No stored response may be used, and only-if-cached asks for nothing else")
    else:
        return response
    headers.pop("content-length", None)
    problem = said.response(request)
    return Response(response.status, {**headers, **problem.headers}, problem.body)


class RouteTags:
    """The tags of a request, spelled out when asked for. A route may `append` what else it read."""

    __slots__ = ("_more", "_policy", "_request")

    def __init__(self, policy: CachePolicy, request: Request) -> None:
        self._policy = policy
        self._request = request
        self._more: list[str] = []

    def append(self, tag: str) -> None:
        self._more.append(tag)

    def __iter__(self) -> Iterator[str]:
        yield from self._policy.tags_for(self._request.path_params)
        yield from self._more


def cache_key(group: RouteGroup) -> Callable[[Request], str]:
    """The key of a group's requests; every part is delimited by its length or its place."""
    own = frozenset(route for route, policy in group.cache.items() if policy.scope == "principal")

    def key(request: Request) -> str:
        version = request.version.name if request.version is not None else ""
        path = request.public_path
        who = request.principal.id if request.route in own else ""
        query = request.query_string.decode("latin-1") if request.has_query else ""
        return f"{version}|{len(who)}:{who}|{len(path)}:{path}|{query}"

    return key


class _Opened:
    """The group's cache, opened by the first request that may use it; `kept` stays None where there is none."""

    __slots__ = ("_group", "_lock", "kept")

    def __init__(self, group: RouteGroup) -> None:
        self._group = group
        self._lock = threading.Lock()
        self.kept: ResponseCache | None = None

    def open(self) -> ResponseCache | None:
        if not os.environ.get(SETTING):
            return None
        with self._lock:
            if self.kept is None:
                self.kept = self._made()
        return self.kept

    def _made(self) -> ResponseCache:
        from lanner.cache.default import default_backend, default_tags
        from lanner.cache.response import ResponseCache

        group = self._group
        return ResponseCache(
            default_backend(),
            group.clock,
            name=CACHE_NAME,
            targets=TARGETS,
            key=cache_key(group),
            tags=default_tags(),
            tagging=lambda request: RouteTags(group.cache[request.route], request),
            refresh=(lambda request, _: group.refresh_stale(request)) if group.refresh else None,
            refreshed_first=True,
            expose_key=flag(DEBUG_SETTING),
            early=True,
            ranked_languages=True,  # `Accept-Language: en, de` is answered in English, `de, en` in German
            head_bodies=True,
            strip_conditions=True,
        )
