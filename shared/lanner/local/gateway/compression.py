"""Payload compression of REST APIs with `MinimumCompressionSize`.

API Gateway compresses an answer of at least that many bytes when the client accepts gzip or deflate and the function
has not encoded it itself, and unpacks a request's body before the function sees it. An unpacked body has the same
limit as any other, so that a small request cannot fill the memory. (AWS, "Enable payload compression for an API")
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

from lanner.local.gateway.faults import GatewayFault
from lanner.local.gateway.message import HttpAnswer, HttpRequest

_MAX_BODY = 10 * 1024 * 1024  # API Gateway's payload quota
_EITHER_HEADER = 32  # zlib: `wbits` + 32 reads gzip and zlib headers alike


def compressed(answer: HttpAnswer, request: HttpRequest, minimum: int) -> HttpAnswer:
    """The answer, compressed where it should be."""
    if len(answer.body) < minimum or answer.header("content-encoding") is not None or not answer.body:
        return answer
    coding = accepted_coding(request.header("accept-encoding") or "")
    if coding is None:
        return answer
    body = gzip.compress(answer.body, 6, mtime=0) if coding == "gzip" else zlib.compress(answer.body, 6)
    return HttpAnswer(answer.status, (*answer.headers, ("Content-Encoding", coding)), body, answer.note)


def unpacked(request: HttpRequest) -> HttpRequest:
    """The request with its body unpacked and without Content-Encoding, where that is gzip or deflate.

    Raises `GatewayFault`: 400 for a body that is not what its header says, 413 for one that grows too large.
    """
    if (request.header("content-encoding") or "").strip().lower() not in ("gzip", "deflate") or not request.body:
        return request
    unpacker = zlib.decompressobj(zlib.MAX_WBITS + _EITHER_HEADER)
    try:
        body = unpacker.decompress(request.body, _MAX_BODY)
    except zlib.error as error:
        raise GatewayFault(
            "BAD_REQUEST_BODY", f"the body is not {request.header('content-encoding')}: {error}"
        ) from error
    if unpacker.unconsumed_tail:
        raise GatewayFault("REQUEST_TOO_LARGE", "the unpacked body is larger than API Gateway's 10 MB")
    head = request.head
    kept = tuple(pair for pair in head.headers if pair[0].lower() != "content-encoding")
    fields = {name: value for name, value in head.fields.items() if name != "content-encoding"}
    return replace(request, head=replace(head, headers=kept, fields=fields), body=body)


def accepted_coding(accept_encoding: str) -> str | None:
    """`gzip` or `deflate`, whichever the client takes with the higher weight; None for neither."""
    best: tuple[float, str] | None = None
    for item in accept_encoding.split(","):
        name, _, parameters = item.strip().partition(";")
        coding = {"gzip": "gzip", "x-gzip": "gzip", "*": "gzip", "deflate": "deflate"}.get(name.strip().lower())
        weight = _weight(parameters)
        if coding is not None and weight > 0 and (best is None or weight > best[0]):
            best = (weight, coding)
    return best[1] if best else None


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
