"""Conditional requests (RFC 9110 section 13), as pure functions over header mappings with lower-case names.

The order of section 13.2.2, and what each condition may answer:

    If-Match             strong comparison     false -> 412
    If-Unmodified-Since  only without If-Match false -> 412
    If-None-Match        weak comparison       false -> 304 for GET and HEAD, 412 for the others
    If-Modified-Since    only without If-None-Match, only GET and HEAD, false -> 304

A date that does not parse, or a resource without a modification date, makes its condition void. A list of entity-tags
in which nothing is well-formed matches nothing: If-Match then fails and If-None-Match then holds, which is the safe
side of both. CONNECT, OPTIONS and TRACE have no conditions.

An `ETag` here is the field's whole value, quotes and `W/` included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from lanner.http.headers import ANY, EntityTags, etags, parse_http_date

_UNCONDITIONAL = ("CONNECT", "OPTIONS", "TRACE")
_REPEATED = ("content-location", "date", "etag", "vary", "cache-control", "expires")  # RFC 9110 section 15.4.5
# What says something about the answer and not about the body that is not there.
_LIFECYCLE = ("link", "deprecation", "sunset", "x-api-version", "x-api-warn", "x-request-id")
_CACHES = ("age", "cache-status", "cdn-cache-control", "cache-groups")
_TRAFFIC = ("ratelimit", "ratelimit-policy", "server-timing")
_ON_NOT_MODIFIED = frozenset((*_REPEATED, *_LIFECYCLE, *_CACHES, *_TRAFFIC))
_ETAG_BYTES = 16  # of BLAKE2b: 2**64 representations of one resource before two are likely to share a tag


def is_conditional(headers: Mapping[str, str]) -> bool:
    """Whether any condition of section 13.1 was sent (If-Range, which belongs to ranges, aside)."""
    return (
        "if-none-match" in headers
        or "if-match" in headers
        or "if-modified-since" in headers
        or "if-unmodified-since" in headers
    )


def evaluate(
    method: str,
    headers: Mapping[str, str],
    etag: str | None,
    last_modified: float | None = None,
    exists: bool = True,
) -> Literal[304, 412] | None:
    """The status that the conditions demand, or None to go on as if there were none.

    `etag` and `last_modified` (seconds since the epoch) describe the current representation, None where it has none;
    `exists` is False when there is no current representation, so that `If-Match: *` fails and `If-None-Match: *`
    holds. Call it for a request that would otherwise succeed (section 13.2.1).
    """
    if method in _UNCONDITIONAL:
        return None
    if (value := headers.get("if-match")) is not None:
        if not ETagCondition(value).matches(etag, exists=exists):
            return 412
    elif last_modified is not None and (value := headers.get("if-unmodified-since")) is not None:
        since = parse_http_date(value)
        if since is not None and last_modified // 1 > since:
            return 412
    reading = method in ("GET", "HEAD")
    if (value := headers.get("if-none-match")) is not None:
        if none_match_holds(value, etag, exists=exists):
            return None
        return 304 if reading else 412
    if reading and last_modified is not None and (value := headers.get("if-modified-since")) is not None:
        since = parse_http_date(value)
        if since is not None and last_modified // 1 <= since:
            return 304
    return None


def none_match_holds(value: str, etag: str | None, exists: bool = True) -> bool:
    """Whether If-None-Match is true: nothing that it names is current (section 13.1.2)."""
    if value == etag:  # nearly always: one tag, the one we sent
        return not exists
    tags = etags(value)
    if tags == ANY:
        return not exists
    if etag is None or not exists:
        return True
    opaque = opaque_tag(etag)
    return all(tag != opaque for _, tag in tags)


def opaque_tag(etag: str) -> str:
    """What stands between the quotes of an entity-tag: what weak comparison compares (RFC 9110 section 8.8.3.2)."""
    return etag[etag.find('"') + 1 : -1]


def is_weak(etag: str) -> bool:
    """Whether an entity-tag promises equivalence only, not equality of bytes."""
    return etag.startswith("W/")


def not_modified_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a 200 that its 304 repeats (section 15.4.5): none that describe the body that is not there.

    Last-Modified only where there is no ETag, for then it is the validator.
    """
    kept = {name: value for name, value in headers.items() if name in _ON_NOT_MODIFIED}
    if "etag" not in kept and "last-modified" in headers:
        kept["last-modified"] = headers["last-modified"]
    return kept


class ETagCondition:
    """The precondition of an If-Match field, for domain code that has to decide inside its own transaction."""

    __slots__ = ("tags",)

    def __init__(self, value: str) -> None:
        self.tags: EntityTags | Literal["*"] = etags(value)

    def matches(self, etag: str | None, exists: bool = True) -> bool:
        """Strong comparison with the current entity-tag; `*` matches whatever exists (section 13.1.1)."""
        if self.tags == ANY:
            return exists
        if etag is None or not exists or is_weak(etag):
            return False
        return (False, opaque_tag(etag)) in self.tags

    def __repr__(self) -> str:
        return f"ETagCondition({self.tags!r})"


def if_match(headers: Mapping[str, str]) -> ETagCondition | None:
    """The If-Match condition, or None when none was sent.

    Where it does not match, raise `PreconditionFailed`; where a write needs one and there is none, raise
    `PreconditionRequired` (RFC 6585 section 3).
    """
    value = headers.get("if-match")
    return None if value is None else ETagCondition(value)


def only_if_absent(headers: Mapping[str, str]) -> bool:
    """Whether a write must create and not replace: `If-None-Match: *` (section 13.1.2)."""
    return headers.get("if-none-match", "").strip() == ANY


def strong_etag(body: bytes, salt: str = "") -> str:
    """A strong entity-tag from a representation's bytes: BLAKE2b, 32 hexadecimal digits in quotes.

    `salt` tells apart representations whose bytes may be equal: the version and media type that they are in.
    """
    from hashlib import blake2b  # loads OpenSSL: several ms that a 304 from a validator never needs

    digest = blake2b(salt.encode() + b"\0", digest_size=_ETAG_BYTES)
    digest.update(body)
    return f'"{digest.hexdigest()}"'
