"""Which request is being served: what ties a log line, a metric and a trace together.

The edge sets the current request; code in routes and jobs asks for it through `logs`, `metrics` and `traces`. A
context variable, so that threads in a container and the coroutine that FastAPI runs in each see their own.

Trace ids are the 32 hexadecimal digits of W3C Trace Context, taken from `traceparent` (section 3.2) and otherwise
from `X-Amzn-Trace-Id`, whose root is the same number written with a prefix and dashes (AWS X-Ray developer guide,
"Sending trace IDs").
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from lanner.http.headers import is_token
from lanner.http.message import Request

MAX_AGENT = 256  # characters of a User-Agent that are looked at
MAX_PRODUCT = 40
MAX_REMEMBERED = 256  # values of User-Agent; a handful of clients make up nearly all traffic

CURRENT: ContextVar[Request | None] = ContextVar("lanner_request", default=None)

# Called after every request, in the order in which they were added: a buffer that must not outlive the request.
AFTER_REQUEST: list[Callable[[], None]] = []

_PRODUCTS: dict[str, str] = {}
_NO_TRACE = "0" * 32


def current() -> Request | None:
    """The request being served in this context; None outside one."""
    return CURRENT.get()


def trace_id(request: Request) -> str:
    """The request's trace id, 32 lower-case hexadecimal digits; "" where nothing valid came with it."""
    headers = request.headers
    parent = headers.get("traceparent")
    if parent is not None and len(parent) >= 55 and parent[2] == parent[35] == parent[52] == "-":
        found = _sixteen_bytes(parent[3:35])
        if found and found == parent[3:35] and found != _NO_TRACE and parent[:2] != "ff":
            return found
    amazon = headers.get("x-amzn-trace-id")
    if amazon is not None:
        start = amazon.find("Root=1-")
        if start >= 0:
            return _sixteen_bytes(amazon[start + 7 : start + 15] + amazon[start + 16 : start + 40])
    return ""


def _sixteen_bytes(digits: str) -> str:
    """The same in lower case, where these are 32 hexadecimal digits and nothing else; "" otherwise."""
    try:
        number = bytes.fromhex(digits)  # the fastest check that there is; it passes over white space, hence the length
    except ValueError:
        return ""
    return number.hex() if len(number) == 16 else ""


def consumer(request: Request) -> str:
    """The calling application: what auth found, else what the gateway verified, else the client's product name.

    The product (`ua:curl`) is the caller's own claim: good enough to find out who still uses a version, never for a
    decision.
    """
    if request.principal.id != "anonymous":
        return request.principal.consumer
    known = request.source.consumer(request.event)
    if known:
        return known
    agent = request.headers.get("user-agent")
    if not agent:
        return "anonymous"
    return _PRODUCTS.get(agent) or _remembered(agent)


def _remembered(agent: str) -> str:
    """The first product of User-Agent (RFC 9110 section 10.1.5), without its version, as a consumer.

    A product is a token: what is none (an address, a sentence) may be somebody's data and is not recorded.
    """
    words = agent[:MAX_AGENT].split(None, 1)
    product = words[0].partition("/")[0] if words else ""
    known = f"ua:{product[:MAX_PRODUCT]}" if is_token(product) else "anonymous"
    if len(_PRODUCTS) >= MAX_REMEMBERED:
        _PRODUCTS.clear()
    _PRODUCTS[agent] = known
    return known
