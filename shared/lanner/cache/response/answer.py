"""Answers made from stored responses (RFC 9111 section 4): Age, the client's conditions, parts, HEAD, and the 504."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lanner.cache.response.status import appended
from lanner.cache.response.storing import HOP_BY_HOP
from lanner.cache.response.validation import not_modified
from lanner.http.headers import split_list
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.response.record import Record
    from lanner.http.message import Request

_UPGRADE_REQUIRED: Final = 426
_OF_A_PROXY: Final = frozenset(("proxy-authenticate", "proxy-authentication-info"))  # a 407 is for the client

NOTHING_STORED: Final = (
    b'{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"No stored response may be used"}'
)
"""The body of the cache's own 504, by which those in front can tell it from the origin's."""


def from_record(record: Record, request: Request, now: float, member: str, head_bodies: bool) -> Response:
    """The stored response as the answer to a GET or HEAD: with its age (section 5.1) and our `Cache-Status`."""
    headers = record.base.copy()
    headers["age"] = str(int(record.age(now)))
    headers["cache-status"] = appended(record.upstream, member)
    return selected(request, record.status, headers, record.body, record.received, head_bodies, record.cookies)


def selected(
    request: Request,
    status: int,
    headers: dict[str, str],
    body: bytes,
    received: float,
    head_bodies: bool,
    cookies: tuple[str, ...] | list[str] = (),
) -> Response:
    """What a complete response comes to after the client's conditions, its Range and its method. Changes `headers`."""
    asked = request.headers
    if status == 200:
        if "if-none-match" in asked or "if-modified-since" in asked:
            unchanged = not_modified(asked, status, headers, received)
            if unchanged is not None:
                return Response(304, unchanged, cookies=cookies)
        if "range" in asked and request.method == "GET":
            from lanner.cache.response.ranges import partial  # rare: an API is seldom asked for parts

            part = partial(asked, headers, body)
            if part is not None:
                part.cookies = list(cookies)
                return part
    if request.method == "HEAD" and not head_bodies:
        if body:
            headers.setdefault("content-length", str(len(body)))
        body = b""
    return Response(status, headers, body, cookies)


def gateway_timeout(member: str) -> Response:
    """Nothing stored may be used and the client wants nothing else (section 5.2.1.7)."""
    headers = {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "cache-status": member,
    }
    return Response(504, headers, NOTHING_STORED)


def passed(response: Response, own_targets: tuple[str, ...], member: str, date: str) -> Response:
    """The origin's answer on its way to the client: a copy, without our own targeted fields, with our status.

    An answer with Connection goes without the fields of that connection (RFC 9110 section 7.6.1); a 426 keeps its
    Upgrade, which it cannot be without (section 15.5.22).
    """
    headers = {name: value for name, value in response.headers.items() if name not in own_targets}
    if "connection" in headers and response.status != _UPGRADE_REQUIRED:
        for name in (*HOP_BY_HOP, *(each.lower() for each in split_list(headers["connection"]))):
            if name not in _OF_A_PROXY:
                headers.pop(name, None)
    headers["cache-status"] = appended(headers.get("cache-status"), member)
    headers.setdefault("date", date)  # RFC 9110 section 6.6.1
    return Response(response.status, headers, response.body, response.cookies)


def tidied(response: Response) -> Response:
    """An origin's answer with names in lower case, text for values and cookies in their list, as everybody here reads.

    Nearly always it is so, and the same object comes back. Names that differ in their case are joined (RFC 9110
    section 5.3), a value of None is no field.
    """
    headers: dict[str, Any] = response.headers  # Any: whatever an origin left there
    for name, value in headers.items():
        if type(value) is not str or not name.islower() or name == "set-cookie":
            break
    else:
        return response
    fields: dict[str, str] = {}
    cookies = list(response.cookies)
    for name, value in headers.items():
        lower = name.lower()
        if value is None:
            continue
        if lower == "set-cookie":
            cookies.append(str(value))
        else:
            fields[lower] = f"{fields[lower]}, {value}" if lower in fields else str(value)
    return Response(response.status, fields, response.body, cookies)


def is_conditional(headers: Mapping[str, str]) -> bool:
    """Whether the client asks about a copy of its own."""
    return "if-none-match" in headers or "if-modified-since" in headers
