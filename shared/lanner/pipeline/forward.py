"""Handing a request to the function that serves its version.

API Gateway chooses an API by path and by header, never by a query parameter. `/users?version=1` therefore arrives at
the default version's function, and this hands it to the sibling that serves v1: one Lambda invocation with the same
event, so the answer is the same as by the other two ways. The environment says where: `LANNER_FORWARD_V1`, a function
name, `name:alias` or ARN.

Failure modes: no target -> None, and the version step answers 404 with what is served here; the sibling is down, slow
or fails -> 503, within what remains of this invocation; a request that was forwarded already is never forwarded
again, whatever two functions' settings say.
"""

from __future__ import annotations

import os
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

import orjson

from lanner.http.message import Request, Response
from lanner.http.problems import Unavailable

if TYPE_CHECKING:
    from lanner.group import Forward

MARK = "lannerForwarded"
# Left for this function to write its line and its answer.
RESERVE_MS = 200
LONGEST_MS = 25_000


def from_environment() -> Forward | None:
    """A forwarder for the versions that `LANNER_FORWARD_<VERSION>` names a function for; None where there is none."""
    targets = {
        name.removeprefix("LANNER_FORWARD_").lower(): target
        for name, target in os.environ.items()
        if name.startswith("LANNER_FORWARD_") and target
    }
    if not targets:
        return None

    def forward(request: Request, version: str) -> Response | None:
        target = targets.get(version)
        event = request.event
        if target is None or not isinstance(event, dict) or MARK in event:
            return None
        return _invoke(target, {**event, MARK: True}, request)

    return forward


def _invoke(target: str, event: dict[str, Any], request: Request) -> Response:
    from lanner.aws.errors import AwsError
    from lanner.aws.invoke import lambda_invoker

    try:
        answer = orjson.loads(lambda_invoker().invoke(target, orjson.dumps(event), timeout_ms=_budget(request)))
    except AwsError as error:
        raise Unavailable("The function that serves this version did not answer", retry_after=1) from error
    return _response(answer)


def _budget(request: Request) -> int:
    remaining = getattr(request.context, "get_remaining_time_in_millis", None)
    return LONGEST_MS if remaining is None else max(1, min(LONGEST_MS, remaining() - RESERVE_MS))


def _response(answer: Any) -> Response:
    """A proxy answer (any of the formats that `events` writes) as a `Response` again."""
    headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    cookies = list(answer.get("cookies") or ())
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        if name.lower() == "set-cookie":
            cookies.extend(values)
        else:
            headers[name.lower()] = ", ".join(values)
    body = answer.get("body") or ""
    content = a2b_base64(body) if answer.get("isBase64Encoded") else body.encode()
    return Response(answer["statusCode"], headers, content, cookies)
