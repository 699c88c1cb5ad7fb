"""CORS as HTTP APIs and function URLs do it themselves.

With a CORS configuration the gateway answers preflights without any function (204), adds the headers to answers of
requests that carry an allowed `Origin`, and removes whatever CORS headers the function sent. A preflight is OPTIONS
with `Origin` and `Access-Control-Request-Method`; any other OPTIONS goes its usual way.
(AWS, "Configure CORS for HTTP APIs"; Fetch standard, section 3.2)
"""

from __future__ import annotations

from lanner.local.gateway.message import HttpAnswer, HttpRequest
from lanner.local.plan import CorsPlan

_PREFIX = "access-control-"


def is_preflight(request: HttpRequest) -> bool:
    """Whether a request is a CORS preflight."""
    return (
        request.head.method == "OPTIONS"
        and request.header("origin") is not None
        and request.header("access-control-request-method") is not None
    )


def preflight_answer(cors: CorsPlan, request: HttpRequest) -> HttpAnswer:
    """The answer to a preflight: 204, with headers only where origin, method and headers are allowed."""
    origin = request.header("origin") or ""
    wanted = (request.header("access-control-request-method") or "").strip().upper()
    asked = [name.strip().lower() for name in (request.header("access-control-request-headers") or "").split(",")]
    asked = [name for name in asked if name]
    methods = {method.upper() for method in cors.allow_methods}
    allowed = {name.lower() for name in cors.allow_headers}
    method_ok = "*" in methods or wanted in methods
    headers_ok = not asked or "*" in allowed or allowed.issuperset(asked)
    headers = origin_headers(cors, origin)
    if not headers or not method_ok or not headers_ok:
        return HttpAnswer(204, (), note=f"the CORS configuration does not allow {wanted} from {origin}")
    if cors.allow_methods:
        headers.append(("Access-Control-Allow-Methods", ",".join(cors.allow_methods)))
    if cors.allow_headers:
        headers.append(("Access-Control-Allow-Headers", ",".join(cors.allow_headers)))
    if cors.max_age is not None:
        headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return HttpAnswer(204, tuple(headers))


def with_cors(answer: HttpAnswer, cors: CorsPlan, request: HttpRequest) -> HttpAnswer:
    """The answer with the configuration's headers instead of the function's."""
    kept = [(name, value) for name, value in answer.headers if not name.lower().startswith(_PREFIX)]
    origin = request.header("origin")
    if origin is not None:
        added = origin_headers(cors, origin)
        if added and cors.expose_headers:
            added.append(("Access-Control-Expose-Headers", ",".join(cors.expose_headers)))
        kept += added
    return HttpAnswer(answer.status, tuple(kept), answer.body, answer.note)


def origin_headers(cors: CorsPlan, origin: str) -> list[tuple[str, str]]:
    """Allow-Origin and what belongs to it, empty where the origin is not allowed."""
    allowed = next((pattern for pattern in cors.allow_origins if _covers(pattern, origin)), None)
    if allowed is None:
        return []
    wildcard = allowed == "*" and not cors.allow_credentials
    headers = [("Access-Control-Allow-Origin", "*" if wildcard else origin)]
    if not wildcard:
        headers.append(("Vary", "Origin"))
    if cors.allow_credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers


def _covers(pattern: str, origin: str) -> bool:
    """`*`, an exact origin, or a scheme with a wildcard: `https://*`, `http://*`."""
    if pattern == "*" or pattern == origin:
        return True
    return pattern.endswith("://*") and origin.startswith(pattern[:-1])
