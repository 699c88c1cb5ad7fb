"""Stored parts of a response: keeping a 206, cutting from it, adding to it (RFC 9111 sections 3.3 and 3.4).

    no record -> part      a 206 with one range, of a representation whose size is known
    part -> larger part    another 206 that overlaps or touches it, of the same strong entity-tag
    part -> complete       the same, when nothing is missing any more: from then on it is a stored 200
    part -> part           any other 206 takes its place, as any response does

A part is a `Record` of status 206. Nothing takes it for a complete response: `storage` finds it as `Found.part`, and
only this module looks at it. It answers a GET whose ranges lie in it while it is fresh; a GET for the whole asks the
origin for what is missing, before or after it, under `If-Range` with its entity-tag.

Kept out: `multipart/byteranges`, a Content-Range without a size (`/*`), without a range (`*/10`) or that contradicts
the body. Weak validators and dates never combine (section 3.4 wants a strong one), nor do bytes that differ where two
parts overlap. A part without any validator is asked to be completed only while it is fresh, and what comes is used if
it is the whole; a 206 is then no use, and the whole is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.response.ranges import cut, parse, wanted
from lanner.cache.response.record import PARTIAL
from lanner.cache.response.validation import freshened, not_modified
from lanner.http.conditional import is_weak
from lanner.http.message import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.response.record import Record
    from lanner.http.message import Request

Extent = tuple[int, int, int]  # the first and the last byte, both inclusive, and the size of the whole

_LONGEST_NUMBER: Final = 18  # digits: what is longer is beyond any body
_MULTIPART: Final = "multipart/byteranges"


def extent(headers: Mapping[str, str], length: int) -> Extent | None:
    """Where `length` bytes with these headers belong (RFC 9110 section 14.4); None where that is not said, or wrong."""
    unit, _, text = headers.get("content-range", "").strip(" \t").partition(" ")
    span, _, total = text.strip(" ").partition("/")
    numbers = [_number(each) for each in (*span.split("-", 1), total)]
    if unit.lower() != "bytes" or len(numbers) != 3:
        return None
    first, last, size = numbers
    if first is None or last is None or size is None or not first <= last < size or last - first + 1 != length:
        return None
    return first, last, size


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def kept(part: Record | None, response: Response) -> Response | None:
    """What a 206 comes to in the store, beside the `part` that is there: a 206 or a complete 200. None: nothing."""
    found = _place(response)
    if found is None:
        return None
    together = None if part is None else combined(part, response)
    return _shaped(response, response.headers, response.body, found) if together is None else together


def _place(response: Response) -> Extent | None:
    """Where the bytes of a 206 belong; None where it does not say so, or does not have them all."""
    headers, length = response.headers, len(response.body)
    if response.status != PARTIAL or headers.get("content-type", "").lower().startswith(_MULTIPART):
        return None
    return extent(headers, length) if headers.get("content-length", str(length)).strip(" \t") == str(length) else None


def combined(part: Record, response: Response) -> Response | None:
    """A stored part and a 206 as one, with the newer fields (section 3.4); None where they do not belong together."""
    old, new = extent(part.headers, len(part.body)), _place(response)
    if old is None or new is None or old[2] != new[2]:
        return None
    if not _is_strong(part.etag) or part.etag != response.headers.get("etag"):
        return None
    body = _joined((old[0], part.body), (new[0], response.body))
    if body is None:
        return None
    first = min(old[0], new[0])
    fields = freshened(part.headers, response.headers)
    return _shaped(response, fields, body, (first, first + len(body) - 1, old[2]))


def _joined(one: tuple[int, bytes], other: tuple[int, bytes]) -> bytes | None:
    """Two runs of bytes, each with the place of its first, as one; None with a gap, or where they contradict."""
    (start, left), (next_start, right) = sorted((one, other), key=lambda each: each[0])
    shared = len(left) - (next_start - start)
    if shared < 0:
        return None
    if left[len(left) - shared :][: len(right)] != right[:shared]:
        return None
    return left + right[shared:]


def _shaped(response: Response, fields: Mapping[str, str], body: bytes, place: Extent) -> Response:
    """A part as a 206, the whole as the 200 that it is (section 3.3); the cookies are those of the response."""
    first, last, size = place
    headers = {**fields, "content-length": str(len(body))}
    if first == 0 and last == size - 1:
        del headers["content-range"]
        return Response(200, headers, body, response.cookies)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Response(PARTIAL, headers, body, response.cookies)


def answer(part: Record, request: Request, headers: dict[str, str]) -> Response | None:
    """What a fresh part says to a GET with Range, None where it cannot. `headers` are those of the answer, changed."""
    place = extent(part.headers, len(part.body))
    asked = request.headers
    if place is None or not wanted(asked, headers):
        return None
    spans = parse(asked["range"], place[2])
    if not spans or any(first < place[0] or last > place[1] for first, last in spans):
        return None
    unchanged = not_modified(asked, 200, headers, part.received)  # section 4.3.2 says it of a stored 206 too
    if unchanged is not None:
        return Response(304, unchanged, cookies=part.cookies)
    found = cut(headers, part.body, spans, place[2], place[0])
    found.cookies = list(part.cookies)
    return found


def completing(part: Record, usable: bool) -> dict[str, str]:
    """The fields that ask for what is missing, none where all of it should be asked for.

    `usable`: the part is fresh, and nobody demands that it be validated; for a part without an entity-tag that counts.
    """
    place = extent(part.headers, len(part.body))
    if place is None:
        return {}
    first, last, size = place
    strong = _is_strong(part.etag)
    if first == 0 and (strong or (usable and not part.has_validator)):
        fields = {"range": f"bytes={last + 1}-"}
    elif last == size - 1 and strong:
        fields = {"range": f"bytes=0-{first - 1}"}
    else:
        return {}
    if strong and part.etag is not None:
        fields["if-range"] = part.etag
    return fields


def _is_strong(etag: str | None) -> bool:
    return etag is not None and len(etag) >= 2 and etag[0] == etag[-1] == '"' and not is_weak(etag)
