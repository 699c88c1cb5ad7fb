"""A gateway on a free loopback port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lanner.clock import ManualClock
from lanner.local.gateway import Gateway, RequestRecord, ServerLimits
from lanner.local.gateway.inspect import Inspector
from lanner.local.plan import CloudPlan
from tests.local.gateway.gateway_cloud import CallableInvoker, Function, Serve, Served, echo


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start gateways on a loop in a thread; everything ends with the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running: list[Served] = []

    def start(
        plan: CloudPlan,
        functions: Mapping[str, Function] | None = None,
        *,
        inspector: Inspector | None = None,
        limits: ServerLimits | None = None,
        jwks: Mapping[str, Path] | None = None,
        release: Mapping[str, threading.Event] | None = None,
    ) -> Served:
        invoker = CallableInvoker(functions if functions is not None else {"Fn": echo}, release=release or {})
        records: list[RequestRecord] = []
        clock = ManualClock(1_583_349_317.135)
        gateway = Gateway(
            plan,
            invoker,
            on_request=records.append,
            clock=clock,
            inspector=inspector,
            limits=limits,
            jwks=jwks,
        )
        served = Served(gateway, invoker, records, clock, loop)
        served.run(gateway.start("127.0.0.1", 0))
        running.append(served)
        return served

    yield start
    for served in running:
        served.run(served.gateway.stop(grace=0.2))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
