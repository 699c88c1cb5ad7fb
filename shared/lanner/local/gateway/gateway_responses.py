"""Gateway responses: what an API's own errors look like, by default and as the template customises them.

The order for one fault: the template's response of that type; else its `DEFAULT_4XX` or `DEFAULT_5XX` by the status
the fault has; else AWS's own. A customised response may replace the status, add headers and hold one body template
per content type. Templates here are not VTL: only `$context...`, `$stageVariables...` and
`$method.request.{header,path,querystring}...` are replaced (AWS, "x-amazon-apigateway-gateway-responses.
responseTemplates": simple variable substitution only). What a variable does not find becomes the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote

import orjson

from lanner.local.gateway.call import Call, Json, query_pairs
from lanner.local.gateway.events_rest import rest_context
from lanner.local.gateway.faults import HTTP_WORDING, GatewayFault, Wording
from lanner.local.gateway.message import HttpAnswer
from lanner.local.identifiers import new_short_id, new_uuid
from lanner.local.plan import ApiPlan, GatewayResponsePlan

_VARIABLE = re.compile(
    r"\$(?P<brace>\{)?(?P<name>(?:context|stageVariables|method\.request\.(?:header|path|querystring))"
    r"(?:\.[A-Za-z0-9_-]+)+)(?(brace)\})"  # a brace after a variable without one belongs to the JSON around it
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_JSON = "application/json"
_FORBIDDEN = Wording(403, "Forbidden", "ForbiddenException")


def fault_answer(fault: GatewayFault, call: Call) -> HttpAnswer:
    """The answer to a fault on the API that the call is for."""
    wording = fault.wording(call.api.kind)
    if call.api.kind == "http":
        return HttpAnswer(
            wording.status,
            (("Content-Type", _JSON), *fault.headers, ("Apigw-Requestid", call.request_id)),
            default_body(wording.message),
            fault.note,
        )
    custom = _custom(call.api, fault, wording)
    headers = [("x-amzn-RequestId", call.request_id), ("x-amz-apigw-id", call.extended_id)]
    if wording.error:
        headers.append(("x-amzn-ErrorType", wording.error))
    headers.extend(fault.headers)
    if custom is None:
        return HttpAnswer(
            wording.status, (("Content-Type", _JSON), *headers), default_body(wording.message), fault.note
        )
    return _customised(custom, fault, wording, call, headers)


def unreached_answer(kind: Literal["rest", "http"], note: str) -> HttpAnswer:
    """The error for a request that reached no stage, as `execute-api` answers it on the host name of such an API."""
    if kind == "http":
        wording = HTTP_WORDING["RESOURCE_NOT_FOUND"]
        headers: tuple[tuple[str, str], ...] = (("Content-Type", _JSON), ("Apigw-Requestid", new_short_id()))
        return HttpAnswer(wording.status, headers, default_body(wording.message), note)
    wording = _FORBIDDEN
    headers = (
        ("Content-Type", _JSON),
        ("x-amzn-RequestId", new_uuid()),
        ("x-amz-apigw-id", new_short_id()),
        ("x-amzn-ErrorType", wording.error),
    )
    return HttpAnswer(wording.status, headers, default_body(wording.message), note)


def default_body(message: str | None) -> bytes:
    """`{"message":...}` as AWS writes it, without spaces."""
    return orjson.dumps({"message": message})


def _custom(api: ApiPlan, fault: GatewayFault, wording: Wording) -> GatewayResponsePlan | None:
    fallback = "DEFAULT_4XX" if wording.status < 500 else "DEFAULT_5XX"
    return api.gateway_responses.get(fault.type) or api.gateway_responses.get(fallback)


def _customised(
    custom: GatewayResponsePlan, fault: GatewayFault, wording: Wording, call: Call, headers: list[tuple[str, str]]
) -> HttpAnswer:
    values = _Variables(call, fault, wording)
    if custom.templates:
        content_type = _JSON if _JSON in custom.templates else next(iter(custom.templates))
        template = custom.templates[content_type]
        body = _VARIABLE.sub(lambda found: values.look_up(found["name"]), template).encode()
    else:
        content_type, body = _JSON, default_body(wording.message)
    merged = {name.lower(): (name, value) for name, value in [("Content-Type", content_type), *headers]}
    for name, expression in custom.headers.items():
        value = values.evaluate(expression)
        if value is not None:
            # What a request brought in must not end the header's line.
            merged[name.lower()] = (name, _CONTROL.sub(" ", value))
    return HttpAnswer(custom.status or wording.status, tuple(merged.values()), body, fault.note)


class _Variables:
    """The variables that gateway responses may use."""

    def __init__(self, call: Call, fault: GatewayFault, wording: Wording) -> None:
        self._call = call
        error: Json = {
            "message": wording.message or "",
            "messageString": orjson.dumps(wording.message).decode(),
            "responseType": fault.type,
            "validationErrorString": fault.note if fault.type == "BAD_REQUEST_BODY" else "",
        }
        self._context: Json = {**rest_context(call), "error": error}

    def evaluate(self, expression: str) -> str | None:
        """A header's mapping expression: `'literal'`, or a variable without `$`; None where it finds nothing."""
        expression = expression.strip()
        if len(expression) >= 2 and expression[0] == expression[-1] == "'":
            return expression[1:-1]
        return self.look_up(expression.removeprefix("$")) or None

    def look_up(self, name: str) -> str:
        """A variable's text, "" where there is none."""
        head, _, rest = name.partition(".")
        if head == "context":
            return _dig(self._context, rest)
        if head == "stageVariables":
            return self._call.api.stage_variables.get(rest, "")
        if name.startswith("method.request."):
            place, _, key = name.removeprefix("method.request.").partition(".")
            return self._from_request(place, key)
        return ""

    def _from_request(self, place: str, key: str) -> str:
        request = self._call.request
        if place == "header":
            return request.header(key.lower()) or ""
        if place == "querystring":
            return dict(query_pairs(request.head.query)).get(key, "")
        parameters = dict(self._call.match.parameters) if self._call.match else {}
        return unquote(parameters.get(key, ""))


def _dig(values: Mapping[str, object], path: str) -> str:
    found: object = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return ""
    return found if isinstance(found, str) else orjson.dumps(found).decode()
