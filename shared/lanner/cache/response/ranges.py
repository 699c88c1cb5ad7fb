"""Parts of a stored response (RFC 9110 section 14; RFC 9111 section 3.3 leaves it to that).

Only `bytes`, only GET, from a stored 200 and, within what it has, from a stored 206 (`partial`). A Range that does not
parse, names another unit, or asks for more parts than `MAX_RANGES` is ignored, and the whole is sent; ranges that
overlap or touch are sent as one, so that no request can multiply the bytes of a response (section 14.2, 17.15). None
that can be satisfied: 416.

If-Range must hold for a part to be sent: the same strong entity-tag, or exactly the stored Last-Modified where that is
a strong validator, a second or more before Date (section 13.1.5, 8.8.2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.http.conditional import is_weak
from lanner.http.dates import parse_http_date
from lanner.http.headers import split_list
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

Span = tuple[int, int]  # first and last byte, both inclusive

MAX_RANGES: Final = 16  # parts of one answer; readers of documents ask for a few
_LONGEST_NUMBER: Final = 18  # digits: what is longer is beyond any body
_BOUNDARY_BYTES: Final = 12
_OF_THE_WHOLE: Final = (
    *("content-type", "content-encoding", "content-language", "etag", "last-modified"),
    *("expires", "pragma", "cdn-cache-control", "cache-groups", "surrogate-key", "cache-tag"),
)
"""What a 416 does not repeat: it is no such representation, and nobody is to keep it."""


def parse(value: str, size: int) -> list[Span] | None:
    """The satisfiable ranges of a Range field for a body of `size` bytes, merged, in the order asked.

    None when the field has to be ignored, an empty list when no range can be satisfied. The last bytes of an empty body
    can be had (section 14.1.2), but no Content-Range can say so: the field is ignored.
    """
    unit, equals, text = value.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    members = split_list(text)
    if not members or len(members) > MAX_RANGES:
        return None
    spans: list[Span] = []
    for member in members:
        first, dash, last = (part.strip(" \t") for part in member.partition("-"))
        if not dash or not all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last)):
            return None
        if not first and not last:
            return None
        if not first and not size and last.strip("0"):
            return None
        span = _resolve(_number(first), _number(last), size)
        if span is None:
            return None
        if span[0] <= span[1]:
            spans.append(span)
    return _merged(spans)


def _number(text: str) -> int | None:
    if not text:
        return None
    digits = text.lstrip("0")
    return 10**_LONGEST_NUMBER if len(digits) > _LONGEST_NUMBER else int(digits or "0")


def _resolve(first: int | None, last: int | None, size: int) -> Span | None:
    """A range as first and last byte, the last before the first where nothing is there; None where it is invalid."""
    if first is None:
        length = min(last or 0, size)
        return (size - length, size - 1) if length else (1, 0)
    if last is not None and last < first:
        return None  # section 14.1.1: invalid, and with it the whole field
    return (first, size - 1 if last is None else min(last, size - 1)) if first < size else (1, 0)


def _merged(spans: list[Span]) -> list[Span]:
    """Overlapping and touching ranges as one, at the place of the first that was asked for."""
    merged: list[Span] = []
    for span in spans:
        first, last = span
        apart: list[Span] = []
        place = None
        for start, end in merged:
            if first <= end + 1 and start <= last + 1:
                first, last = min(first, start), max(last, end)
                place = len(apart) if place is None else place
            else:
                apart.append((start, end))
        apart.insert(len(apart) if place is None else place, (first, last))
        merged = apart
    return merged


def wanted(request_headers: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether a part may be sent: Range is there, If-Range holds, and the origin does not refuse ranges."""
    if "range" not in request_headers or headers.get("accept-ranges", "").strip().lower() == "none":
        return False
    condition = request_headers.get("if-range")
    return condition is None or if_range_holds(condition.strip(" \t"), headers)


def if_range_holds(condition: str, headers: Mapping[str, str]) -> bool:
    """Section 13.1.5, by strong comparison."""
    if condition.endswith('"'):
        etag = headers.get("etag")
        return etag is not None and not is_weak(etag) and etag == condition
    modified = parse_http_date(headers.get("last-modified", ""))
    made = parse_http_date(headers.get("date", ""))
    asked = parse_http_date(condition)
    return modified is not None and asked == modified and made is not None and made - modified >= 1


def partial(request_headers: Mapping[str, str], headers: dict[str, str], body: bytes) -> Response | None:
    """The 206 or 416 that a request for parts of a stored 200 gets, or None where it gets the whole.

    `headers` are those of the answer and are changed.
    """
    if not wanted(request_headers, headers):
        return None
    spans = parse(request_headers["range"], len(body))
    if spans is None:
        return None
    if not spans:
        for name in _OF_THE_WHOLE:
            headers.pop(name, None)
        headers["content-range"] = f"bytes */{len(body)}"
        headers["cache-control"] = "no-store"  # else a cache behind us might keep the refusal for as long as the whole
        return _sized(416, headers, b"")
    return cut(headers, body, spans, len(body))


def cut(headers: dict[str, str], body: bytes, spans: list[Span], size: int, start: int = 0) -> Response:
    """The 206 with these spans of a representation of `size` bytes, of which `body` has those from `start` on.

    `headers` are those of the answer and are changed. Every span lies in the body.
    """
    if len(spans) == 1:
        first, last = spans[0]
        headers["content-range"] = f"bytes {first}-{last}/{size}"
        return _sized(206, headers, body[first - start : last + 1 - start])
    return _multipart(headers, body, spans, size, start)


def _sized(status: int, headers: dict[str, str], body: bytes) -> Response:
    headers["content-length"] = str(len(body))
    return Response(status, headers, body)


def _multipart(headers: dict[str, str], body: bytes, spans: list[Span], size: int, start: int) -> Response:
    """Section 14.6: each part with its own Content-Type and Content-Range, none in the head."""
    kind = headers.get("content-type")
    boundary = _boundary(body)
    pieces: list[bytes] = []
    for first, last in spans:
        head = f"\r\n--{boundary}\r\n" if pieces else f"--{boundary}\r\n"
        if kind is not None:
            head += f"Content-Type: {kind}\r\n"
        head += f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n"
        pieces += [head.encode("utf-8"), body[first - start : last + 1 - start]]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    headers.pop("content-range", None)
    headers["content-type"] = f"multipart/byteranges; boundary={boundary}"
    return _sized(206, headers, b"".join(pieces))


def _boundary(body: bytes) -> str:
    """Random, and made again in the case that nobody will see: the body has it."""
    from os import urandom

    while (boundary := urandom(_BOUNDARY_BYTES).hex()).encode() in body:
        pass
    return boundary
