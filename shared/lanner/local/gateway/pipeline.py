"""What happens to one request between the socket and the function, and back.

    route -> preflight -> authorize -> API key and throttle -> required parameters -> mock or event -> invoke -> answer

Any step may raise `GatewayFault`, which becomes the API's own error at one place. A pipeline belongs to one plan;
a new plan makes a new pipeline, and requests under way finish on the old one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from lanner.clock import Clock
from lanner.local.gateway.answers import MalformedResponse, failure, http_answer, rest_answer, url_answer
from lanner.local.gateway.authorizers import Authorizers
from lanner.local.gateway.call import Call, Json, new_call, query_pairs
from lanner.local.gateway.compression import compressed, unpacked
from lanner.local.gateway.cors import is_preflight, preflight_answer, with_cors
from lanner.local.gateway.events_http import http_event, url_event
from lanner.local.gateway.events_rest import rest_event
from lanner.local.gateway.faults import GatewayFault
from lanner.local.gateway.gateway_responses import fault_answer, unreached_answer
from lanner.local.gateway.message import HttpAnswer, HttpHead, HttpRequest, json_answer
from lanner.local.gateway.mock import mock_answer
from lanner.local.gateway.routing import ApiTarget, Router, UrlTarget
from lanner.local.gateway.throttle import Throttles
from lanner.local.identifiers import new_trace_id, new_uuid
from lanner.local.invocation import InvocationResult, Invoker, Submitter
from lanner.local.plan import CloudPlan, Finding, RoutePlan
from lanner.local.tasks import start_task

# Lambda's own limit on a synchronous invocation's payload, below API Gateway's 10 MB.
MAX_EVENT_BYTES = 6 * 1024 * 1024


@dataclass(slots=True)
class Passage:
    """What a request met on its way, for its record."""

    id: str = ""
    api: str = ""
    route: str = ""
    function: str = ""
    note: str = ""
    event: bytes = b""
    result: InvocationResult | None = None


class Pipeline:
    """The steps, with the state that they keep between requests: buckets and authorizer caches."""

    def __init__(self, plan: CloudPlan, invoker: Invoker, clock: Clock, jwks: Mapping[str, Path] | None = None) -> None:
        self.plan = plan
        self.router = Router(plan)
        self._invoker = invoker
        self._clock = clock
        self._authorizers = Authorizers(plan, invoker, clock, jwks or {})
        self._throttles = Throttles(plan, clock)
        self._running: set[asyncio.Future[InvocationResult]] = set()
        self._submitter = invoker if isinstance(invoker, Submitter) else None
        self.findings: tuple[Finding, ...] = (*self.router.findings, *self._authorizers.findings)

    async def run(self, request: HttpRequest, passage: Passage) -> HttpAnswer:
        """Answer one request and fill in `passage`."""
        target = self.router.find(request.head)
        if target is None:
            answer = self._unreached(request.head)
        elif isinstance(target, UrlTarget):
            answer = await self._function_url(request, target, passage)
        else:
            answer = await self._api(request, target, passage)
        passage.note = passage.note or answer.note
        return answer

    def refuse(self, head: HttpHead, fault: GatewayFault) -> HttpAnswer | None:
        """The answer of the API that a refused request was for, None where it was for none."""
        target = self.router.find(head)
        if not isinstance(target, ApiTarget):
            return None
        call = new_call(HttpRequest(head), self.plan, target, None, self._clock.now())
        return fault_answer(fault, call)

    async def _api(self, request: HttpRequest, target: ApiTarget, passage: Passage) -> HttpAnswer:
        api = target.api
        match = target.resources.match(request.head.method, target.path_in_api(request.head.path))
        call = new_call(request, self.plan, target, match, self._clock.now())
        passage.id, passage.api = call.request_id, api.logical_id
        if api.cors is not None and is_preflight(request):
            return preflight_answer(api.cors, request)
        try:
            answer = await self._routed(call, passage)
        except GatewayFault as fault:
            answer = fault_answer(fault, call)
        if api.cors is not None:
            answer = with_cors(answer, api.cors, request)
        if api.minimum_compression_size is not None:
            answer = compressed(answer, request, api.minimum_compression_size)
        return answer

    async def _routed(self, call: Call, passage: Passage) -> HttpAnswer:
        route = self._route(call)
        passage.route = f"{route.method} {route.path}" if route.path != "$default" else "$default"
        await self._authorizers.authorize(call, route)
        self._throttles.admit(call, route)
        if route.required_parameters:
            _require(call, route)
        if call.api.minimum_compression_size is not None:
            call.request = unpacked(call.request)
        if route.mock is not None:
            return mock_answer(route.mock, call)
        if route.function is None:
            raise GatewayFault("API_CONFIGURATION_ERROR", f"{passage.route} has neither a function nor a mock")
        passage.function = route.function
        rest = call.api.kind == "rest"
        event = rest_event(call) if rest else http_event(call, route.payload_version)
        result = await self._invoke(route.function, event, call, passage, route.timeout_ms / 1000)
        if result.outcome != "ok":
            raise failure(result)
        try:
            return (
                rest_answer(result.payload, call) if rest else http_answer(result.payload, call, route.payload_version)
            )
        except MalformedResponse as error:
            raise GatewayFault("DEFAULT_5XX", f"malformed response: {error}") from error

    def _route(self, call: Call) -> RoutePlan:
        if call.match is not None:
            return call.match.route
        declared = call.target.resources.methods(call.path)
        note = f"no route for {call.method} {call.path}"
        if declared:
            note += f"; this path has {', '.join(declared)}"
        elif call.target.via == "stage":
            note += self.router.elsewhere(call.request.head)
        if call.api.kind == "rest":
            raise GatewayFault("MISSING_AUTHENTICATION_TOKEN", note)
        raise GatewayFault("RESOURCE_NOT_FOUND", note)

    async def _invoke(
        self, function: str, event: Json, call: Call, passage: Passage, timeout: float
    ) -> InvocationResult:
        passage.event = orjson.dumps(event)
        if len(passage.event) > MAX_EVENT_BYTES:
            raise GatewayFault("REQUEST_TOO_LARGE", f"the event is {len(passage.event)} bytes; Lambda takes 6 MB")
        loop = asyncio.get_running_loop()
        try:
            ending = self._begin(function, passage.event, call.trace_id, loop)
            # As in AWS, a function that the gateway no longer waits for runs on; so it is not cancelled.
            in_time = ending.done() or await self._ends_within(ending, timeout, loop)
            result = ending.result() if in_time else None
        except KeyError as error:
            raise GatewayFault("DEFAULT_5XX", f"there is no function {function}") from error
        if result is None:
            raise GatewayFault("INTEGRATION_TIMEOUT", f"{function} took longer than the integration's {timeout:g} s")
        passage.result = result
        return result

    def _begin(
        self, function: str, event: bytes, trace_id: str, loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[InvocationResult]:
        if self._submitter is not None:
            return self._submitter.submit(function, event, trace_id=trace_id)
        return start_task(loop, self._invoker.invoke(function, event, trace_id=trace_id))

    async def _ends_within(
        self, ending: asyncio.Future[InvocationResult], seconds: float, loop: asyncio.AbstractEventLoop
    ) -> bool:
        """Wait for an invocation, which goes on if it takes longer: `asyncio.wait` for one future, at a third."""
        waiter: asyncio.Future[None] = loop.create_future()

        def wake(_: object = None) -> None:
            if not waiter.done():
                waiter.set_result(None)

        self._running.add(ending)
        ending.add_done_callback(self._running.discard)
        ending.add_done_callback(wake)
        timer = loop.call_later(seconds, wake)
        try:
            await waiter
        finally:
            timer.cancel()
            ending.remove_done_callback(wake)
        return ending.done()

    async def _function_url(self, request: HttpRequest, target: UrlTarget, passage: Passage) -> HttpAnswer:
        function, url = target.function, target.function.url
        passage.id, passage.route, passage.function = new_uuid(), "function URL", function.logical_id
        cors = url.cors if url is not None else None
        if cors is not None and is_preflight(request):
            return preflight_answer(cors, request)
        if url is not None and url.auth == "AWS_IAM" and not _is_signed(request):
            return json_answer(403, b'{"Message":"Forbidden"}', note="this URL needs a request signed with SigV4")
        now = self._clock.now()
        trace_id = request.header("x-amzn-trace-id") or new_trace_id(now)
        event = url_event(request, self.plan, function, request_id=passage.id, trace_id=trace_id, now=now)
        passage.event = orjson.dumps(event)
        if len(passage.event) > MAX_EVENT_BYTES:
            return json_answer(413, b'{"Message":"Request Entity Too Large"}', note="Lambda takes 6 MB")
        result = await self._invoker.invoke(
            function.logical_id, passage.event, request_id=passage.id, trace_id=trace_id
        )
        passage.result = result
        answer = _url_outcome(result, passage.id, trace_id)
        return with_cors(answer, cors, request) if cors is not None else answer

    def _unreached(self, head: HttpHead) -> HttpAnswer:
        prefixes = ", ".join(self.router.prefixes()) or "none"
        note = f"no API is deployed at {head.path} of {head.host}{self.router.elsewhere(head)}; there is {prefixes}"
        return unreached_answer(self.router.kind_at(head), note)


def _url_outcome(result: InvocationResult, request_id: str, trace_id: str) -> HttpAnswer:
    if result.outcome == "throttled":
        return json_answer(
            429,
            b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}',
            ("x-amzn-ErrorType", "TooManyRequestsException"),
            note="the function's reserved concurrency is reached",
        )
    if result.outcome != "ok":
        return json_answer(502, b"Internal Server Error", note=failure(result).note)
    try:
        return url_answer(result.payload, request_id, trace_id)
    except MalformedResponse as error:
        return json_answer(502, b"Internal Server Error", note=f"malformed response: {error}")


def _require(call: Call, route: RoutePlan) -> None:
    """REST request validation: every required parameter must be there, empty or not."""
    query = {name for name, _ in query_pairs(call.request.head.query)}
    missing = []
    for parameter in route.required_parameters:
        place, _, name = parameter.removeprefix("method.request.").partition(".")
        if place == "header":
            present = call.request.header(name.lower()) is not None
        else:
            present = place != "querystring" or name in query
        if not present:
            missing.append(name)
    if missing:
        names = f"Missing required request parameters: [{', '.join(missing)}]"
        raise GatewayFault("BAD_REQUEST_PARAMETERS", names, message=names)


def _is_signed(request: HttpRequest) -> bool:
    return (request.header("authorization") or "").startswith("AWS4-HMAC-SHA256 ")
