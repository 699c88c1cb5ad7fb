"""MOCK integrations: an answer from the template, without a function (SAM's REST `Cors` makes such OPTIONS methods)."""

from __future__ import annotations

from lanner.local.gateway.call import Call
from lanner.local.gateway.message import HttpAnswer
from lanner.local.plan import MockResponse


def mock_answer(mock: MockResponse, call: Call) -> HttpAnswer:
    """The mock's status, headers and body, with the headers that API Gateway puts on every answer."""
    headers = list(mock.headers.items())
    if mock.body and not any(name.lower() == "content-type" for name in mock.headers):
        headers.insert(0, ("Content-Type", "application/json"))
    headers += [("x-amzn-RequestId", call.request_id), ("x-amz-apigw-id", call.extended_id)]
    return HttpAnswer(mock.status, tuple(headers), mock.body.encode())
