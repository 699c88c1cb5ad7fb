"""Identity sources: where an authorizer finds its caller's credentials.

REST: `method.request.header.Authorization`, `method.request.querystring.q`, `stageVariables.v`, `context.httpMethod`.
HTTP: `$request.header.Authorization`, `$request.querystring.q`, `$stageVariables.v`, `$context.routeKey`.
A source that the request lacks, or has empty, is missing: the caller is answered 401 without the authorizer.
"""

from __future__ import annotations

from collections.abc import Mapping

from lanner.local.gateway.call import Call, query_pairs
from lanner.local.gateway.events_http import route_key
from lanner.local.gateway.events_rest import rest_context


def identity_values(sources: tuple[str, ...], call: Call) -> tuple[str, ...] | None:
    """The value of every source, or None where one is missing."""
    values = []
    for source in sources:
        value = identity_value(source, call)
        if not value:
            return None
        values.append(value)
    return tuple(values)


def identity_value(source: str, call: Call) -> str:
    """One source's value, "" where it is missing."""
    kind, _, name = source.removeprefix("$").removeprefix("method.").partition(".")
    if kind == "request":
        place, _, key = name.partition(".")
        if place == "header":
            return ",".join(value for header, value in call.request.head.headers if header.lower() == key.lower())
        if place == "querystring":
            return next((value for query, value in query_pairs(call.request.head.query) if query == key), "")
        return ""
    if kind == "stageVariables":
        return call.api.stage_variables.get(name, "")
    return _context_value(name, call) if kind == "context" else ""


def _context_value(name: str, call: Call) -> str:
    context: object = {**rest_context(call), "routeKey": route_key(call)}
    for part in name.split("."):
        context = context.get(part) if isinstance(context, Mapping) else None
    return "" if context is None else str(context)
