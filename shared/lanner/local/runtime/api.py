"""The Lambda Runtime API of one execution environment (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

The runtime in the child process is the client. It goes through these states, and what does not fit is refused with
403 `InvalidStateTransition`:

    initialising --GET invocation/next--> waiting --(an invocation)--> running --POST response|error--> answered
         |  ^                                ^                                                            |
         |  GET restore/next (SnapStart)     +------------------------- GET invocation/next --------------+
         +--POST init/error, restore/error--> failed (the process is about to exit)

A response of another request id is 400 `InvalidRequestID`: late answers of a dead deadline must not reach a new
caller. A response above 6 MB is 413 and counts as the function's error, as on AWS. Responses in streaming mode are
accepted and buffered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lanner.local.runtime.wire import WireConnection, WireRequest, WireServer, response_head

MAX_PAYLOAD = 6 * 1024 * 1024
"""Largest synchronous event (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

MAX_RESPONSE = 6_291_556
"""Largest response: 6 MB and the 100 bytes that Lambda grants on top (its own error message names this number)."""

_ROOT = "/2018-06-01/runtime/"
_OK = b'{"status":"OK"}'
_ACCEPTED = response_head(202, len(_OK), {}) + _OK


class Invocation(NamedTuple):
    """What `invocation/next` hands to the runtime, but for the deadline."""

    request_id: str
    event: bytes
    function_arn: str
    trace_id: str
    client_context: str | None = None


class RuntimeEvents(Protocol):
    """What an environment hears from its runtime; the calls come on the event loop and must not block."""

    def runtime_waits(self) -> None:
        """The runtime asks for its next invocation (the first time: INIT is complete)."""

    def runtime_answered(self, body: bytes) -> None:
        """The handler of the running invocation returned."""

    def runtime_raised(self, body: bytes) -> None:
        """The handler raised; `body` is the error document."""

    def runtime_answer_too_large(self) -> None:
        """The answer was above `MAX_RESPONSE`."""

    def runtime_failed_init(self, body: bytes) -> None:
        """INIT or a restore hook failed; `body` is the error document."""

    def runtime_waits_for_restore(self, go: Callable[[], None]) -> None:
        """The before-snapshot hooks have run; `go` continues after the restore."""


def error_document(message: str, kind: str) -> bytes:
    """The JSON of an error that the platform itself reports."""
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()


def _one_line(value: str) -> str:
    """What came from a caller, without the line ends that would make headers of it."""
    return value.replace("\r", " ").replace("\n", " ")


class RuntimeApi:
    """Serves one environment on a loopback port of its own."""

    def __init__(self, events: RuntimeEvents) -> None:
        self._events = events
        self._server = WireServer(self._handle, limit=MAX_RESPONSE)
        self._waiting: WireConnection | None = None
        self._running: str | None = None

    async def start(self) -> str:
        """Listen; returns `127.0.0.1:port` for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{await self._server.start()}"

    def close(self) -> None:
        self._server.close()

    @property
    def waiting(self) -> bool:
        """Whether a runtime is blocked in `invocation/next`."""
        return self._waiting is not None and not self._waiting.closed

    def give(self, invocation: Invocation, deadline_ms: int) -> None:
        """Answer the blocked `invocation/next`; the deadline in milliseconds since the epoch.

        Raises `RuntimeError` when none is blocked.
        """
        connection = self._waiting
        if connection is None or connection.closed:
            raise RuntimeError("no runtime is waiting for an invocation")
        context = invocation.client_context
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(invocation.event)}\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.function_arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {_one_line(invocation.trace_id)}\r\n"
        )
        if context is not None:
            head += f"Lambda-Runtime-Client-Context: {_one_line(context)}\r\n"
        self._waiting = None
        self._running = invocation.request_id
        connection.write(head.encode("latin-1", "replace") + b"\r\n" + invocation.event)

    def _handle(self, request: WireRequest, connection: WireConnection) -> None:
        action = request.target.removeprefix(_ROOT).split("?", 1)[0] if request.target.startswith(_ROOT) else ""
        if request.method == "GET" and action == "invocation/next":
            self._next(connection)
        elif request.method == "GET" and action == "restore/next":
            self._events.runtime_waits_for_restore(lambda: connection.reply(200))
        elif request.method == "POST" and action in ("init/error", "restore/error"):
            connection.write(_ACCEPTED)
            self._events.runtime_failed_init(request.body)
        elif request.method == "POST" and action.startswith("invocation/"):
            self._outcome(action.split("/"), request, connection)
        else:
            connection.reply(404, error_document(f"no such operation: {request.method} {request.target}", "NotFound"))

    def _next(self, connection: WireConnection) -> None:
        if self._running is not None:
            message = f"invocation {self._running} has not been answered yet"
            connection.reply(403, error_document(message, "InvalidStateTransition"))
            return
        self._waiting = connection
        self._events.runtime_waits()

    def _outcome(self, parts: list[str], request: WireRequest, connection: WireConnection) -> None:
        if len(parts) != 3 or parts[2] not in ("response", "error"):
            connection.reply(404, error_document(f"no such operation: POST {request.target}", "NotFound"))
            return
        request_id = parts[1]
        if self._running is None:
            connection.reply(403, error_document("no invocation is running", "InvalidStateTransition"))
        elif request_id != self._running:
            connection.reply(400, error_document(f"{request_id} is not the running invocation", "InvalidRequestID"))
        elif request.too_large:
            self._running = None
            message = f"Exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            connection.reply(413, error_document(message, "RequestEntityTooLarge"))
            self._events.runtime_answer_too_large()
        else:
            self._running = None
            if parts[2] == "response":
                self._events.runtime_answered(request.body)
            else:
                self._events.runtime_raised(request.body)
            # After whoever waits for the answer has been woken: the caller comes before the runtime's next turn.
            asyncio.get_running_loop().call_soon(connection.write, _ACCEPTED)
