"""Events of HTTP APIs (payload formats 1.0 and 2.0) and of function URLs (format 2.0).

Rules that are easily got wrong ("Create AWS Lambda proxy integrations for HTTP APIs", "Invoking Lambda function
URLs"):

- Header names are lower case. 2.0 joins several values with commas and moves cookies to a list of their own; 1.0 has
  the multi-value maps.
- 2.0's `rawPath` is as sent and has the stage's name in front unless the stage is `$default`; it never has a custom
  domain's base path, which 1.0's `path` has.
- `pathParameters` and `queryStringParameters` are decoded, `rawQueryString` is as sent.
- In 2.0 what is empty is absent; in 1.0 it is null.
- A body whose media type is not text arrives in base64; form bodies count as not text.
"""

from __future__ import annotations

from urllib.parse import unquote

from lanner.local.gateway.call import (
    Call,
    Json,
    clf_time,
    encoded_body,
    forwarded_for,
    grouped,
    media_type,
    query_pairs,
    stable_id,
    stage_variables,
)
from lanner.local.gateway.message import HttpRequest, host_name
from lanner.local.gateway.resources import DEFAULT_ROUTE
from lanner.local.plan import CloudPlan, FunctionPlan

_TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"})
_REPLACED = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"})


def http_event(call: Call, payload_version: str) -> Json:
    """The event of an HTTP API integration in the payload format of its route, ready for JSON."""
    if payload_version == "1.0":
        return _with_body_v1(http_request_v1(call), call.request)
    return _with_body_v2(http_request_v2(call), call.request)


def http_request_v2(call: Call) -> Json:
    """Format 2.0 without its body: what an authorizer with payload format 2.0 gets."""
    request = call.request
    key = route_key(call)
    path = raw_path(call)
    event = _base_v2(request, key, path, call.trace_id)
    event["requestContext"] = {
        "accountId": call.plan.account,
        "apiId": call.api_id,
        **({"authorizer": call.authorizer} if call.authorizer is not None else {}),
        "domainName": call.domain_name,
        "domainPrefix": call.domain_prefix,
        "http": _http_v2(request, path),
        "requestId": call.request_id,
        "routeKey": key,
        "stage": call.api.stage or DEFAULT_ROUTE,
        "time": clf_time(call.now),
        "timeEpoch": int(call.now * 1000),
    }
    parameters = _parameters(call)
    if parameters:
        event["pathParameters"] = parameters
    variables = stage_variables(call.api)
    if variables:
        event["stageVariables"] = variables
    return event


def http_request_v1(call: Call) -> Json:
    """Format 1.0 without its body: what an authorizer with payload format 1.0 gets."""
    request = call.request
    headers = _lower_headers(request, call.trace_id)
    query = grouped(query_pairs(request.head.query))
    resource = call.match.route.path if call.match else DEFAULT_ROUTE
    return {
        "version": "1.0",
        "resource": resource,
        "path": request.head.path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context_v1(call, resource),
        "pathParameters": _parameters(call) or None,
        "stageVariables": stage_variables(call.api),
    }


def url_event(
    request: HttpRequest, plan: CloudPlan, function: FunctionPlan, *, request_id: str, trace_id: str, now: float
) -> Json:
    """The event of a function URL; `accountId` is `anonymous` as for every URL with auth type NONE."""
    url_id = stable_id(plan.stack_name, function.logical_id, "url", length=32)
    name = host_name(request.head.host)
    event = _base_v2(request, DEFAULT_ROUTE, request.head.path, trace_id)
    event["requestContext"] = {
        "accountId": "anonymous",
        "apiId": url_id,
        "authentication": None,
        "domainName": name,
        "domainPrefix": name.partition(".")[0],
        "http": _http_v2(request, request.head.path),
        "requestId": request_id,
        "routeKey": DEFAULT_ROUTE,
        "stage": DEFAULT_ROUTE,
        "time": clf_time(now),
        "timeEpoch": int(now * 1000),
    }
    event["pathParameters"] = None
    event["stageVariables"] = None
    return _with_body_v2(event, request)


def route_key(call: Call) -> str:
    """`GET /users/{id}`, or `$default`."""
    if call.match is None or call.match.route.path == DEFAULT_ROUTE:
        return DEFAULT_ROUTE
    return f"{call.match.route.method} {call.match.route.path}"


def raw_path(call: Call) -> str:
    """`rawPath` of format 2.0: stage and path inside the API, never the base path of a mapping."""
    if call.target.via == "domain":
        return call.api.prefix + call.path
    return call.request.head.path


def is_text(content_type: str | None, body: bytes) -> bool:
    """Whether a body of this type is passed on as text. Without a type it is, if it is UTF-8."""
    media = media_type(content_type)
    if not media:
        return _is_utf8(body)
    text = media.startswith("text/") or media in _TEXT_TYPES or media.endswith(("+json", "+xml"))
    return text and _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _base_v2(request: HttpRequest, key: str, path: str, trace_id: str) -> Json:
    headers = _lower_headers(request, trace_id)
    cookies = [cookie.strip() for value in headers.pop("cookie", ()) for cookie in value.split(";") if cookie.strip()]
    event: Json = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": request.head.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = {name: ",".join(values) for name, values in headers.items()}
    query = grouped(query_pairs(request.head.query))
    if query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    return event


def _http_v2(request: HttpRequest, path: str) -> Json:
    return {
        "method": request.head.method,
        "path": path,
        "protocol": request.head.version,
        "sourceIp": request.client,
        "userAgent": request.header("user-agent") or "",
    }


def _context_v1(call: Call, resource: str) -> Json:
    request = call.request
    context: Json = {
        "accountId": call.plan.account,
        "apiId": call.api_id,
        "domainName": call.domain_name,
        "domainPrefix": call.domain_prefix,
        "extendedRequestId": call.extended_id,
        "httpMethod": call.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAmr": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": request.client,
            "user": None,
            "userAgent": request.header("user-agent") or "",
            "userArn": None,
        },
        "path": request.head.path,
        "protocol": request.head.version,
        "requestId": call.request_id,
        "requestTime": clf_time(call.now),
        "requestTimeEpoch": int(call.now * 1000),
        "resourceId": route_key(call),
        "resourcePath": resource,
        "stage": call.api.stage or DEFAULT_ROUTE,
    }
    if call.authorizer is not None:
        context["authorizer"] = call.authorizer
    return context


def _parameters(call: Call) -> dict[str, str]:
    return {name: unquote(value) for name, value in call.match.parameters} if call.match else {}


def _lower_headers(request: HttpRequest, trace_id: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in request.head.headers:
        lower = name.lower()
        if lower not in _HOP_BY_HOP and lower not in _REPLACED:
            headers.setdefault(lower, []).append(value)
    if "content-length" not in headers and request.body:
        headers["content-length"] = [str(len(request.body))]
    headers["x-amzn-trace-id"] = [trace_id]
    headers["x-forwarded-for"] = [forwarded_for(request)]
    headers["x-forwarded-port"] = [str(request.server_port)]
    headers["x-forwarded-proto"] = ["http"]
    return headers


def _with_body_v2(event: Json, request: HttpRequest) -> Json:
    binary = bool(request.body) and not is_text(request.header("content-type"), request.body)
    if request.body:
        event["body"] = encoded_body(request.body, binary=binary)
    event["isBase64Encoded"] = binary
    return event


def _with_body_v1(event: Json, request: HttpRequest) -> Json:
    binary = bool(request.body) and not is_text(request.header("content-type"), request.body)
    event["body"] = encoded_body(request.body, binary=binary) if request.body else None
    event["isBase64Encoded"] = binary
    return event
