"""Whether a response may be stored, and which of its fields (RFC 9111 section 3).

`refusal` gives the reason in one word, which goes into `Cache-Status` as `detail` (RFC 9211 section 2.8); "" is a yes.
Stricter than the RFC, as a house rule: a response with cookies is not stored unless the cache is told to. Not stored
although the RFC would allow it: `Vary: *`, which could never be used, a 206 that `partial` does not keep, and what
could be used neither fresh, nor stale, nor after validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.directives import delta_seconds
from lanner.cache.response.freshness import explicit_lifetime, is_heuristic
from lanner.cache.response.selection import vary_names
from lanner.http.headers import split_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.response.directives import ResponseDirectives
    from lanner.http.message import Response

# Final statuses of RFC 9110 whose caching is implemented here, for `must-understand` (section 5.2.2.3). 304 is absent:
# it is never stored for itself.
UNDERSTOOD: Final = frozenset(
    (
        *range(200, 207),
        *(300, 301, 302, 303, 307, 308),
        *range(400, 412),
        *(413, 414, 415, 417, 421, 422, 426),
        *range(500, 506),
    )
)
# 304, 412 and 416 answer conditions and ranges of one request. 428, 429, 431 and 511 MUST NOT be stored (RFC 6585
# sections 3 to 6).
NEVER: Final = frozenset((304, 412, 416, 428, 429, 431, 511))

# RFC 9110 section 7.6.1 and RFC 9111 section 3.1: for one connection or one proxy.
HOP_BY_HOP: Final = frozenset(
    (
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-connection", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization"),
    )
)
_COOKIES = frozenset(("set-cookie", "set-cookie2"))


def refusal(
    request_headers: Mapping[str, str],
    response: Response,
    directives: ResponseDirectives,
    *,
    shared: bool,
    received: float,
    allow_cookies: bool = False,
    part: bool = False,
) -> str:
    """Why this answer to a GET may not be stored, in one word; "" when it may (section 3).

    `part`: it is what `partial.kept` made of a 206. Any other 206 is not stored.
    """
    status, headers = response.status, response.headers
    if status < 200 or status > 599 or status in NEVER or (status == 206 and not part):
        return "status"  # not final, or never stored
    if directives.must_understand:
        if status not in UNDERSTOOD:
            return "must-understand"  # section 5.2.2.3; an understood status overrides no-store
    elif directives.no_store:
        return "no-store"
    if shared and directives.private:
        return "private"
    if shared and "authorization" in request_headers and not allows_authorised(directives):
        return "authorization"
    if not allow_cookies and has_cookies(response, directives, shared):
        return "set-cookie"
    if not part and "range" in request_headers and (status != 200 or "content-range" in headers):
        return "range"  # an answer about a part says nothing about the whole
    if not _is_complete(headers, response.body, status):
        return "incomplete"
    if "vary" in headers and vary_names(headers["vary"]) is None:
        return "vary"
    return "" if _is_cacheable(status, headers, directives, shared, received) else "no-lifetime"


def has_cookies(response: Response, directives: ResponseDirectives, shared: bool) -> bool:
    """Whether cookies would be stored with it: a qualified `private` or `no-cache` that names them keeps them out."""
    if not response.cookies and _COOKIES.isdisjoint(response.headers):
        return False
    left_out = held_back(directives, shared)
    if response.cookies and "set-cookie" not in left_out:
        return True
    return any(name in response.headers and name not in left_out for name in _COOKIES)


def held_back(directives: ResponseDirectives, shared: bool) -> tuple[str, ...]:
    """The fields that a qualified `no-cache` (section 5.2.2.4) or, shared, `private` (5.2.2.7) keeps out."""
    return (*directives.no_cache_fields, *directives.private_fields) if shared else directives.no_cache_fields


def allows_authorised(directives: ResponseDirectives) -> bool:
    """Section 3.5: an answer to a request with Authorization is shared only where it says so."""
    return directives.public or directives.must_revalidate or directives.s_maxage is not None


def _is_complete(headers: Mapping[str, str], body: bytes, status: int) -> bool:
    """Section 3.3: no bytes are missing, as far as Content-Length tells.

    Content-Range means nothing outside a 206 or 416 (RFC 9110 section 14.4), neither of which is stored.
    """
    length = headers.get("content-length")
    return length is None or status == 204 or delta_seconds(length.strip()) == len(body)


def _is_cacheable(
    status: int, headers: Mapping[str, str], directives: ResponseDirectives, shared: bool, received: float
) -> bool:
    """Section 3, the last condition: at least one sign that it is cacheable; and that it can ever be used."""
    explicit = explicit_lifetime(headers, directives, received, shared)
    if explicit is None and not is_heuristic(status, directives) and (shared or not directives.private):
        return False
    if "etag" in headers or "last-modified" in headers:
        return True
    if directives.prohibits_stale(shared):
        return bool(explicit) and not directives.no_cache
    return bool(explicit) or directives.stale_while_revalidate > 0 or directives.stale_if_error > 0


def storable_headers(
    headers: Mapping[str, str], directives: ResponseDirectives, shared: bool, allow_cookies: bool = False
) -> dict[str, str]:
    """The fields that are stored (section 3.1): none of one connection, of a proxy, or held back by name.

    A qualified `private` holds fields back from a shared cache (section 5.2.2.7), a qualified `no-cache` from use
    without validation (section 5.2.2.4): not storing them is how that is kept.
    """
    dropped = set(HOP_BY_HOP)
    if not allow_cookies:
        dropped |= _COOKIES
    if "connection" in headers:
        dropped.update(name.lower() for name in split_list(headers["connection"]))
    dropped.update(held_back(directives, shared))
    return {name: value for name, value in headers.items() if name not in dropped}
