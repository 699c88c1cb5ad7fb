"""Payload compression of REST APIs with `MinimumCompressionSize`.

API Gateway compresses an answer of at least that many bytes when the client accepts gzip or deflate and the function
has not encoded it itself. (AWS, "Enable payload compression for an API")
"""

from __future__ import annotations

import gzip
import zlib

from lanner.local.gateway.message import HttpAnswer, HttpRequest


def compressed(answer: HttpAnswer, request: HttpRequest, minimum: int) -> HttpAnswer:
    """The answer, compressed where it should be."""
    if len(answer.body) < minimum or answer.header("content-encoding") is not None or not answer.body:
        return answer
    coding = accepted_coding(request.header("accept-encoding") or "")
    if coding is None:
        return answer
    body = gzip.compress(answer.body, 6, mtime=0) if coding == "gzip" else zlib.compress(answer.body, 6)
    return HttpAnswer(answer.status, (*answer.headers, ("Content-Encoding", coding)), body, answer.note)


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
