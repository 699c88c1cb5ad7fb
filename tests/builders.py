"""Events as gateways send them, with only what a test cares about spelled out."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Pairs = list[tuple[str, str]]


class Context:
    """Lambda's context object, as far as the code looks at it."""

    aws_request_id = "11111111-2222-4333-8444-555555555555"
    function_name = "users"
    function_version = "7"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:users:live"

    def get_remaining_time_in_millis(self) -> int:
        return 9_000


def rest_event(
    method: str = "GET",
    path: str = "/v2/users",
    *,
    headers: dict[str, str] | Pairs | None = None,
    query: Pairs | None = None,
    body: str | bytes | None = None,
    stage: str = "v2",
    request_id: str = "req-1",
    **context: Any,
) -> dict[str, Any]:
    """A REST API event (payload 1.0) for a public path that begins with its stage, or stands at a domain's root."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    inner = path.removeprefix(f"/{stage}") or "/"
    return {
        "resource": "/{proxy+}",
        "path": inner,
        "httpMethod": method,
        "headers": dict(pairs) or None,
        "multiValueHeaders": _grouped(pairs) or None,
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": _grouped(query) if query else None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "path": path,
            "stage": stage,
            "requestId": request_id,
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "tests"},
            **context,
        },
        **_body(body),
    }


def http_event(
    method: str = "GET",
    path: str = "/v2/users",
    *,
    headers: dict[str, str] | None = None,
    query: Pairs | None = None,
    cookies: list[str] | None = None,
    body: str | bytes | None = None,
    stage: str = "$default",
    **context: Any,
) -> dict[str, Any]:
    """An HTTP API or function URL event (payload 2.0)."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or []),
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": {
            "stage": stage,
            "requestId": "req-1",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
            **context,
        },
        **_body(body),
    }
    if cookies:
        event["cookies"] = cookies
    return event


def alb_event(
    method: str = "GET",
    path: str = "/v2/users",
    *,
    headers: Pairs | None = None,
    query: Pairs | None = None,
    body: str | bytes | None = None,
    multi_value: bool = False,
) -> dict[str, Any]:
    """A load balancer's event; it leaves query parameters encoded."""
    raw = [(quote(name), quote(value)) for name, value in query or []]
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
        "httpMethod": method,
        "path": path,
        **_body(body),
    }
    if multi_value:
        event["multiValueHeaders"] = _grouped(headers or [])
        event["multiValueQueryStringParameters"] = _grouped(raw)
    else:
        event["headers"] = dict(headers or [])
        event["queryStringParameters"] = dict(raw)
    return event


def query_of(text: str) -> Pairs:
    """`a=1&a=2` as pairs."""
    return parse_qsl(text, keep_blank_values=True)


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _body(body: str | bytes | None) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}
