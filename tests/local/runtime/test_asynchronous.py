"""Asynchronous invocations: retried by the platform, as Lambda does, and dropped in the end."""

from __future__ import annotations

import asyncio

from lanner.clock import SystemClock
from lanner.local.invocation import InvocationResult, Outcome
from lanner.local.runtime.asynchronous import AsyncInvocations
from lanner.local.runtime.logbook import LogBook


class Script:
    """An invoker that ends each invocation as the script says."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.request_ids: list[str] = []

    async def invoke(self, function, event, *, request_id=None, **_):
        self.request_ids.append(request_id)
        return InvocationResult(self.outcomes.pop(0), b"", request_id)


def run(script, retries):
    async def scenario():
        logs = LogBook()
        events = AsyncInvocations(script, logs, SystemClock(), retry_after=retries)
        request_id = events.submit("f", b"{}")
        while script.outcomes:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await events.stop()
        return request_id, [line.text for line in logs.lines()]

    return asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_failed_event_is_tried_three_times_with_one_request_id():
    """Two retries, the same id, then it is dropped and the log says so."""
    script = Script("error", "timeout", "crash")
    request_id, lines = run(script, (0, 0))
    assert script.request_ids == [request_id] * 3
    assert lines[-1] == f"event {request_id} dropped after 3 attempts: crash"


def test_an_event_that_succeeds_is_not_tried_again():
    """The second attempt succeeds: that is all."""
    script = Script("error", "ok")
    _, lines = run(script, (0, 0))
    assert len(script.request_ids) == 2
    assert not any("dropped" in line for line in lines)
