"""Validation: asking the origin whether a stored response still holds, and bringing it up to date (RFC 9111 4.3).

The stored validators replace the client's conditions on the way to the origin, so that a 304 is always about what is
stored; the client's own conditions are then judged here, on what came of it (section 4.3.2). A 304 that names another
validator is about something that we do not have: the request is repeated without conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.freshness import moment
from lanner.cache.response.storing import HOP_BY_HOP
from lanner.http.conditional import none_match_holds, not_modified_headers
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


def confirmed(records: Sequence[Record], headers: Mapping[str, str]) -> Record | None:
    """The record that a 304 with these headers is about, or None when it is about none (section 4.3.4).

    By entity-tag; else by Last-Modified; a 304 without any validator confirms the only one that was asked about.
    """
    etag = headers.get("etag")
    if etag is not None:
        opaque = etag.removeprefix("W/")  # weak comparison (RFC 9110 section 8.8.3.2), also of tags without quotes
        return next((each for each in records if each.etag and each.etag.removeprefix("W/") == opaque), None)
    modified = headers.get("last-modified")
    if modified is not None:
        since = moment(modified, records[0].received)
        return next((each for each in records if each.modified is not None and each.modified == since), None)
    return records[0] if len(records) == 1 else None


def freshened(stored: Mapping[str, str], received: Mapping[str, str]) -> dict[str, str]:
    """The stored fields brought up to date (section 3.2): each received one replaces, with exceptions.

    Age and Date are those of the new message, or nothing where it has none.
    """
    unchanged = set(_UNCHANGED)
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
