"""Which record a request belongs to, and what makes two requests with one key the same request.

The record's id is a hash of who calls (the principal), the API version, the method, the route's template and the key:
two callers, two versions or two routes never meet in one record, and what a client wrote as a key is stored nowhere.

The fingerprint is a hash of the method, the version, the path without its version, the query without its choice of
version, the media type and the body's bytes as the client sent them (whatever a gateway made of them for its event).
The same request through `/v2/users` and through `X-API-Version: 2` is therefore the same. A body that means the same
and is written otherwise is another request: nothing here decides what a body means (draft section 2.4).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lanner.http.message import Request

VERSION_PARAMETER = "version"
"""Chooses the version (`lanner.versioning.readers`), which has its own part in the hashes."""


def record_id(request: Request, key: str) -> str:
    """64 hexadecimal digits: under what the request's record is kept."""
    return _hash(
        part.encode() for part in (request.principal.id, _version(request), request.method, request.route, key)
    )


def fingerprint(request: Request) -> str:
    """64 hexadecimal digits that differ whenever the request does. Raises `BadRequest` for a body that is no base64."""
    query: list[str] = []
    if request.has_query:
        for name, value in request.query:
            if name != VERSION_PARAMETER:
                query += [name, value]
    content_type = "".join(request.headers.get("content-type", "").lower().split())
    parts = (request.method, _version(request), request.path, content_type, str(len(query)), *query)
    return _hash([*(part.encode("utf-8", "surrogatepass") for part in parts), request.body])


def _version(request: Request) -> str:
    return "" if request.version is None else request.version.name


def _hash(parts: Iterable[bytes]) -> str:
    """A hash of several values: each goes in with its length, so that no two lists of them look alike."""
    digest = sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
