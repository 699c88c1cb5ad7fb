"""Health in OpenAPI's words; read when the documents are made, never by a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STATUS = {"type": "string", "enum": ["OK"]}
_CHECK = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "enum": ["OK", "DOWN", "SKIPPED"]},
        "duration_ms": {"type": "number"},
        "detail": {"type": "string"},
    },
}

OPERATIONS: Mapping[str, dict[str, Any]] = {  # Any: JSON
    "GET /health": {
        "operationId": "live",
        "summary": "Whether the API answers at all",
        "responses": {
            "200": {
                "description": "It does.",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "required": ["status"], "properties": {"status": _STATUS}}
                    }
                },
            }
        },
    },
    "GET /health/ready": {
        "operationId": "ready",
        "summary": "Whether each dependency answers",
        "responses": {
            "200": {
                "description": "All do.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["status", "checks"],
                            "properties": {
                                "status": _STATUS,
                                "checks": {"type": "object", "additionalProperties": _CHECK},
                            },
                        }
                    }
                },
            },
            "503": {"$ref": "#/components/responses/Problem"},
        },
    },
}
