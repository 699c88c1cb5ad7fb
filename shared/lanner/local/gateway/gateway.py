"""The gateway of the local cloud: one listening socket in front of every API and function URL of a plan.

States: new -> started (serving one plan, which `update` replaces between two requests) -> stopped.
Each request leaves one `RequestRecord`, handed to `on_request` after its answer has been made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lanner.clock import Clock, SystemClock
from lanner.local.gateway.faults import GatewayFault
from lanner.local.gateway.gateway_responses import default_body
from lanner.local.gateway.inspect import Inspector
from lanner.local.gateway.message import REASONS, HttpAnswer, HttpHead, HttpRequest, json_answer
from lanner.local.gateway.page import LocalPage
from lanner.local.gateway.pipeline import Passage, Pipeline
from lanner.local.gateway.record import RecordRing, RequestRecord
from lanner.local.gateway.server import HttpServer, ServerLimits
from lanner.local.identifiers import new_uuid
from lanner.local.invocation import Invoker
from lanner.local.plan import CloudPlan, Finding


class Gateway:
    """Serves a plan on one port.

    `on_request` is called with each request's record and must be quick. `jwks` maps issuers (or their host names)
    to files with their keys; without it they are looked for in `.lanner/jwks/` beside the template.
    """

    def __init__(
        self,
        plan: CloudPlan,
        invoker: Invoker,
        *,
        on_request: Callable[[RequestRecord], None],
        clock: Clock | None = None,
        inspector: Inspector | None = None,
        jwks: Mapping[str, Path] | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self._invoker = invoker
        self._on_request = on_request
        self.clock = clock or SystemClock()
        self._jwks = jwks
        self._pipeline = Pipeline(plan, invoker, self.clock, jwks)
        self.records = RecordRing()
        self._page = LocalPage(self, invoker, inspector)
        self._server = HttpServer(self, limits)

    @property
    def plan(self) -> CloudPlan:
        """The plan that is being served."""
        return self._pipeline.plan

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Clashes between APIs, and what the gateway does not do for this plan."""
        return self._pipeline.findings

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._server.port

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._server.connections)

    async def start(self, host: str = "127.0.0.1", port: int = 3000) -> None:
        """Listen. Raises `PortTakenError`, which names the address."""
        await self._server.start(host, port)

    async def update(self, plan: CloudPlan) -> None:
        """Serve another plan from the next request on; requests under way finish on the one they began with."""
        self._pipeline = Pipeline(plan, self._invoker, self.clock, self._jwks)

    async def stop(self, grace: float = 5.0) -> None:
        """Stop listening; requests under way have `grace` seconds to finish."""
        await self._server.stop(grace)

    def remember(self, record: RequestRecord) -> None:
        """Keep a record for the page and hand it to `on_request`."""
        self.records.add(record)
        self._on_request(record)

    # the server's handler

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request and record it; the page's own requests are not recorded."""
        if self._page.owns(request):
            return await self._page.answer(request)
        passage = Passage()
        started = time.perf_counter()
        now = self.clock.now()
        answer = await self._pipeline.run(request, passage)
        self._record(request, answer, passage, now, (time.perf_counter() - started) * 1000)
        return answer

    def refuse(self, status: int, reason: str, head: HttpHead | None) -> HttpAnswer:
        """The answer to a request that was not read to its end: the API's own error for 413, plain JSON otherwise."""
        answer = None
        if status == 413 and head is not None:
            answer = self._pipeline.refuse(head, GatewayFault("REQUEST_TOO_LARGE", reason))
        if answer is None:
            message = "Request Entity Too Large" if status == 413 else REASONS.get(status, "Bad Request")
            answer = json_answer(status, default_body(message), note=reason)
        self._record_refused(answer, head, reason)
        return answer

    def _record_refused(self, answer: HttpAnswer, head: HttpHead | None, reason: str) -> None:
        """A developer wants to see refusals too; what was not understood has neither method nor path."""
        record = RequestRecord(
            id=new_uuid(),
            time=self.clock.now(),
            method=head.method if head else "-",
            path=head.path if head else "-",
            api="",
            route="",
            function="",
            status=answer.status,
            duration_ms=0.0,
            note=reason,
            body_bytes=len(answer.body),
        )
        self.remember(record)

    def _record(self, request: HttpRequest, answer: HttpAnswer, passage: Passage, now: float, took: float) -> None:
        head, result = request.head, passage.result
        record = RequestRecord(
            id=passage.id or new_uuid(),
            time=now,
            method=head.method,
            path=f"{head.path}?{head.query}" if head.query else head.path,
            api=passage.api,
            route=passage.route,
            function=passage.function,
            status=answer.status,
            duration_ms=took,
            cold=result.cold if result else False,
            version=answer.header("x-api-version") or "",
            cache=answer.header("cache-status") or "",
            note=passage.note,
            event=passage.event,
            answer=result.payload if result else b"",
            body_bytes=len(answer.body),
            logs=result.logs if result else b"",
        )
        self.remember(record)
