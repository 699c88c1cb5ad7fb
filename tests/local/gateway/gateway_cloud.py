"""Plans, functions and a running gateway for the gateway's tests: Python callables stand in for Lambda functions."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lanner.clock import ManualClock
from lanner.local.gateway import Gateway, RequestRecord
from lanner.local.identifiers import new_uuid
from lanner.local.invocation import InvocationResult
from lanner.local.plan import ApiPlan, CloudPlan, DomainPlan, FunctionPlan, RoutePlan, UsagePlan, by_stage

Event = dict[str, Any]  # Any: a Lambda event is free-form JSON
Function = Callable[[Event], Any]


def ok(body: str = "ok", **more: Any) -> Function:
    """A function that always returns the same proxy response."""
    return lambda event: {"statusCode": 200, "body": body, **more}


def echo(event: Event) -> Event:
    """A function that returns its event as the body."""
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}


class FunctionRaised(Exception):
    """Lets a function of a test choose how its invocation ends."""

    def __init__(self, outcome: str, payload: Event | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.payload = payload or {"errorMessage": outcome, "errorType": "Exception", "stackTrace": []}


@dataclass
class CallableInvoker:
    """Implements `Invoker` with Python callables by logical id; raw bytes go out as they are."""

    functions: Mapping[str, Function]
    calls: list[tuple[str, Event]] = field(default_factory=list)
    release: Mapping[str, threading.Event] = field(default_factory=dict)  # functions that wait for it first

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        qualifier: str | None = None,
    ) -> InvocationResult:
        document = json.loads(event)
        self.calls.append((function, document))
        if function in self.release:
            await asyncio.to_thread(self.release[function].wait, 10)
        request_id = request_id or new_uuid()
        try:
            result = self.functions[function](document)
        except FunctionRaised as error:
            return InvocationResult(error.outcome, json.dumps(error.payload).encode(), request_id)  # type: ignore[arg-type]
        payload = result if isinstance(result, bytes) else json.dumps(result).encode()
        return InvocationResult("ok", payload, request_id, cold=len(self.calls) == 1, logs=b"a log line\n")


def rest_api(*routes: RoutePlan, name: str = "Api", stage: str = "prod", **more: Any) -> ApiPlan:
    return ApiPlan(name, "rest", stage, routes, **more)


def http_api(*routes: RoutePlan, name: str = "Web", stage: str = "$default", **more: Any) -> ApiPlan:
    return ApiPlan(name, "http", stage, routes, **more)


def route(line: str, function: str | None = "Fn", **more: Any) -> RoutePlan:
    """`GET /users/{id}` as a route."""
    method, _, path = line.rpartition(" ")
    return RoutePlan(method or "ANY", path, function, **more)


def cloud(
    *apis: ApiPlan,
    functions: Sequence[FunctionPlan] = (),
    domains: Sequence[DomainPlan] = (),
    usage_plans: Sequence[UsagePlan] = (),
    template: Path = Path("template.yaml"),
) -> CloudPlan:
    return CloudPlan(
        template=template,
        stack_name="shop",
        region="eu-west-1",
        account="123456789012",
        functions={function.logical_id: function for function in functions},
        apis=by_stage(apis),
        domains=domains,
        usage_plans=usage_plans,
    )


def function_plan(name: str, **more: Any) -> FunctionPlan:
    return FunctionPlan(name, name, "app.handler", "python3.13", Path("."), **more)


@dataclass
class Served:
    """A running gateway and ways to talk to it."""

    gateway: Gateway
    invoker: CallableInvoker
    records: list[RequestRecord]
    clock: ManualClock
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.gateway.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last_event(self) -> Event:
        return self.invoker.calls[-1][1]

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            return client.request(method, path, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine of the gateway on its own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def raw(self, data: bytes) -> bytes:
        """Send bytes and read until the gateway closes; only for requests after which it does."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def exchange(self, target: str, *headers: str, method: str = "GET") -> tuple[int, bytes]:
        """One request whose target goes out exactly as written."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers, "", ""]
        data = self.raw("\r\n".join(lines).encode("latin-1"))
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


Serve = Callable[..., Served]
