"""Events of REST APIs: the Lambda proxy integration's input format.

Rules that are easily got wrong, each checked against recorded events or AWS's pages ("Set up Lambda proxy
integrations", "Important notes for REST APIs"):

- `path` has no stage on a stage URL, and has the base path behind a custom domain; `requestContext.path` has both.
- `path` and `pathParameters` are as sent, percent-encoding included; query parameters are decoded.
- Header names keep their case; the single-value maps hold the last value of several.
- Hop-by-hop headers, Content-Length and a few others never arrive.
- What is empty is null: body, parameters, stage variables.
"""

from __future__ import annotations

from lanner.local.gateway.call import (
    Call,
    Json,
    clf_time,
    encoded_body,
    forwarded_for,
    grouped,
    media_matches,
    media_type,
    query_pairs,
    stable_id,
    stage_variables,
)
from lanner.local.gateway.message import HttpRequest

# Never part of a REST event ("Important notes": headers that are dropped on the way to the integration).
DROPPED_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "content-md5",
        "expect",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
    }
)
_REPLACED = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"})


def rest_event(call: Call) -> Json:
    """The event of a REST proxy integration, ready for JSON."""
    event = rest_request(call)
    body = call.request.body
    binary = bool(body) and is_binary(call)
    event["body"] = encoded_body(body, binary=binary) if body else None
    event["isBase64Encoded"] = binary
    return event


def rest_request(call: Call) -> Json:
    """The event without its body: what a REQUEST authorizer gets."""
    request = call.request
    headers = header_lists(request, call.trace_id)
    query = grouped(query_pairs(request.head.query))
    match = call.match
    return {
        "resource": match.route.path if match else None,
        "path": request.head.path if call.target.via == "domain" else call.path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(match.parameters) if match and match.parameters else None,
        "stageVariables": stage_variables(call.api),
        "requestContext": rest_context(call),
    }


def rest_context(call: Call) -> Json:
    """`requestContext` of a REST event."""
    request = call.request
    resource = call.match.route.path if call.match else "/"
    api_id = call.api_id
    context: Json = {
        "accountId": call.plan.account,
        "apiId": api_id,
        "deploymentId": stable_id(api_id, "deployment", length=6),
        "domainName": call.domain_name,
        "domainPrefix": call.domain_prefix,
        "extendedRequestId": call.extended_id,
        "httpMethod": call.method,
        "identity": _identity(call),
        "path": request.head.path,
        "protocol": request.head.version,
        "requestId": call.request_id,
        "requestTime": clf_time(call.now),
        "requestTimeEpoch": int(call.now * 1000),
        "resourceId": stable_id(api_id, resource, length=6),
        "resourcePath": resource,
        "stage": call.api.stage,
    }
    if call.authorizer is not None:
        context["authorizer"] = call.authorizer
    return context


def _identity(call: Call) -> Json:
    identity: Json = {
        "accessKey": None,
        "accountId": None,
        "caller": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": call.request.client,
        "user": None,
        "userAgent": call.request.header("user-agent"),
        "userArn": None,
    }
    if call.api_key is not None:
        identity["apiKey"] = call.api_key
        identity["apiKeyId"] = call.api_key_id
    return identity


def header_lists(request: HttpRequest, trace_id: str) -> dict[str, list[str]]:
    """Every header's values under its name as first sent, with what API Gateway drops and adds."""
    names: dict[str, str] = {}
    headers: dict[str, list[str]] = {}
    for name, value in request.head.headers:
        lower = name.lower()
        if lower in DROPPED_HEADERS or lower in _REPLACED:
            continue
        first = names.setdefault(lower, name)
        headers.setdefault(first, []).append(value)
    headers["X-Amzn-Trace-Id"] = [trace_id]
    headers["X-Forwarded-For"] = [forwarded_for(request)]
    headers["X-Forwarded-Port"] = [str(request.server_port)]
    headers["X-Forwarded-Proto"] = ["http"]
    return headers


def is_binary(call: Call) -> bool:
    """Whether the request's body reaches the function in base64: its media type is one of the API's binary ones."""
    patterns = call.api.binary_media_types
    return bool(patterns) and media_matches(patterns, media_type(call.request.header("content-type")))
