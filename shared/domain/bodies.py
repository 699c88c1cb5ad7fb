"""Request bodies: JSON objects, read strictly, with one clear error for each way to get them wrong.

    no body, not JSON, not UTF-8, NaN, nested too deeply     400 invalid-json
    the same key twice in one object (RFC 8259 section 4)    400 duplicate-key
    JSON, but no object                                      422 with pointer "#"
    another content type, or none                            415 with Accept (RFC 9110 section 15.5.16), for PATCH
                                                             Accept-Patch (RFC 5789 section 3.1)
    a content coding (Content-Encoding: gzip)                415 with Accept-Encoding (RFC 9110 section 12.5.3)

The vendor media type is JSON too: `application/vnd.lanner+json`, and `application/vnd.lanner.v2+json` where v2 serves
the request. A body that says that it is another version's is not read as this one's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from domain.merge_patch import MEDIA_TYPE as MERGE_PATCH
from lanner.http.problems import BadRequest, Unprocessable, UnsupportedMediaType, member

if TYPE_CHECKING:
    from lanner.http.message import Request

JSON = "application/json"
VENDOR = "application/vnd.lanner"
IDENTITY = "identity"

Document = dict[str, Any]  # Any: JSON values


def read_document(request: Request) -> Document:
    """The JSON object of a POST or PUT. Raises `BadRequest`, `UnsupportedMediaType` or `Unprocessable`."""
    essence = _essence(request)
    if essence != JSON and essence not in _vendor_types(request):
        raise UnsupportedMediaType(_wrong_type(request, JSON), headers={"accept": JSON})
    return _parsed(request)


def read_patch(request: Request) -> Document:
    """The JSON Merge Patch of a PATCH. Raises `BadRequest`, `UnsupportedMediaType` or `Unprocessable`."""
    if _essence(request) != MERGE_PATCH:
        raise UnsupportedMediaType(_wrong_type(request, MERGE_PATCH), headers={"accept-patch": MERGE_PATCH})
    return _parsed(request)


def _parsed(request: Request) -> Document:
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", IDENTITY):
        raise UnsupportedMediaType(
            f"The body must be sent as it is, not with the Content-Encoding {coding[:40]}",
            headers={"accept-encoding": IDENTITY},
        )
    return parse_object(request.body)


def parse_object(body: bytes) -> Document:
    """One JSON object, without a key repeated anywhere in it. Raises `BadRequest` and `Unprocessable`."""
    if not body:
        raise BadRequest("The body is empty; send a JSON object", slug="invalid-json")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}", slug="invalid-json") from None
    if not isinstance(document, dict):
        raise Unprocessable(
            f"The body must be a JSON object, not {kind(document)}", errors=[member((), "must be an object")]
        )
    _refuse_duplicates(body)
    return document


def kind(value: object) -> str:
    """What JSON calls the type of a value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a string" if isinstance(value, str) else "an array" if isinstance(value, list) else "an object"


def _vendor_types(request: Request) -> tuple[str, ...]:
    """Our own names of JSON for what serves this request."""
    version = request.version.name if request.version is not None else ""
    return f"{VENDOR}+json", f"{VENDOR}.{version}+json"


def _essence(request: Request) -> str:
    """The media type in lower case, without parameters; a charset other than UTF-8 makes it something else."""
    value = request.headers.get("content-type", "")
    essence, _, parameters = value.partition(";")
    if "charset" in parameters.lower():
        for parameter in parameters.lower().split(";"):
            name, _, charset = parameter.partition("=")
            if name.strip() == "charset" and charset.strip().strip('"') not in ("utf-8", "utf8"):
                return value
    return essence.strip().lower()


def _wrong_type(request: Request, wanted: str) -> str:
    sent = request.headers.get("content-type")
    found = f"not {sent[:100]}" if sent else "and there is none"
    return f"The body's Content-Type must be {wanted} in UTF-8, {found}"


def _refuse_duplicates(body: bytes) -> None:
    """orjson keeps the last of two equal keys and says nothing, so objects are read once more, for their keys."""

    def unique(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise BadRequest(f"The key {name[:100]!r} occurs twice in one JSON object", slug="duplicate-key")
            seen.add(name)

    # Numbers stay text: Python refuses integers of more than 4,300 digits, and nobody looks at them here.
    try:
        json.loads(body, object_pairs_hook=unique, parse_int=str, parse_float=str)
    except RecursionError:
        raise BadRequest("The body is nested too deeply", slug="invalid-json") from None
