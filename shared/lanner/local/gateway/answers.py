"""From what a function returned to what the client gets.

REST APIs want `{statusCode?, headers?, multiValueHeaders?, body?, isBase64Encoded?}` and nothing else: anything
malformed is 502 `Internal server error`, as is a function that raised, crashed or timed out. HTTP APIs (format 2.0)
and function URLs take any JSON: without `statusCode` the whole result is the body of a 200. A malformed one is 500
on an HTTP API and 502 from a function URL.

Every header goes through a check: a name or value that HTTP cannot carry makes the response malformed, so a function
cannot split the response.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass

import orjson

from lanner.local.gateway.call import Call, media_matches, media_type
from lanner.local.gateway.faults import GatewayFault
from lanner.local.gateway.message import HttpAnswer
from lanner.local.invocation import InvocationResult

_REST_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*\Z")

# REST APIs keep these for themselves and rename a function's ("Important notes for REST APIs").
_REMAPPED_REST = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-md5",
        "date",
        "expect",
        "host",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "trailer",
        "upgrade",
        "user-agent",
        "www-authenticate",
    }
)
_REMAPPED_URL = frozenset({"connection", "content-length", "date", "server", "www-authenticate"})
# The server writes these itself; nothing remains of a function's.
_DROPPED_HTTP = frozenset({"connection", "content-length", "date", "te", "trailer", "upgrade"})
# The body has one framing, the server's; a second one would let a function end the client's reading where it likes.
_FRAMING = frozenset({"transfer-encoding", "keep-alive", "proxy-connection"})

_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json"


class MalformedResponse(ValueError):
    """A function's result that is no valid proxy response; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Parts:
    status: int
    headers: list[tuple[str, str]]
    body: str
    base64: bool


def rest_answer(payload: bytes, call: Call) -> HttpAnswer:
    """The answer of a REST proxy integration. Raises `MalformedResponse`."""
    parts = _rest_parts(payload)
    headers = [_remapped(name, value, _REMAPPED_REST) for name, value in parts.headers]
    headers = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
    if not _has(headers, "content-type"):
        headers.insert(0, ("Content-Type", _JSON))
    headers += [("x-amzn-RequestId", call.request_id), ("x-amz-apigw-id", call.extended_id)]
    if not _has(headers, "x-amzn-trace-id"):
        headers.append(("X-Amzn-Trace-Id", call.trace_id))
    if parts.base64 and _wants_binary(call, headers):
        body = _decoded(parts.body)
    else:
        body = parts.body.encode()
    return HttpAnswer(parts.status, tuple(headers), body)


def http_answer(payload: bytes, call: Call, payload_version: str) -> HttpAnswer:
    """The answer of an HTTP API integration in its payload format. Raises `MalformedResponse`."""
    headers, status, body = _http_parts(payload, inferred=payload_version == "2.0", default_type=_PLAIN)
    kept = [(name, value) for name, value in headers if name.lower() not in _DROPPED_HTTP | _FRAMING]
    kept.append(("Apigw-Requestid", call.request_id))
    return HttpAnswer(status, tuple(kept), body)


def url_answer(payload: bytes, request_id: str, trace_id: str) -> HttpAnswer:
    """The answer of a function URL. Raises `MalformedResponse`."""
    headers, status, body = _http_parts(payload, inferred=True, default_type=_JSON)
    kept = [_remapped(name, value, _REMAPPED_URL) for name, value in headers]
    unwanted = _FRAMING | {"x-amzn-remapped-content-length"}
    kept = [(name, value) for name, value in kept if name.lower() not in unwanted]
    kept += [("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace_id)]
    return HttpAnswer(status, tuple(kept), body)


def failure(result: InvocationResult) -> GatewayFault:
    """The fault for an invocation that did not end well; the kind of the API words it.

    A function's own timeout is a function error like any other, so it is 502 or 500; only the gateway's limit on
    the integration is 504 or 503.
    """
    if result.outcome == "throttled":
        return GatewayFault("THROTTLED", "the function's reserved concurrency is reached")
    if result.outcome == "too_large":
        return GatewayFault("DEFAULT_5XX", "the function's answer is larger than Lambda's 6 MB")
    note = f"the function ended with {result.outcome}: {_reason(result.payload)}"
    if result.out_of_memory:
        note += f" ({result.max_memory_mb} MB are not enough)"
    return GatewayFault("DEFAULT_5XX", note)


def _rest_parts(payload: bytes) -> _Parts:
    response = _loaded(payload)
    if not isinstance(response, dict):
        raise MalformedResponse(f"a REST API needs an object with statusCode and body, not {_excerpt(payload)}")
    unknown = sorted(set(response) - _REST_KEYS)
    if unknown:
        raise MalformedResponse(f"a REST API knows no {', '.join(unknown)}; only {', '.join(sorted(_REST_KEYS))}")
    return _parts(response, strict=True)


def _http_parts(payload: bytes, *, inferred: bool, default_type: str) -> tuple[list[tuple[str, str]], int, bytes]:
    response = _loaded(payload)
    if not isinstance(response, dict) or "statusCode" not in response:
        if not inferred:
            raise MalformedResponse(f"payload format 1.0 needs an object with statusCode, not {_excerpt(payload)}")
        body = response.encode() if isinstance(response, str) else payload
        return [("Content-Type", _JSON)], 200, body
    parts = _parts(response, strict=False)
    headers = parts.headers
    if not _has(headers, "content-type"):
        headers.insert(0, ("Content-Type", default_type))
    headers.extend(("Set-Cookie", cookie) for cookie in _cookies(response))
    return headers, parts.status, _decoded(parts.body) if parts.base64 else parts.body.encode()


def _parts(response: dict[str, object], *, strict: bool) -> _Parts:
    body = response.get("body")
    if body is not None and not isinstance(body, str):
        raise MalformedResponse(f"body must be a string, not {type(body).__name__}; json.dumps() makes it one")
    base64 = response.get("isBase64Encoded", False)
    if not isinstance(base64, bool) and base64 is not None:
        raise MalformedResponse(f"isBase64Encoded must be true or false, not {base64!r}")
    return _Parts(_status(response.get("statusCode", 200)), _headers(response, strict=strict), body or "", bool(base64))


def _status(value: object) -> int:
    try:
        status = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        status = 0
    if not 200 <= status <= 599:
        raise MalformedResponse(f"statusCode must be a number from 200 to 599, not {value!r}")
    return status


def _headers(response: dict[str, object], *, strict: bool) -> list[tuple[str, str]]:
    """Single and multi-value headers as one list; a pair that is in both counts once, as AWS merges them."""
    multi = response.get("multiValueHeaders") or {}
    single = response.get("headers") or {}
    if not isinstance(multi, dict) or not isinstance(single, dict):
        raise MalformedResponse("headers and multiValueHeaders must be objects")
    headers: list[tuple[str, str]] = []
    for name, values in multi.items():
        if not isinstance(values, list):
            raise MalformedResponse(f"multiValueHeaders.{name} must be a list, not {type(values).__name__}")
        headers.extend(_header(name, value, strict=strict) for value in values)
    several = {name.lower() for name, _ in headers}
    for name, value in single.items():
        pair = _header(name, value, strict=strict)
        if name.lower() not in several or pair not in headers:
            headers.append(pair)
    return headers


def _header(name: str, value: object, *, strict: bool) -> tuple[str, str]:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, (int, float)) and not strict:
        text = str(value)
    else:
        raise MalformedResponse(f"header {name} must be a string, not {value!r}")
    if not _TOKEN.match(name) or not _VALUE.match(text):
        raise MalformedResponse(f"header {name!r} cannot be sent with the value {text[:80]!r}")
    return name, text.strip(" \t")


def _cookies(response: dict[str, object]) -> list[str]:
    cookies = response.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise MalformedResponse("cookies must be a list of strings")
    return [_header("Set-Cookie", cookie, strict=False)[1] for cookie in cookies]


def _wants_binary(call: Call, headers: list[tuple[str, str]]) -> bool:
    """Whether a base64 body is decoded: the first type of Accept decides, the answer's type where there is none."""
    patterns = call.api.binary_media_types
    accept = call.request.header("accept")
    if accept:
        return media_matches(patterns, media_type(accept.partition(",")[0]))
    content = next((value for name, value in headers if name.lower() == "content-type"), "")
    return media_matches(patterns, media_type(content))


def _decoded(body: str) -> bytes:
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedResponse(f"isBase64Encoded is true, but body is no base64: {error}") from error


def _remapped(name: str, value: str, names: frozenset[str]) -> tuple[str, str]:
    return (f"x-amzn-Remapped-{name}", value) if name.lower() in names else (name, value)


def _has(headers: list[tuple[str, str]], name: str) -> bool:
    return any(key.lower() == name for key, _ in headers)


def _loaded(payload: bytes) -> object:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedResponse(f"the function did not return JSON: {error}") from error


def _reason(payload: bytes) -> str:
    """A function error in one line, `ValueError: no number`; the log has its traceback."""
    try:
        error = orjson.loads(payload)
        message, kind = str(error["errorMessage"]), str(error["errorType"])
    except (ValueError, KeyError, TypeError):
        return _excerpt(payload)
    if "type coroutine is not JSON" in message:
        message += " (Lambda does not await an `async def` handler)"
    if kind == "Runtime.ImportModuleError" and "No module named" in message:
        message += " (neither the code nor its layers have it, nor the Python that runs it: --python names another)"
    return f"{kind}: {message}"[:300]


def _excerpt(payload: bytes) -> str:
    text = payload[:300].decode("utf-8", "replace")
    return text if len(payload) <= 300 else f"{text}..."
