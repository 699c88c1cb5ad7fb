"""Asynchronous invocations (`InvocationType: Event`, schedules): accepted at once, run later, retried by Lambda.

Lambda runs a failed event again after one minute and once more after two; a throttled one is tried again with growing
pauses, for six hours. A function's `AsyncPolicy` may say fewer attempts and less time, and who hears of the end: the
destinations get a record of the invocation, the dead-letter queue the event itself. A failed event that nobody hears
of is dropped, and the log says so.

Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation", "Capturing
records of Lambda asynchronous invocations", "Adding a dead-letter queue".
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

from lanner.clock import Clock
from lanner.local.invocation import InvocationResult, Invoker
from lanner.local.plan import CloudPlan
from lanner.local.runtime.logbook import LogBook, LogLine
from lanner.local.runtime.variables import LATEST, version_of
from lanner.local.triggers import AsyncPolicy, Target

RETRY_AFTER = (60.0, 120.0)
"""Seconds before the second and the third attempt."""

THROTTLED_FIRST_PAUSE = 1.0
THROTTLED_LONGEST_PAUSE = 300.0
_LONGEST_ERROR = 1024  # bytes of the message that a dead letter carries

Deliver = Callable[[Target, bytes, dict[str, str]], Awaitable[None]]


class AsyncInvocations:
    """Runs events in the background until they succeed or Lambda would give up.

    `deliver` brings records and dead letters to their targets; there is none without an engine.
    """

    def __init__(
        self,
        invoker: Invoker,
        logs: LogBook,
        clock: Clock,
        plan: Callable[[], CloudPlan],
        *,
        retry_after: Sequence[float] = RETRY_AFTER,
    ) -> None:
        self.deliver: Deliver | None = None
        self._invoker = invoker
        self._logs = logs
        self._clock = clock
        self._plan = plan
        self._retry_after = tuple(retry_after)
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, function: str, event: bytes, *, qualifier: str | None = None) -> str:
        """Accept an event for `function` (logical id) and return its request id."""
        request_id = str(uuid.uuid4())
        task = asyncio.get_running_loop().create_task(self._work(function, event, qualifier, request_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return request_id

    async def _work(self, function: str, event: bytes, qualifier: str | None, request_id: str) -> None:
        policy = self._policy(function)
        pauses = self._retry_after[: policy.maximum_retry_attempts]
        failures, pause, condition = 0, THROTTLED_FIRST_PAUSE, "RetriesExhausted"
        give_up = self._clock.monotonic() + policy.maximum_event_age
        while True:
            try:
                result = await self._invoker.invoke(function, event, request_id=request_id, qualifier=qualifier)
            except KeyError:  # a reload took the function away
                self._log(function, f"event {request_id} dropped: the template no longer has {function}")
                return
            if result.outcome == "ok":
                await self._tell(function, policy.on_success, event, result, "Success", failures + 1)
                return
            if result.outcome == "throttled":
                wait, pause = pause, min(THROTTLED_LONGEST_PAUSE, pause * 2)
            elif failures < len(pauses):
                wait = pauses[failures]
                failures += 1
            else:
                break
            if self._clock.monotonic() + wait > give_up:
                condition = "EventAgeExceeded"
                break
            self._log(function, f"event {request_id} ended as {result.outcome}; next attempt in {wait:g} s")
            await asyncio.sleep(wait)
        await self._failed(function, policy, event, result, condition, failures + 1)

    async def _failed(
        self,
        function: str,
        policy: AsyncPolicy,
        event: bytes,
        result: InvocationResult,
        condition: str,
        attempts: int,
    ) -> None:
        targets = [each.name for each in (policy.on_failure, policy.dead_letter) if each is not None]
        end = f"sent to {' and '.join(targets)}" if targets and self.deliver is not None else "dropped"
        often = f"{attempts} attempt{'s' if attempts > 1 else ''}"
        self._log(function, f"event {result.request_id} {end} after {often}: {result.outcome}")
        await self._tell(function, policy.on_failure, event, result, condition, attempts)
        if policy.dead_letter is not None and self.deliver is not None:
            said = result.payload.decode("utf-8", "replace")[:_LONGEST_ERROR]
            letter = {"RequestID": result.request_id, "ErrorCode": "200", "ErrorMessage": said or result.outcome}
            await self.deliver(policy.dead_letter, event, letter)

    async def _tell(
        self,
        function: str,
        target: Target | None,
        event: bytes,
        result: InvocationResult,
        condition: str,
        attempts: int,
    ) -> None:
        """Send a destination the record of an invocation."""
        if target is not None and self.deliver is not None:
            record = invocation_record(self._plan(), function, event, result, condition, attempts, self._clock.now())
            await self.deliver(target, record, {})

    def _policy(self, function: str) -> AsyncPolicy:
        plan = self._plan().functions.get(function)
        return AsyncPolicy() if plan is None else plan.asynchronous

    def _log(self, function: str, text: str) -> None:
        self._logs.add(LogLine(self._clock.now(), function, "", text))  # shown without --verbose too

    async def stop(self) -> None:
        """Forget what has not been done; Lambda's own queue would keep it, this one is in memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def invocation_record(
    plan: CloudPlan, function: str, event: bytes, result: InvocationResult, condition: str, attempts: int, now: float
) -> bytes:
    """What a destination gets, as JSON; `responsePayload` is the answer or the error, null where there was neither."""
    known = plan.functions.get(function)
    name = known.name if known is not None else function
    version = version_of(known) if known is not None else LATEST
    qualifier = (known.alias if known is not None else None) or version
    response: dict[str, object] = {"statusCode": 200, "executedVersion": version}
    if result.outcome != "ok":
        response["functionError"] = "Unhandled"
    record = {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z",
        "requestContext": {
            "requestId": result.request_id,
            "functionArn": f"arn:aws:lambda:{plan.region}:{plan.account}:function:{name}:{qualifier}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": _json(event),
        "responseContext": response,
        "responsePayload": _json(result.payload),
    }
    return json.dumps(record).encode()


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return None
