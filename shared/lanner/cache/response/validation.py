"""Validation: asking the origin whether a stored response still holds, and bringing it up to date (RFC 9111 4.3).

The stored validators replace the client's conditions on the way to the origin, so that a 304 is always about what is
stored; the client's own conditions are then judged here, on what came of it (section 4.3.2). A 304 that names another
validator is about something that we do not have: the request is repeated without conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.freshness import moment
from lanner.cache.response.storing import HOP_BY_HOP
from lanner.http.conditional import is_weak, none_match_holds, not_modified_headers
from lanner.http.headers import split_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.cache.response.record import Record

# Conditions and ranges that are about the client's copy and not about ours. If-Match and If-Unmodified-Since are for
# the origin, and go to it.
_CLIENTS: Final = frozenset(("if-none-match", "if-modified-since", "if-range", "range"))
# Section 3.2: what a 304 (or the head of a HEAD) does not change in the stored response. Content-Encoding and
# Content-Range belong to the bytes that are stored.
_UNCHANGED: Final = HOP_BY_HOP | {"content-length", "content-encoding", "content-range", "set-cookie", "set-cookie2"}


def unconditional(headers: Mapping[str, str]) -> dict[str, str]:
    """The request without the conditions and ranges that are about the client's copy: one for the whole response."""
    return {name: value for name, value in headers.items() if name not in _CLIENTS}


def conditions(records: Sequence[Record]) -> dict[str, str]:
    """The fields of a validating request: all stored entity-tags, and the date of the best record (section 4.3.1)."""
    found: dict[str, str] = {}
    tags = list(dict.fromkeys(record.etag for record in records if record.etag))
    if tags:
        found["if-none-match"] = ", ".join(tags)
    if records and records[0].modified is not None:
        found["if-modified-since"] = records[0].headers["last-modified"]
    return found


def confirmed(records: Sequence[Record], headers: Mapping[str, str]) -> list[Record]:
    """The records that a 304 with these headers is about, the best first; none where it is about none (4.3.4).

    A strong validator names all that have it, a weak one the best that it fits. A strong entity-tag says nothing about
    the bytes of a weak one, unless Last-Modified does too: a server that compresses weakens its tags in a 200 and not
    in a 304. A 304 without any validator confirms the only one that was asked about.
    """
    etag, modified = headers.get("etag"), moment(headers.get("last-modified"), records[0].received)
    if etag is not None:
        if not is_weak(etag):
            return [each for each in records if each.etag == etag or _is_weakened(each, etag, modified)]
        opaque = etag.removeprefix("W/")  # weak comparison (RFC 9110 section 8.8.3.2)
        return [each for each in records if each.etag and each.etag.removeprefix("W/") == opaque][:1]
    if "last-modified" in headers:
        same = [each for each in records if modified is not None and each.modified == modified]
        return [each for each in same if _is_strong_date(each)] or same[:1]
    return list(records) if len(records) == 1 else []


def _is_weakened(record: Record, etag: str, modified: int | None) -> bool:
    return record.etag == f"W/{etag}" and record.modified == modified is not None and _is_strong_date(record)


def _is_strong_date(record: Record) -> bool:
    """Whether its Last-Modified is a strong validator: a second or more before its Date (RFC 9110 section 8.8.2.2)."""
    made = moment(record.headers.get("date"), record.received)
    return made is not None and record.modified is not None and made - record.modified >= 1


def freshened(stored: Mapping[str, str], received: Mapping[str, str]) -> dict[str, str]:
    """The stored fields brought up to date (section 3.2): each received one replaces, with exceptions.

    Age and Date are those of the new message, or nothing where it has none. A weak entity-tag never becomes a strong
    one: the stored bytes need not be those that the strong one is of.
    """
    unchanged = set(_UNCHANGED)
    if is_weak(stored.get("etag", "")) and not is_weak(received.get("etag", "")):
        unchanged.add("etag")
    if "connection" in received:
        unchanged.update(name.lower() for name in split_list(received["connection"]))
    updated = {name: value for name, value in stored.items() if name not in ("age", "date", "cache-status")}
    updated.update((name, value) for name, value in received.items() if name not in unchanged)
    return updated


def head_agrees(record: Record, headers: Mapping[str, str]) -> bool:
    """Whether a 200 to HEAD describes the stored GET response: validators and length, where given (section 4.3.5)."""
    etag, length, modified = headers.get("etag"), headers.get("content-length"), headers.get("last-modified")
    if etag is not None and etag != record.etag:
        return False
    if modified is not None and moment(modified, record.received) != record.modified:
        return False
    return length is None or length.strip() == str(len(record.body))


def not_modified(
    request_headers: Mapping[str, str], status: int, headers: Mapping[str, str], received: float
) -> dict[str, str] | None:
    """The fields of the 304 that the client's own conditions call for, or None (section 4.3.2, RFC 9110 13.2.2).

    If-Match and If-Unmodified-Since are for the origin only. Without Last-Modified, Date stands in for it.
    """
    if status != 200:
        return None
    value = request_headers.get("if-none-match")
    if value is not None:
        return None if none_match_holds(value, headers.get("etag")) else not_modified_headers(headers)
    value = request_headers.get("if-modified-since")
    if value is None:
        return None
    since = moment(value, received)
    if since is None:
        return None
    modified = moment(headers.get("last-modified"), received)
    if modified is None:
        modified = moment(headers.get("date"), received)
    last = received // 1 if modified is None else modified
    return not_modified_headers(headers) if last <= since else None
