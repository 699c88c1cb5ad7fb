"""FastAPI's and Starlette's own errors as problems of ours.

What is wrong with a body that is JSON is a 422 with JSON pointers; a body that does not say that it is JSON, which
FastAPI hands on unread, is a 415; all else that a client wrote wrongly (syntax, parameters, headers) is a 400. The
messages name the place and what would be right, never the value: values end up in logs and screenshots.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lanner.http.problems import (
    MAX_ERRORS,
    ApiError,
    BadRequest,
    Unprocessable,
    UnsupportedMediaType,
    header,
    member,
    parameter,
)

_NO_OBJECT = frozenset(("model_attributes_type", "model_type", "dict_type", "dataclass_type"))


def from_validation_error(error: RequestValidationError, content_type: str = "application/json") -> ApiError:
    """The problem for what FastAPI's validation found in a request whose body is of `content_type`."""
    found = error.errors()[:MAX_ERRORS]
    if not _is_json(content_type) and any(tuple(each["loc"]) == ("body",) and _unread(each) for each in found):
        named = f"not {content_type[:60]}" if content_type else "and there is none"
        text = f"The body's Content-Type must be application/json, {named}"
        return UnsupportedMediaType(text, headers={"accept": "application/json"})
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


def _is_json(content_type: str) -> bool:
    """As FastAPI decides it: `application/json`, or any `application/...+json`."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _unread(found: Any) -> bool:  # Any: one of pydantic's error dictionaries
    """Whether an object or an array was wanted and the body's bytes were what there is."""
    return found["type"] in _NO_OBJECT or found["type"] == "list_type"


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
    if found["type"] in _NO_OBJECT:
        return "must be an object"
    text = str(found["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def from_http_exception(error: HTTPException) -> ApiError:
    """The problem for an `HTTPException`: of the type that its status has here, else `about:blank`, which says no more
    than the status does (RFC 9457 section 4.2.1) and needs no page that explains it."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    try:
        phrase = HTTPStatus(error.status_code).phrase
    except ValueError:
        phrase = "Error"
    given: Any = error.detail
    detail = given if isinstance(given, str) else phrase
    problem = ApiError(detail, title=phrase, headers=headers)
    problem.status, problem.slug = error.status_code, ""
    ours: list[type[ApiError]] = [ApiError, *ApiError.__subclasses__()]
    for known in ours:
        if known.status == problem.status and known.__module__ == ApiError.__module__:
            problem.slug, problem.title = known.slug, known.title
            break
    return problem
