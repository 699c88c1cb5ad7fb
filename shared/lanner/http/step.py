"""The three steps of the edge that are HTTP's own: `cors`, `compress` and `conditional`, in that order from outside.

    cors         a preflight is granted here (always 204); other answers get their headers, problems too
    compress     ETags that a client got with a compressed body are translated on the way in and on the way out; a
                 body from the response cache (`request.state["cache_record"]`) is compressed once
    conditional  a GET whose If-None-Match names what the route's validator calls current is a 304 without the
                 application; a 200 without an ETag gets one from its bytes; then RFC 9110 section 13 decides

A 304 repeats what its 200 would have said about caching (RFC 9110 section 15.4.5). A validator therefore leaves the
Cache-Control, Expires or Content-Location of its route in `request.state["not_modified"]`, a mapping of header names.

HEAD is treated as GET all the way: its body is there and goes last (see `pipeline.entry`), so every header is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.compression import (
    MINIMUM_SIZE,
    coding_for,
    compressible,
    encode,
    has_suffix,
    held_form,
    with_suffix,
    without_suffixes,
)
from lanner.http.conditional import evaluate, is_conditional, not_modified_headers, strong_etag
from lanner.http.dates import parse_http_date
from lanner.http.headers import ANY
from lanner.http.message import Handler, Request, Response
from lanner.http.problems import ApiError, PreconditionFailed

if TYPE_CHECKING:
    from lanner.group import RouteGroup, Validator

TAGGED_SIZE = 1_000_000  # bytes: hashing more costs over a millisecond, which no 304 is likely to earn back


def cors(group: RouteGroup, handler: Handler) -> Handler | None:
    """The CORS step, for a group that has a policy."""
    policy = group.cors
    if policy is None:
        return None
    varies = policy.varies
    everybody = {} if varies else policy.response_headers(ANY)

    def handle(request: Request) -> Response:
        extra = everybody
        origin = request.headers.get("origin")
        if origin is not None and policy.allows(origin):
            if request.method == "OPTIONS" and request.route and "access-control-request-method" in request.headers:
                return _marked(_preflight(handler(request), policy.preflight_headers(origin)), {}, varies)
            if varies:
                extra = policy.response_headers(origin)
        try:
            response = handler(request)
        except ApiError as error:
            # `errors` makes the answer, and a page has to be able to read that one too.
            error.headers = _marked(Response(headers=dict(error.headers or {})), extra, varies).headers
            raise
        if varies:
            return _marked(response, extra, varies)
        response.headers.update(extra)
        return response

    return handle


def _preflight(ordinary: Response, granted: dict[str, str]) -> Response:
    """The answer to a preflight: what the version step says on every answer, and the grant. Always 204: a refusal of
    the request itself (a retired version, say) is for the page to read when it sends that request."""
    headers = ordinary.headers
    said: dict[str, str] = {name: headers[name] for name in ("x-api-version", "vary") if name in headers}
    return Response(204, {**said, **granted})


def _marked(response: Response, extra: dict[str, str], varies: bool) -> Response:
    response.headers.update(extra)
    if varies:
        _add_vary(response, "Origin", "origin")
    return response


def compress(_group: RouteGroup, handler: Handler) -> Handler:
    """The compression step."""

    def handle(request: Request) -> Response:
        headers = request.headers
        sent, match = headers.get("if-none-match"), headers.get("if-match")
        held = sent is not None and has_suffix(sent)
        if held or (match is not None and has_suffix(match)):
            _translate(request)
        response = handler(request)
        status = response.status
        if status == 304:
            if "no-transform" not in response.headers.get("cache-control", ""):
                _add_vary(response, "Accept-Encoding", "accept-encoding")
            if sent is not None and held and "etag" in response.headers:
                response.headers["etag"] = held_form(response.headers["etag"], sent)
        elif status == 206:
            _vary_as_the_whole(response)
        elif status != 204 and compressible(response.headers.get("content-type", "")):
            _compress(request, response)
        return response

    return handle


def _translate(request: Request) -> None:
    """Conditions as if nothing had ever been compressed. A copy: the mapping may be the event's own."""
    headers = request.headers
    for name in ("if-none-match", "if-match"):
        tags = headers.get(name)
        if tags is not None and has_suffix(tags):
            headers = {**headers, name: without_suffixes(tags)}
    request.headers = headers


def _add_vary(response: Response, name: str, lower: str) -> None:
    """What `Response.vary` does, at a third of the price where Vary does not seem to hold the name yet."""
    headers = response.headers
    present = headers.get("vary")
    if present is None:
        headers["vary"] = name
    elif "*" in present or lower in present.lower():
        response.vary(name)
    else:
        headers["vary"] = f"{present}, {name}"


def _vary_as_the_whole(response: Response) -> None:
    """A part, which is never compressed, varies by what its 200 varies by (RFC 9110 section 15.3.7)."""
    headers = response.headers
    kind = headers.get("content-type", "")
    if "content-encoding" in headers or "no-transform" in headers.get("cache-control", ""):
        return
    if compressible(kind) or kind.startswith("multipart/byteranges"):
        _add_vary(response, "Accept-Encoding", "accept-encoding")


_VARIED: dict[str, str] = {}  # values of Vary with Accept-Encoding added; an API has a handful
_MOST_VARIED = 64


def _vary_by_encoding(response: Response) -> None:
    before = response.headers.get("vary", "")
    _add_vary(response, "Accept-Encoding", "accept-encoding")
    if len(_VARIED) < _MOST_VARIED:
        _VARIED[before] = response.headers["vary"]


def _compress(request: Request, response: Response) -> None:
    headers = response.headers
    if "content-encoding" in headers or "no-transform" in headers.get("cache-control", ""):
        return
    varied = _VARIED.get(headers.get("vary", ""))
    if varied is None:
        _vary_by_encoding(response)
    else:
        headers["vary"] = varied
    accepted = request.headers.get("accept-encoding")
    if accepted is None or len(response.body) < MINIMUM_SIZE:
        return
    coding = coding_for(accepted)
    if coding == "identity":
        return
    response.body = _encoded(request, response.body, coding)
    headers["content-encoding"] = coding
    if "content-length" in headers:
        headers["content-length"] = str(len(response.body))
    if "etag" in headers:
        headers["etag"] = with_suffix(headers["etag"], coding)


def _encoded(request: Request, body: bytes, coding: str) -> bytes:
    """The body in a coding; what compressing a kept answer gave stays with it, for as long as it is kept in memory."""
    record = request.state.get("cache_record")
    if record is None or record.body is not body:
        return encode(body, coding)
    found: bytes | None = record.encoded.get(coding)
    if found is None:
        found = record.encoded[coding] = encode(body, coding)
    return found


def conditional(group: RouteGroup, handler: Handler) -> Handler:
    """The step of conditional requests, for GET and HEAD; writes decide inside their own transaction."""
    validator = group.validator

    def handle(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return handler(request)
        if "if-none-match" in request.headers:
            validate = validator(request.route)
            if validate is not None:
                early = _early(request, validate)
                if early is not None:
                    return early
        first = "if-match" in request.headers or "if-unmodified-since" in request.headers
        response = _undecided(request, handler) if first else handler(request)
        if first and response.status == 206:
            return _decided(request, response)
        if response.status != 200:
            return response
        if "etag" not in response.headers:
            tag(request, response)
        return _decided(request, response) if is_conditional(request.headers) else response

    return handle


def _undecided(request: Request, handler: Handler) -> Response:
    """The answer without the conditions that come after If-Match and If-Unmodified-Since (RFC 9110 section 13.2.2):
    the cache inside looks at those alone (RFC 9111 section 4.3.2), and would say 304 where 412 is due."""
    asked = request.headers
    request.headers = {name: asked[name] for name in asked if name not in ("if-none-match", "if-modified-since")}
    try:
        return handler(request)
    finally:
        request.headers = asked


def _early(request: Request, validate: Validator) -> Response | None:
    """The answer that the current ETag alone allows, or None."""
    etag = validate(request)
    if etag is None:
        return None
    outcome = evaluate(request.method, request.headers, etag)
    if outcome is None:
        return None
    if outcome == 412:
        return _failed(request)
    headers = {"etag": etag}
    if "not_modified" in request.state:
        headers.update(request.state["not_modified"])
    return Response(304, headers)


def tag(request: Request, response: Response) -> None:
    """Give a 200 the entity-tag that its bytes have, where it may be kept and is not too large to look at."""
    body = response.body
    if not body or len(body) > TAGGED_SIZE or "no-store" in response.headers.get("cache-control", ""):
        return
    version = request.version.name if request.version is not None else ""
    response.headers["etag"] = strong_etag(body, f"{version} {response.headers.get('content-type', '')}")


def _decided(request: Request, response: Response) -> Response:
    headers = response.headers
    modified = headers.get("last-modified")
    last_modified = None if modified is None else parse_http_date(modified)
    outcome = evaluate(request.method, request.headers, headers.get("etag"), last_modified)
    if outcome is None:
        return response
    if outcome == 412:
        return _failed(request)
    return Response(304, not_modified_headers(headers), cookies=response.cookies)


def _failed(request: Request) -> Response:
    return PreconditionFailed("The resource is not in the state that the request's conditions name").response(request)
