"""REST events as API Gateway sends them, made for one request; and answers read back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson


def rest_event(
    path: str,
    method: str = "GET",
    *,
    stage: str = "v2",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    full_path: str | None = None,
) -> dict[str, Any]:  # Any: JSON
    """A payload 1.0 event; `full_path` is the path with its stage or base path where that is not `/<stage><path>`."""
    sent = dict(headers or {})
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "stage": stage,
            "path": full_path or f"/{stage}{path}",
            "requestId": "request-1",
            "identity": {"sourceIp": "198.51.100.7", "userAgent": "test"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


class Answer:
    """A proxy answer: status, headers in lower case, the body's bytes."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.status: int = answer["statusCode"]
        self.headers: dict[str, str] = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            self.headers[name.lower()] = ", ".join(values)
        text = answer.get("body") or ""
        self.body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()

    def json(self) -> Any:  # Any: JSON
        return orjson.loads(self.body)
