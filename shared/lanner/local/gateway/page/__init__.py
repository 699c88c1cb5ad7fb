"""The `/_local` page of the main host: a few static files, and JSON under `/_local/api/`.

    GET  /_local/                           the page
    GET  /_local/api/overview               APIs with routes, findings, which of the following there is
    GET  /_local/mail                       the page's mail for a browser, its JSON for everybody else
    GET  /_local/api/functions|environments|resources|queues|mail
    GET  /_local/api/logs?function=&limit=
    GET  /_local/api/requests               the latest requests, without events
    GET  /_local/api/requests/{id}          one, with its event and answer
    POST /_local/api/requests/{id}/replay   send its event to its function once more

The page shows events, mail and logs, and can run functions; so it is for this machine alone. It answers only when
Host is 127.0.0.1, [::1] or localhost (a name of somebody else's that points here is DNS rebinding) and refuses every
POST that another origin's page could have sent. Nothing on it is ever loaded from elsewhere: the content security
policy says so to the browser.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from lanner.local.gateway.call import Json, query_pairs
from lanner.local.gateway.inspect import Inspector, Row
from lanner.local.gateway.message import HttpAnswer, HttpRequest, host_name
from lanner.local.gateway.record import RequestRecord
from lanner.local.invocation import InvocationResult, Invoker

if TYPE_CHECKING:
    from lanner.local.gateway.gateway import Gateway

_log = logging.getLogger("lanner.gateway")

ROOT = "/_local"
_FOLDER = Path(__file__).parent
_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_NO_MORE = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_SAFETY = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", f"default-src 'self'; img-src 'self' data:; {_NO_MORE}"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_TABLES = ("functions", "environments", "resources", "queues", "mail")
_LOG_LINES = 500


class LocalPage:
    """Answers everything below `/_local`."""

    def __init__(self, gateway: Gateway, invoker: Invoker, inspector: Inspector | None) -> None:
        self._gateway = gateway
        self._invoker = invoker
        self._inspector = inspector

    def owns(self, request: HttpRequest) -> bool:
        """Whether a request is for the page: its path, on any host but an API's own `<LogicalId>.localhost`."""
        path = request.head.path
        if not path.startswith(ROOT) or (path != ROOT and path[len(ROOT)] != "/"):
            return False
        return not host_name(request.head.host).endswith(".localhost")

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request that the page owns."""
        refusal = _refusal(request)
        if refusal is not None:
            return _json(403, {"message": refusal})
        path = request.head.path[len(ROOT) :]
        if not path:
            return HttpAnswer(308, (("Location", f"{ROOT}/"), *_SAFETY))
        name = path[1:]
        if name == "mail":
            if "text/html" in (request.header("accept") or ""):
                return HttpAnswer(302, (("Location", f"{ROOT}/#mail"), *_SAFETY))
            name = "api/mail"
        if name in _FILES:
            return _file(name) if request.head.method in ("GET", "HEAD") else _json(405, {"message": "GET only"})
        try:
            return await self._api(request, name.removeprefix("api/") if name.startswith("api/") else "")
        except Exception as error:
            # The boundary to whatever implements `Inspector`: its failure is shown on the page, not a dead page.
            _log.exception("the page failed to answer %s", request.head.path)
            return _json(502, {"message": f"{type(error).__name__}: {error}"})

    async def _api(self, request: HttpRequest, name: str) -> HttpAnswer:
        get = request.head.method in ("GET", "HEAD")
        parts = name.split("/")
        if parts[0] == "requests" and len(parts) <= 3:
            return await self._requests(parts[1:], get=get)
        if not get:
            return _json(405, {"message": "GET only"})
        if name == "overview":
            return _json(200, self._overview())
        if name in _TABLES or name == "logs":
            return _json(200, {"rows": list(await self._rows(name, request))})
        return _json(404, {"message": f"there is no {request.head.path} here"})

    async def _requests(self, parts: list[str], *, get: bool) -> HttpAnswer:
        records = self._gateway.records
        if not parts:
            return _json(200, {"rows": [_summary(record) for record in records]})
        record = records.get(parts[0])
        if record is None:
            return _json(404, {"message": f"request {parts[0]} is not remembered any more"})
        if len(parts) == 1 and get:
            return _json(200, _details(record))
        if len(parts) == 2 and parts[1] == "replay" and not get:
            return await self._replay(record)
        return _json(405, {"message": "GET a request, or POST its replay"})

    async def _replay(self, record: RequestRecord) -> HttpAnswer:
        if not record.function or not record.event:
            return _json(409, {"message": "no function ran for this request, so there is nothing to replay"})
        started = time.perf_counter()
        result = await self._invoker.invoke(record.function, record.event)
        took = (time.perf_counter() - started) * 1000
        replayed = _replayed(record, result, took, self._gateway.clock.now())
        self._gateway.remember(replayed)
        return _json(200, _details(replayed))

    async def _rows(self, name: str, request: HttpRequest) -> Sequence[Row]:
        inspector = self._inspector
        if inspector is None:
            return []
        if name == "functions":
            return await inspector.functions()
        if name == "environments":
            return await inspector.environments()
        if name == "resources":
            return await inspector.resources()
        if name == "queues":
            return await inspector.queues()
        if name == "mail":
            return await inspector.mail()
        query = dict(query_pairs(request.head.query))
        limit = query.get("limit", "")
        return await inspector.logs(query.get("function") or None, int(limit) if limit.isdigit() else _LOG_LINES)

    def _overview(self) -> Json:
        plan = self._gateway.plan
        apis = [
            {
                "logical_id": api.logical_id,
                "kind": api.kind,
                "stage": api.stage,
                "routes": [
                    {"method": route.method, "path": route.path, "function": route.function or "MOCK"}
                    for route in api.routes
                ],
            }
            for api in plan.apis.values()
        ]
        findings = [
            {
                "level": finding.level,
                "resource": finding.resource,
                "message": finding.message,
                "where": str(finding.where),
            }
            for finding in (*plan.findings, *self._gateway.findings)
        ]
        return {
            "stack": plan.stack_name,
            "template": plan.template.name,
            "apis": apis,
            "urls": [name for name, function in plan.functions.items() if function.url is not None],
            "findings": findings,
            "outputs": dict(plan.outputs),
        }


def _refusal(request: HttpRequest) -> str | None:
    """Why the page does not answer this request, None where it does."""
    host = request.head.host
    if host_name(host) not in _HOSTS:
        return "this page answers on 127.0.0.1 and localhost only"
    if request.head.method in ("GET", "HEAD"):
        return None
    origin = request.header("origin")
    if origin is not None and origin != f"http://{host}":
        return "requests from other origins are refused"
    if request.header("sec-fetch-site") not in (None, "same-origin", "none"):
        return "requests from other sites are refused"
    return None


def _file(name: str) -> HttpAnswer:
    file, content_type = _FILES[name]
    return HttpAnswer(200, (("Content-Type", content_type), *_SAFETY), (_FOLDER / file).read_bytes())


def _json(status: int, document: Json) -> HttpAnswer:
    body = orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS)
    return HttpAnswer(status, (("Content-Type", "application/json"), *_SAFETY), body)


def _summary(record: RequestRecord) -> Json:
    row = record._asdict()
    row["event_bytes"] = len(row.pop("event"))
    row["answer_bytes"] = len(row.pop("answer"))
    del row["logs"]
    return row


def _details(record: RequestRecord) -> Json:
    return {
        **_summary(record),
        "event": _document(record.event),
        "answer": _document(record.answer),
        "logs": record.logs.decode("utf-8", "replace"),
    }


def _document(data: bytes) -> object:
    if not data:
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.decode("utf-8", "replace")


def _replayed(record: RequestRecord, result: InvocationResult, took: float, now: float) -> RequestRecord:
    answer = _document(result.payload)
    status = answer.get("statusCode", 200) if isinstance(answer, dict) else 200
    return RequestRecord(
        id=result.request_id,
        time=now,
        method=record.method,
        path=record.path,
        api=record.api,
        route=record.route,
        function=record.function,
        status=status if result.outcome == "ok" and isinstance(status, int) else 500,
        duration_ms=took,
        cold=result.cold,
        note=f"replay of {record.id}" + ("" if result.outcome == "ok" else f": {result.outcome}"),
        event=record.event,
        answer=result.payload,
        body_bytes=len(result.payload),
        logs=result.logs,
    )
