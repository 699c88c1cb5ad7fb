"""Errors as clients see them: one tree of exceptions, one JSON shape (RFC 9457, `application/problem+json`).

    ApiError
    ├── BadRequest 400         malformed syntax, unknown parameter, bad cursor
    ├── Unauthorized 401
    ├── Forbidden 403
    ├── NotFound 404
    ├── MethodNotAllowed 405   carries Allow
    ├── NotAcceptable 406
    ├── Conflict 409
    ├── Gone 410
    ├── PreconditionFailed 412
    ├── UnsupportedMediaType 415
    ├── Unprocessable 422      well-formed, but against the schema; carries `errors`
    ├── PreconditionRequired 428
    ├── TooManyRequests 429
    ├── InternalError 500      never says why: the log does
    └── Unavailable 503        a dependency is down, or a brownout; carries Retry-After

A problem holds `type` (a stable path that documentation explains, relative to the API's root), `title`, `status`,
`detail`, `instance` (the request id) and, for bad input, `errors: [{pointer, detail}]`, the pointer being an RFC 6901
JSON pointer into the body (`#/email`) or the name of a parameter (`?limit`, `header X-API-Version`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lanner.http.message import Request, Response

PROBLEM_JSON = "application/problem+json"
TYPE_BASE = "/problems/"
UNTYPED = "about:blank"
"""The type of a problem that is its status and nothing else (RFC 9457 section 4.2.1): one without a slug."""
MAX_ERRORS = 50
"""Entries of `errors`: ten thousand mistakes are answered as briefly as fifty, and never above a gateway's limit."""
MAX_TOKEN = 200
"""Characters of a pointer's token: a member may be as long as the whole body, and its name is the client's."""


class ApiError(Exception):
    """An answer that is an error. Subclasses fix status, slug and title; `detail` says what happened this time."""

    status = 500
    slug = "internal-error"
    title = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        slug: str | None = None,
        title: str | None = None,
        **extensions: Any,  # Any: JSON values, members of the problem object (RFC 9457 section 3.2)
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.extensions = extensions
        if slug is not None:
            self.slug = slug
        if title is not None:
            self.title = title

    def document(self, instance: str) -> dict[str, Any]:  # Any: JSON
        """The members of the problem document (RFC 9457 section 3); `instance` is the request's id."""
        members: dict[str, Any] = {
            "type": TYPE_BASE + self.slug if self.slug else UNTYPED,
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": instance,
        }
        if self.errors:
            members["errors"] = [dict(error) for error in self.errors[:MAX_ERRORS]]
        members.update(self.extensions)
        return members

    def response(self, request: Request) -> Response:
        """The problem document for this request.

        Where this is our fault, or a dependency's, and has a cause, that is left in `request.state["error"]` for the
        log: the client is not told.
        """
        if self.status >= 500 and self.__cause__ is not None:
            request.state["error"] = self
        document = self.document(request.request_id)
        headers = {"content-type": PROBLEM_JSON, "cache-control": "no-store"}
        if self.headers:
            headers.update(self.headers)
        try:
            body = orjson.dumps(document)
        except TypeError:  # a detail repeats what no UTF-8 can hold
            body = orjson.dumps(_encodable(document))
        return Response(self.status, headers, body)


def _encodable(value: Any) -> Any:  # Any: JSON values
    """The value with a question mark in the place of every lone surrogate, which a JSON event may hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _encodable(each) for name, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value


class BadRequest(ApiError):
    status, slug, title = 400, "bad-request", "Bad request"


class Unauthorized(ApiError):
    status, slug, title = 401, "unauthorized", "Authentication required"


class Forbidden(ApiError):
    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(ApiError):
    status, slug, title = 404, "not-found", "Not found"


class MethodNotAllowed(ApiError):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method} is not allowed here; allowed: {allow}", headers={"allow": allow})


class NotAcceptable(ApiError):
    status, slug, title = 406, "not-acceptable", "Not acceptable"


class Conflict(ApiError):
    status, slug, title = 409, "conflict", "Conflict"


class Gone(ApiError):
    status, slug, title = 410, "gone", "Gone"


class PreconditionFailed(ApiError):
    status, slug, title = 412, "precondition-failed", "Precondition failed"


class UnsupportedMediaType(ApiError):
    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class RangeNotSatisfiable(ApiError):
    status, slug, title = 416, "range-not-satisfiable", "Range not satisfiable"


class Unprocessable(ApiError):
    status, slug, title = 422, "invalid-input", "Invalid input"


class PreconditionRequired(ApiError):
    status, slug, title = 428, "precondition-required", "Precondition required"


class TooManyRequests(ApiError):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class InternalError(ApiError):
    """What an unexpected exception becomes: the client learns the request id, the log has the rest."""

    def __init__(self) -> None:
        super().__init__("The request failed on our side; quote the instance when you report it")


class NothingStored(ApiError):
    """The client wants a stored response and nothing else (RFC 9111 section 5.2.1.7)."""

    status, slug, title = 504, "nothing-stored", "Nothing stored"


class Unavailable(ApiError):
    """A dependency is down or the version is in a brownout. `retry_after` in seconds."""

    status, slug, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int | None = None, **more: Any) -> None:  # Any: as ApiError
        headers = dict(more.pop("headers", None) or {})
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
        super().__init__(detail, headers=headers, **more)


def parameter(name: str, detail: str) -> dict[str, str]:
    """An entry of `errors` about a query parameter."""
    return {"pointer": f"?{name}", "detail": detail}


def header(name: str, detail: str) -> dict[str, str]:
    """An entry of `errors` about a request header."""
    return {"pointer": f"header {name}", "detail": detail}


def member(path: Sequence[str | int], detail: str) -> dict[str, str]:
    """An entry of `errors` about a member of the body: RFC 6901 in its URI fragment form, long names cut."""
    tokens = (str(part)[:MAX_TOKEN].replace("~", "~0").replace("/", "~1") for part in path)
    return {"pointer": "#" + "".join(f"/{token}" for token in tokens), "detail": detail}
