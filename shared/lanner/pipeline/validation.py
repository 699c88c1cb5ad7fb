"""FastAPI's and Starlette's own errors as problems of ours.

What is wrong with a body that is JSON is a 422 with JSON pointers; all else that a client wrote wrongly (syntax,
parameters, headers) is a 400. The messages name the place and what would be right, never the value: values end up in
logs and screenshots.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lanner.http.problems import MAX_ERRORS, ApiError, BadRequest, Unprocessable, header, member, parameter


def from_validation_error(error: RequestValidationError) -> ApiError:
    """The problem for what FastAPI's validation found."""
    found = error.errors()[:MAX_ERRORS]
    if any(each["type"] == "json_invalid" for each in found):
        first = found[0]
        position = first["loc"][-1] if first["loc"] else 0
        reason = (first.get("ctx") or {}).get("error", "malformed")
        return BadRequest(f"The body is not valid JSON: {reason} at position {position}", slug="invalid-json")
    entries = [_entry(each) for each in found]
    if all(each["loc"] and each["loc"][0] == "body" for each in found):
        if any(len(each["loc"]) == 1 and each["type"] == "missing" for each in found):
            return BadRequest("A JSON body with Content-Type application/json is required", errors=entries)
        return Unprocessable("The body does not fit its schema", errors=entries)
    return BadRequest("The request has parameters that are not right", errors=entries)


def _entry(found: Any) -> dict[str, str]:  # Any: one of pydantic's error dictionaries
    where, path = found["loc"][0], found["loc"][1:]
    detail = _sentence(found)
    if where == "body":
        return member(path, detail)
    name = str(path[0]) if path else ""
    if where == "query":
        return parameter(name, detail)
    if where == "header":
        return header(name, detail)
    return {"pointer": f"{where} {name}", "detail": detail}


def _sentence(found: Any) -> str:  # Any: one of pydantic's error dictionaries
    if found["type"] == "extra_forbidden":
        return "is not a member of this resource"
    if found["type"] == "missing":
        return "is required"
    text = str(found["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def from_http_exception(error: HTTPException) -> ApiError:
    """The problem for an `HTTPException`, whatever its status."""
    try:
        title = HTTPStatus(error.status_code).phrase
    except ValueError:
        title = "Error"
    detail: Any = error.detail
    text = detail if isinstance(detail, str) else title
    problem = ApiError(
        text, title=title, slug=_slug(title), headers={k.lower(): v for k, v in (error.headers or {}).items()}
    )
    problem.status = error.status_code
    return problem


def _slug(title: str) -> str:
    words: Sequence[str] = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    return "-".join(words)
