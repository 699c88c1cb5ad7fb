"""The primary cache key (RFC 9111 section 2): host, version, path and query, whatever the method.

Nothing that is not in the key, or named by Vary, may have an influence on a stored answer: that is what makes a cache
safe against poisoning. What is in it:

    host     lower case, without the port 80 or 443 (the scheme is not known here and does not count)
    version  the name of the API version, "" for none, because it may come from a header
    path     as the client sent it; percent-escapes of unreserved characters are decoded and the others written in
             upper case (RFC 3986 section 6.2.2), nothing else: `%2F` is not a slash, dot segments stay, and neither
             case nor slashes are folded, so that no two resources become one
    query    exactly as sent: order, case and escapes may mean something

Each part but the last has its length before it: no two requests that differ have one key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lanner.http.message import Request

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_DEFAULT_PORTS: Final = (":443", ":80")


def host_name(value: str) -> str:
    """The host of a Host field or an authority, in the form that the key has it."""
    host = value.strip().lower()
    for port in _DEFAULT_PORTS:
        if host.endswith(port):
            return host[: -len(port)]
    return host


def normal_path(path: str) -> str:
    """The path with its percent-escapes in one form (RFC 3986 sections 6.2.2.1 and 6.2.2.2)."""
    if "%" not in path:
        return path
    first, *rest = path.split("%")
    pieces = [first]
    for piece in rest:
        digits = piece[:2]
        if len(digits) < 2 or not _HEX.issuperset(digits):
            pieces.append(f"%{piece}")
            continue
        character = chr(int(digits, 16))
        pieces.append((character if character in _UNRESERVED else f"%{digits.upper()}") + piece[2:])
    return "".join(pieces)


def join(host: str, version: str, path: str, query: str) -> str:
    """The key from its parts, which are already in their normal form."""
    return f"response:{len(host)}:{host}{len(version)}:{version}{len(path)}:{path}?{query}"


def primary_key(request: Request) -> str:
    """The key of a request."""
    host = request.headers.get("host", "")
    if host:
        host = host_name(host)
    version = request.version
    path = request.public_path
    if "%" in path:
        path = normal_path(path)
    query = request.query_string.decode("latin-1") if request.has_query else ""
    name = "" if version is None else version.name
    return f"response:{len(host)}:{host}{len(name)}:{name}{len(path)}:{path}?{query}"
