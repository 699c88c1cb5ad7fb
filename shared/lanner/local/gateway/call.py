"""One request on its way through an API: what every event and every error is built from.

A `Call` is made once per request, after routing; the steps add what they learn (the authorizer's context, the API
key). Ids look like AWS's, so that code which parses them works: REST request ids are UUIDs, HTTP API request ids and
REST extended ids are short base64 strings, trace ids follow X-Ray's `Root=1-<epoch>-<96 bits>`.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from lanner.local.gateway.message import HttpRequest, host_name
from lanner.local.gateway.resources import Match
from lanner.local.gateway.routing import ApiTarget
from lanner.local.identifiers import new_short_id, new_trace_id, new_uuid
from lanner.local.plan import ApiPlan, CloudPlan

Json = dict[str, Any]  # Any: JSON objects handed to orjson

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Call:
    """A request, its API and route, and what has been learned about its caller so far."""

    request: HttpRequest
    plan: CloudPlan
    target: ApiTarget
    match: Match | None
    now: float  # epoch seconds
    request_id: str
    extended_id: str
    trace_id: str
    authorizer: Json | None = None  # requestContext.authorizer as this API's events carry it
    usage_key: str | None = None  # the API key that a Lambda authorizer returned
    api_key: str | None = None
    api_key_id: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def api(self) -> ApiPlan:
        return self.target.api

    @property
    def method(self) -> str:
        return self.request.head.method

    @property
    def path(self) -> str:
        """The path inside the API, without stage or stripped base path, as sent."""
        return self.target.path_in_api(self.request.head.path)

    @property
    def api_id(self) -> str:
        return api_id(self.plan, self.api)

    @property
    def domain_name(self) -> str:
        return host_name(self.request.head.host) or "127.0.0.1"

    @property
    def domain_prefix(self) -> str:
        name = self.domain_name
        return self.api_id if name.replace(".", "").isdigit() or ":" in name else name.partition(".")[0]

    @property
    def method_arn(self) -> str:
        """The ARN that authorizer policies are evaluated on (AWS, "Control access for invoking an API")."""
        plan = self.plan
        path = self.path.lstrip("/")
        return (
            f"arn:aws:execute-api:{plan.region}:{plan.account}:{self.api_id}/{self.api.stage or '$default'}"
            f"/{self.method}/{path}"
        )


def new_call(request: HttpRequest, plan: CloudPlan, target: ApiTarget, match: Match | None, now: float) -> Call:
    """A call with fresh ids; a trace id that the client sent is kept."""
    rest = target.api.kind == "rest"
    sent = request.header("x-amzn-trace-id")
    return Call(
        request=request,
        plan=plan,
        target=target,
        match=match,
        now=now,
        request_id=new_uuid() if rest else new_short_id(),
        extended_id=new_short_id(),
        trace_id=sent if sent and "Root=" in sent else new_trace_id(now),
    )


@lru_cache(maxsize=4096)
def stable_id(*parts: str, length: int = 10) -> str:
    """An id that stays the same between runs, in the letters that API Gateway uses."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(alphabet[byte % 36] for byte in digest[:length])


def api_id(plan: CloudPlan, api: ApiPlan) -> str:
    """What `!Ref` of the API gives where the plan says so; otherwise an id made from stack and logical id."""
    return plan.physical_ids.get(api.logical_id) or stable_id(plan.stack_name, api.logical_id)


def clf_time(now: float) -> str:
    """`04/Mar/2020:19:15:17 +0000`: the Common Log Format time of `requestTime`, in UTC."""
    at = time.gmtime(now)
    month = _MONTHS[at.tm_mon - 1]
    return f"{at.tm_mday:02}/{month}/{at.tm_year}:{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Decoded name-value pairs of a query string, in order, empty values included."""
    return parse_qsl(query, keep_blank_values=True) if query else []


def grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by name, in the order in which they came."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def forwarded_for(request: HttpRequest) -> str:
    """X-Forwarded-For with the peer's address appended, as API Gateway does."""
    sent = request.header("x-forwarded-for")
    return f"{sent}, {request.client}" if sent else request.client


def encoded_body(body: bytes, *, binary: bool) -> str:
    """The body as an event carries it: base64 when binary, otherwise UTF-8 (bytes that are not are replaced)."""
    return b64encode(body).decode("ascii") if binary else body.decode("utf-8", "replace")


def media_type(content_type: str | None) -> str:
    """`type/subtype` in lower case, without parameters; "" for none."""
    return (content_type or "").partition(";")[0].strip().lower()


def media_matches(patterns: tuple[str, ...], media: str) -> bool:
    """Whether a media type is covered by API Gateway's binary media types (`image/png`, `image/*`, `*/*`)."""
    for raw in patterns:
        pattern = raw.replace("~1", "/").lower()  # SAM writes the slash as `~1`
        if pattern == "*/*" or pattern == media:
            return True
        if pattern.endswith("/*") and media.startswith(pattern[:-1]):
            return True
    return False


def stage_variables(api: ApiPlan) -> Mapping[str, str] | None:
    """The stage's variables, None where it has none, as events carry them."""
    return dict(api.stage_variables) or None
