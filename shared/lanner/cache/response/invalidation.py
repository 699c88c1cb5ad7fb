"""What an unsafe request makes invalid (RFC 9111 section 4.4), and the groups of RFC 9875.

After an answer that is no error (2xx, 3xx) to a method that is not known to be safe: everything stored for the target
URI, in every version, and for the URIs in Location and Content-Location where they are of the same origin. A URI of
another host is never touched, so that nobody can empty somebody else's part of a cache.

Groups belong to an origin: the host is part of their tag. What shares a group with something that is made invalid so
goes with it (RFC 9875 section 2.2.1), and what shares a group only with that does not. A field that is not a list of
strings is ignored whole (RFC 9875 section 2, RFC 9651 section 1.2); `Cache-Group-Invalidation` counts only in answers
to unsafe methods (section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.key import host_name, normal_path
from lanner.http.message import Request
from lanner.http.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Mapping

SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # RFC 9110 section 9.2.1; unknown methods are not
GROUP: Final = "group:"  # what the tag of a group begins with
_LINKS: Final = ("location", "content-location")
_LONGEST_TAG: Final = 256  # characters, of `lanner.cache.tags`
_DIGEST_BYTES: Final = 16
_MAX_GROUPS: Final = 128  # RFC 9875 section 2 asks for at least 32


def invalidates(method: str, status: int) -> bool:
    """Whether an answer to this method makes stored responses invalid: a non-error one to an unsafe method."""
    return method not in SAFE and 200 <= status < 400


def linked(request: Request, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Path and query of the URIs in Location and Content-Location that are of the request's own origin."""
    if "location" not in headers and "content-location" not in headers:
        return []
    from urllib.parse import urljoin, urlsplit

    host = host_name(request.headers.get("host", ""))
    query = request.query_string.decode("latin-1") if request.has_query else ""
    base = f"https://{host or 'origin'}{request.public_path}" + (f"?{query}" if query else "")
    found: list[tuple[str, str]] = []
    for name in _LINKS:
        value = headers.get(name)
        if value is None:
            continue
        try:
            parts = urlsplit(urljoin(base, value.strip()))
        except ValueError:
            continue  # no URI
        if parts.scheme in ("http", "https") and host_name(parts.netloc) == (host or "origin"):
            found.append((parts.path or "/", parts.query))
    return found


def as_read(request: Request, path: str, query: str) -> Request:
    """A GET by the same caller for another path and query, for a key to be made from it."""
    source = Plain(query.encode("latin-1", "replace"))
    other = Request("GET", normal_path(path), request.headers, source=source)
    other.version = request.version
    other.route = request.route
    other.path_params = request.path_params
    other.principal = request.principal
    other.state = request.state
    return other


def groups(host: str, value: str | None) -> list[str]:
    """The tags of a Cache-Groups or Cache-Group-Invalidation field: its strings, with the origin's host."""
    if not value:
        return []
    from lanner.http.structured import DisplayString, Item, StructuredFieldError, Token, parse_list

    try:
        members = parse_list(value)
    except StructuredFieldError:
        return []
    names: list[str] = []
    for member in members[:_MAX_GROUPS]:
        held = member.value if isinstance(member, Item) else None
        if not isinstance(held, str) or isinstance(held, (Token, DisplayString)):
            return []
        names.append(held)
    return [_tag(host, name) for name in dict.fromkeys(names)]


def _tag(host: str, name: str) -> str:
    """A tag that no other origin's group and no tag of ours has, in the characters that tags may have."""
    from urllib.parse import quote

    tag = f"{GROUP}{quote(host, safe='')}/{quote(name, safe='')}"
    if len(tag) <= _LONGEST_TAG:
        return tag
    from hashlib import blake2b

    return f"{GROUP}{blake2b(tag.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"
