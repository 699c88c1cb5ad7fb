"""The whole API in this process: requests as REST events to the handler that the template would choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

import catalog.app
import users_v1.app
import users_v2.app
from lanner.clock import ManualClock
from tests.builders import Context, rest_event
from tests.functions.gateway_events import Answer

NOW = 1_795_405_931.0
"""2026-11-23: v1 is deprecated and not in a brownout, whenever the tests run."""

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


def stop_the_clock(now: float = NOW) -> None:
    """Let versions live at one moment, so that no test fails on the day of a brownout or a sunset."""
    for app in (users_v1.app, users_v2.app, catalog.app):
        app.GROUP.clock = ManualClock(now)


class Client:
    """Sends requests for public paths (`/v2/users/1?fields=id`)."""

    def __init__(self) -> None:
        stop_the_clock()

    def __call__(
        self,
        method: str,
        target: str,
        json: Any = None,  # Any: JSON, or bytes as they are
        *,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. `json` may be bytes, to send what is no JSON."""
        url = urlsplit(target)
        sent = dict(headers or {})
        body = json if json is None or isinstance(json, bytes) else orjson.dumps(json)
        if body is not None and content_type:
            sent["Content-Type"] = content_type
        event = rest_event(
            method,
            url.path,
            headers=sent,
            query=parse_qsl(url.query, keep_blank_values=True),
            body=None if body is None else body.decode("latin-1") if body.isascii() else body,
        )
        return Answer(handler_of(url.path)(event, Context()))

    def get(self, target: str, **headers: str) -> Answer:
        """A GET; `if_none_match="..."` sends If-None-Match."""
        return self("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, target: str, json: Any) -> Answer:
        return self("POST", target, json)

    def put(self, target: str, json: Any, **headers: str) -> Answer:
        return self("PUT", target, json, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def patch(self, target: str, json: Any, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("PATCH", target, json, content_type=MERGE_PATCH, headers=named)

    def delete(self, target: str, **headers: str) -> Answer:
        return self("DELETE", target, headers={name.replace("_", "-"): value for name, value in headers.items()})


def handler_of(path: str) -> Any:  # Any: Lambda's own signature
    """The function behind a public path; without a version, that of the default one."""
    if "/catalog" in path:
        return catalog.app.lambda_handler
    return users_v1.app.lambda_handler if path.startswith("/v1/") else users_v2.app.lambda_handler
