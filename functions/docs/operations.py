"""The descriptive routes in OpenAPI's words; read when the documents are made, never by a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LINKS = {"type": "object", "additionalProperties": {"type": "string"}}
_DATE = {"type": ["string", "null"], "format": "date-time"}
_VERSION = {
    "type": "object",
    "required": ["name", "status", "links"],
    "properties": {
        "name": {"type": "string"},
        "status": {"type": "string", "enum": ["preview", "active", "deprecated", "brownout", "retired"]},
        "media_type": {"type": "string"},
        "released_at": _DATE,
        "deprecated_at": _DATE,
        "sunset_at": _DATE,
        "brownouts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "start": {"type": "string", "format": "date-time"},
                    "end": {"type": "string", "format": "date-time"},
                },
            },
        },
        "predecessor": {"type": ["string", "null"]},
        "successor": {"type": ["string", "null"]},
        "changes": {"type": "array", "items": {"type": "string"}},
        "links": _LINKS,
    },
}
_VERSIONS = {
    "type": "object",
    "required": ["data", "default", "latest"],
    "properties": {
        "data": {"type": "array", "items": _VERSION},
        "default": {"type": "string"},
        "latest": {"type": "string"},
    },
}


def _answer(description: str, schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {"200": {"description": description, "content": {media_type: {"schema": schema}}}}


OPERATIONS: Mapping[str, dict[str, Any]] = {  # Any: JSON
    "GET /": {
        "operationId": "index",
        "summary": "Where everything that describes the API is",
        "responses": _answer(
            "Paths by name.", {"type": "object", "required": ["links"], "properties": {"links": _LINKS}}
        ),
    },
    "GET /versions": {
        "operationId": "versions",
        "summary": "Every version: status, dates, links, and what changed",
        "responses": _answer("The versions, the oldest first.", _VERSIONS),
    },
    "GET /openapi.json": {
        "operationId": "openapi",
        "summary": "This document",
        "responses": _answer("OpenAPI 3.1.", {"type": "object"}),
    },
    "GET /docs": {
        "operationId": "reference",
        "summary": "This document, for people",
        "responses": _answer("A page.", {"type": "string"}, "text/html"),
    },
    "GET /docs/changes": {
        "operationId": "changes",
        "summary": "What each version changed, for people",
        "responses": _answer("A page.", {"type": "string"}, "text/html"),
    },
}
