"""The event that has a function render an answer and keep it: a request of nobody, marked (`lanner.cache.step`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.cache.step import REFRESH_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.http.message import Request


def render_event(path: str, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A GET of a public path (`/v2/catalog/settings`) in payload format 2.0, which has the query as it is written."""
    return {
        "version": "2.0",
        REFRESH_MARK: True,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"user-agent": "lanner-render/1", **(headers or {})},
        "requestContext": {
            "stage": "$default",
            "requestId": "",
            "http": {"method": "GET", "path": path, "sourceIp": ""},
        },
        "isBase64Encoded": False,
    }


def event_of(request: Request, fields: tuple[str, ...]) -> dict[str, Any]:
    """The event that renders what `request` was answered: its address, its version, and these request fields of it.

    Nothing else goes along: no credentials and no address may wait in a queue, and nothing else is in the key.
    """
    headers = {name: request.headers[name] for name in map(str.lower, fields) if name in request.headers}
    if request.version is not None and request.version_by not in ("path", "query"):
        headers["x-api-version"] = request.version.name
    return render_event(request.public_path, request.query_string.decode("latin-1"), headers)


def render(function: str, event: Mapping[str, Any], *, timeout_ms: float) -> Any:  # Any: the answer's JSON, or None
    """Have a function (a name, `name:alias` or an ARN) render; what it answered.

    Raises `RenderingFailed` for an answer of 400 or more, and `AwsError`.
    """
    import orjson

    from lanner.aws.invoke import lambda_invoker

    answer = orjson.loads(lambda_invoker().invoke(function, orjson.dumps(event), timeout_ms=timeout_ms))
    if answer["statusCode"] >= 400:
        raise RenderingFailed(f"{event['rawPath']} was answered {answer['statusCode']}")
    body = answer.get("body")
    return orjson.loads(body) if body and not answer.get("isBase64Encoded") else None


class RenderingFailed(Exception):
    """The function answered with an error; the message names the path and the status."""
