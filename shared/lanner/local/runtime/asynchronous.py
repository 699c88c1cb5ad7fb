"""Asynchronous invocations (`InvocationType: Event`, schedules): accepted at once, run later, retried by Lambda.

Lambda runs a failed event again after one minute and once more after two (docs.aws.amazon.com/lambda/latest/dg/
invocation-async-error-handling.html); a throttled one is tried again for up to six hours, with growing pauses. After
the last attempt the event is dropped, and the log says so: destinations and dead-letter queues of asynchronous
invocations are not imitated.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from lanner.clock import Clock
from lanner.local.invocation import Invoker
from lanner.local.runtime.logbook import LogBook, LogLine

RETRY_AFTER = (60.0, 120.0)
"""Seconds before the second and the third attempt."""

THROTTLED_FIRST_PAUSE = 1.0
THROTTLED_LONGEST_PAUSE = 300.0
MAXIMUM_AGE = 6 * 3600.0


class AsyncInvocations:
    """Runs events in the background until they succeed or Lambda would give up."""

    def __init__(
        self, invoker: Invoker, logs: LogBook, clock: Clock, *, retry_after: Sequence[float] = RETRY_AFTER
    ) -> None:
        self._invoker = invoker
        self._logs = logs
        self._clock = clock
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
        failures = 0
        pause = THROTTLED_FIRST_PAUSE
        give_up = self._clock.monotonic() + MAXIMUM_AGE
        while True:
            try:
                result = await self._invoker.invoke(function, event, request_id=request_id, qualifier=qualifier)
            except KeyError:  # a reload took the function away
                self._log(function, f"event {request_id} dropped: the template no longer has {function}")
                return
            if result.outcome == "ok":
                return
            if result.outcome == "throttled":
                wait, pause = pause, min(THROTTLED_LONGEST_PAUSE, pause * 2)
            elif failures < len(self._retry_after):
                wait = self._retry_after[failures]
                failures += 1
            else:
                break
            if self._clock.monotonic() + wait > give_up:
                break
            self._log(function, f"event {request_id} ended as {result.outcome}; next attempt in {wait:g} s")
            await asyncio.sleep(wait)
        self._log(function, f"event {request_id} dropped after {failures + 1} attempts: {result.outcome}")

    def _log(self, function: str, text: str) -> None:
        self._logs.add(LogLine(self._clock.now(), function, "", text))  # shown without --verbose too

    async def stop(self) -> None:
        """Forget what has not been done; Lambda's own queue would keep it, this one is in memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
