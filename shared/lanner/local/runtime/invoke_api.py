"""Lambda's `Invoke` over HTTP on loopback, for functions and tools that call functions through an AWS SDK.

`POST /2015-03-31/functions/{name}/invocations` as in docs.aws.amazon.com/lambda/latest/api/API_Invoke.html:
RequestResponse, Event and DryRun, `Qualifier`, `X-Amz-Log-Type: Tail`, `X-Amz-Client-Context`. A name may be a
function's name, its ARN (whole or partial, with a qualifier or without), or its logical id in the template.
Signatures are not checked. `GET .../{name}/configuration` tells what a caller may want to know of a function: its
handler, runtime, timeout and memory (API_GetFunctionConfiguration.html). Requests that a browser made (an `Origin`
header) or that name another host are refused, so that no web page can run functions. Any other operation of Lambda's
API is answered with what is missing.

Functions reach it through AWS_ENDPOINT_URL_LAMBDA.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lanner.local.invocation import Invoker
from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.api import MAX_PAYLOAD
from lanner.local.runtime.asynchronous import AsyncInvocations
from lanner.local.runtime.variables import LATEST, version_of
from lanner.local.runtime.wire import WireConnection, WireRequest, WireServer

MAX_ASYNC_PAYLOAD = 1024 * 1024
"""Largest event of an asynchronous invocation (1 MB since October 2025)."""

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/(invocations|configuration)/?")
_OPERATIONS = (("POST", "invocations"), ("GET", "configuration"))
_NAME = re.compile(r"(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|[^:]*:function:)?([^:]+)(?::([^:]+))?")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "host.docker.internal")

Control = Callable[[WireRequest, WireConnection], bool]
"""Answers a request that is not Lambda's and says whether it did."""


class ApiError(Exception):
    """An error as Lambda's API words it: HTTP status, error type, message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class InvokeApi:
    """The HTTP endpoint. `plan` is asked at every request, so that a reload is seen."""

    def __init__(
        self,
        plan: Callable[[], CloudPlan],
        invoker: Invoker,
        events: AsyncInvocations,
        control: Control | None = None,
    ) -> None:
        self._plan = plan
        self._invoker = invoker
        self._events = events
        self._control = control
        self._server = WireServer(self._handle, limit=MAX_PAYLOAD)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def start(self, port: int = 0) -> None:
        await self._server.start(port=port)

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _handle(self, request: WireRequest, connection: WireConnection) -> None:
        try:
            self._guard(request)
            if self._control is not None and self._control(request, connection):
                return
            self._dispatch(request, connection)
        except ApiError as error:
            reply_error(connection, error)

    def _guard(self, request: WireRequest) -> None:
        host = re.sub(r":\d+$", "", request.headers.get("host", "127.0.0.1"))
        if "origin" in request.headers or host not in _LOOPBACK:
            raise ApiError(403, "AccessDeniedException", "only programs on this machine may invoke functions")

    def _dispatch(self, request: WireRequest, connection: WireConnection) -> None:
        target = urlsplit(request.target)
        match = _PATH.fullmatch(target.path)
        if match is None or (request.method, match[2]) not in _OPERATIONS:
            what = f"{request.method} {target.path}"
            message = f"the local Lambda endpoint does Invoke and GetFunctionConfiguration, not {what}"
            raise ApiError(404, "UnknownOperationException", message)
        given = parse_qs(target.query).get("Qualifier", [None])[0]
        function, qualifier = self._find(unquote(match[1]), given)
        if match[2] == "configuration":
            connection.reply(200, json.dumps(self._configuration(function, qualifier)).encode())
            return
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        event = self._event(request, MAX_ASYNC_PAYLOAD if kind == "Event" else MAX_PAYLOAD)
        if kind == "DryRun":
            connection.reply(204)
        elif kind == "Event":
            request_id = self._events.submit(function.logical_id, event, qualifier=qualifier)
            connection.reply(202, headers={"x-amzn-RequestId": request_id})
        elif kind == "RequestResponse":
            context = _client_context(request.headers.get("x-amz-client-context"))
            wants_log = request.headers.get("x-amz-log-type") == "Tail"
            self._run(self._invoke(function, event, qualifier, context, wants_log, connection))
        else:
            message = f"InvocationType {kind!r} is none of RequestResponse, Event, DryRun"
            raise ApiError(400, "InvalidParameterValueException", message)

    def _find(self, name: str, qualifier: str | None) -> tuple[FunctionPlan, str | None]:
        match = _NAME.fullmatch(name)
        bare, in_name = (match[1], match[2]) if match is not None else (name, None)
        qualifier = qualifier or in_name
        for function in self._plan().functions.values():
            if bare in (function.name, function.logical_id):
                if qualifier in (None, LATEST, function.alias) or (qualifier or "").isdigit():
                    return function, qualifier
                break
        raise ApiError(404, "ResourceNotFoundException", f"Function not found: {self._arn(bare, qualifier)}")

    def _arn(self, name: str, qualifier: str | None) -> str:
        plan = self._plan()
        arn = f"arn:aws:lambda:{plan.region}:{plan.account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def _configuration(self, function: FunctionPlan, qualifier: str | None) -> dict[str, object]:
        return {
            "FunctionName": function.name,
            "FunctionArn": self._arn(function.name, qualifier),
            "Runtime": function.runtime,
            "Handler": function.handler,
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "Version": qualifier if qualifier and qualifier.isdigit() else version_of(function),
            "Environment": {"Variables": dict(function.environment)},
            "PackageType": "Zip",
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }

    def _event(self, request: WireRequest, limit: int) -> bytes:
        if request.too_large or len(request.body) > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            raise ApiError(413, "RequestTooLargeException", message)
        event = request.body or b"{}"
        try:
            json.loads(event)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise ApiError(400, "InvalidRequestContentException", message) from None
        return event

    async def _invoke(
        self,
        function: FunctionPlan,
        event: bytes,
        qualifier: str | None,
        context: str | None,
        wants_log: bool,
        connection: WireConnection,
    ) -> None:
        result = await self._invoker.invoke(function.logical_id, event, client_context=context, qualifier=qualifier)
        if result.outcome == "throttled":
            reply_error(connection, ApiError(429, "TooManyRequestsException", "Rate Exceeded."))
            return
        headers = {"x-amzn-RequestId": result.request_id, "X-Amz-Executed-Version": version_of(function)}
        if result.outcome != "ok":
            headers["X-Amz-Function-Error"] = "Unhandled"
        if wants_log:
            headers["X-Amz-Log-Result"] = base64.b64encode(result.logs).decode()
        connection.reply(200, result.payload, headers)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def reply_error(connection: WireConnection, error: ApiError) -> None:
    """Answer with an error in the shape that AWS SDKs read."""
    body = json.dumps({"Type": "User" if error.status < 500 else "Service", "Message": str(error)}).encode()
    connection.reply(error.status, body, {"x-amzn-ErrorType": error.kind})


def _client_context(header: str | None) -> str | None:
    """The JSON that `X-Amz-Client-Context` carries in base64. Raises `ApiError` for anything else."""
    if not header:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(header, validate=True)))
    except (binascii.Error, ValueError):
        message = "Client context must be a valid Base64-encoded JSON object."
        raise ApiError(400, "InvalidRequestContentException", message) from None
