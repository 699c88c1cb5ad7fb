"""Pieces of OpenAPI 3.1 that the functions' route declarations share: parameters, bodies, what can go wrong."""

from __future__ import annotations

from typing import Any

Part = dict[str, Any]  # Any: OpenAPI's own JSON
Responses = dict[int | str, Part]


def query_parameter(name: str, description: str, **schema: Any) -> Part:  # Any: JSON Schema
    """A query parameter, a string that is not empty unless `schema` says otherwise."""
    plain = {"type": "string"} if {"type", "enum", "format"} & set(schema) else {"type": "string", "minLength": 1}
    return {"name": name, "in": "query", "description": description, "schema": {**plain, **schema}}


def request_body(schema: Part, media_type: str = "application/json") -> Part:
    """A required body of one media type."""
    return {"required": True, "content": {media_type: {"schema": schema}}}


def component(name: str) -> Part:
    """A reference to a schema that some response of the same router has."""
    return {"$ref": f"#/components/schemas/{name}"}


IF_MATCH: Part = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag that was read: the change is refused with 412 when somebody changed it since",
    "schema": {"type": "string"},
}

IDEMPOTENCY_KEY: Part = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A string in double quotes that is new for each request, and the same when it is sent again",
    "schema": {"type": "string", "minLength": 1},
    "example": '"0f0e5a4c-55a2-4bd3-a1f5-1cfd09f0a0e1"',
}
PREFER: Part = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=10` waits up to that many seconds for the job, and gets it where it has finished by then",
    "schema": {"type": "string"},
}

UNCHANGED: Responses = {304: {"description": "Unchanged since the ETag in If-None-Match"}}
WRONG_PARAMETER: Responses = {400: {"description": "A parameter is unknown or wrong"}}
NOT_FOUND: Responses = {404: {"description": "There is nothing of this name"}}
STALE: Responses = {412: {"description": "It has changed since it was read"}}
TAKEN: Responses = {409: {"description": "The e-mail address is in use"}}
IN_FLIGHT: Responses = {
    409: {"description": "A request with this Idempotency-Key is being performed: send it again after Retry-After"}
}
TAKEN_OR_IN_FLIGHT: Responses = {
    409: {"description": "The e-mail address is in use, or a request with this Idempotency-Key is being performed"}
}
WRONG_BODY: Responses = {
    400: {"description": "The body is not JSON, or has a key twice"},
    415: {"description": "The body is of another media type"},
    422: {"description": "Members are missing, unknown or wrong: `errors` points to each"},
}
