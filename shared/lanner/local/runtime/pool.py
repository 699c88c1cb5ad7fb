"""The environments of one function: how many there are, and which one runs what.

An invocation takes the environment that was idle last (LIFO: few stay warm, the others are reaped). With none idle
it waits in a queue, and one more environment is started unless enough are already on their way, or the cap is
reached; whichever comes first, a new one or one that has finished, serves the head of the queue. Reserved
concurrency counts running and queued invocations, and refuses the next one at once (`throttled`).

INIT that fails is tried once more under the function's own timeout, as Lambda does; when that fails too, everything
in the queue gets the failure, since every environment runs the same code.

A reload starts a new generation: old environments keep serving until one of the new generation is ready, at most
`RELOAD_GRACE` seconds, then the idle ones end at once and the busy ones after their answer. No invocation is cut.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from lanner.clock import Clock
from lanner.local.invocation import InvocationResult
from lanner.local.plan import FunctionPlan
from lanner.local.runtime import report
from lanner.local.runtime.api import Invocation, error_document
from lanner.local.runtime.environment import Environment, EnvironmentListener, State
from lanner.local.runtime.sources import InitError

INIT_LIMIT = 10.0
"""Seconds that INIT may take before it is ended and tried again at the first invocation."""

RELOAD_GRACE = 0.7
"""Seconds for which old code may still answer after a reload, while new environments start."""

_STARTS_AT_ONCE = 2  # more would only compete for the laptop's cores
_ANSWERED_PATIENCE = 0.05  # seconds until a runtime that has answered but does not ask for more is not counted on

_STOPPING = InitError(error_document("the local cloud is stopping", "Runtime.ExitError"), 0.0)

MakeEnvironment = Callable[[FunctionPlan, EnvironmentListener, int], Environment]


class Pool:
    """Environments of one function. `cap` bounds how many run at once; `idle_seconds` how long one stays unused."""

    def __init__(
        self, function: FunctionPlan, make: MakeEnvironment, clock: Clock, *, cap: int, idle_seconds: float
    ) -> None:
        self.function = function
        self._make = make
        self._clock = clock
        self._cap = cap
        self._idle_seconds = idle_seconds
        self._generation = 0
        self._oldest = 0  # environments of older generations take no more work
        self._environments: set[Environment] = set()
        self._idle: list[Environment] = []
        self._waiting: deque[tuple[Invocation, asyncio.Future[InvocationResult]]] = deque()
        self._starting = 0
        self._announced = 0  # of these, how many have no environment yet
        self._tasks: set[asyncio.Task[None]] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def environments(self) -> tuple[Environment, ...]:
        return tuple(self._environments)

    @property
    def in_flight(self) -> int:
        """Invocations that run or wait."""
        running = sum(environment.state is State.BUSY for environment in self._environments)
        return running + self._queued()

    def _queued(self) -> int:
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()  # the caller has left before its turn
        return len(self._waiting)

    def submit(self, invocation: Invocation) -> asyncio.Future[InvocationResult]:
        """Begin one invocation; the future has its end, whatever that is."""
        result: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        reserved = self.function.reserved_concurrency
        if reserved is not None and self.in_flight >= reserved:
            document = error_document("Rate Exceeded.", "TooManyRequestsException")
            result.set_result(InvocationResult("throttled", document, invocation.request_id))
            return result
        environment = self._take_idle()
        if environment is not None:
            environment.run(invocation, result)
        elif self._stopped:
            result.set_result(self._init_failure(invocation, _STOPPING))
        else:
            self._waiting.append((invocation, result))
            self._grow()
        return result

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run one invocation to its end, whatever that is."""
        return await self.submit(invocation)

    def _take_idle(self) -> Environment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.state is State.IDLE:
                return environment
        return None

    def _grow(self) -> None:
        """Start one more environment if those that are on their way are fewer than those who wait."""
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        coming = self._starting
        for environment in self._environments:
            if environment.state is State.ANSWERED and loop.time() - environment.answered_at < _ANSWERED_PATIENCE:
                coming += 1
                if self._patience is None:
                    self._patience = loop.call_later(_ANSWERED_PATIENCE, self._patience_over)
        if self._queued() > coming:
            self._start_one()

    def _patience_over(self) -> None:
        """A runtime should ask for more within a moment of its answer; one that is busy with itself does not."""
        self._patience = None
        if self._waiting:
            self._grow()

    def _start_one(self) -> None:
        current = self._announced + sum(each.generation == self._generation for each in self._environments)
        if self._stopped or self._starting >= _STARTS_AT_ONCE or current >= self._cap:
            return
        self._starting += 1
        self._announced += 1
        self._run(self._start())

    async def _start(self) -> None:
        self._announced -= 1
        generation = self._generation
        try:
            await self._initialise(generation)
        except InitError as failure:
            if generation == self._generation:
                self._fail_waiting(failure)
        finally:
            self._starting -= 1
            self._retire_before(generation)
            self._grow()

    async def _initialise(self, generation: int) -> None:
        first = self._new_environment(generation)
        try:
            await first.start(INIT_LIMIT)
        except InitError as failure:
            if generation != self._generation or self._stopped:
                raise
            again = self._new_environment(generation)
            await again.start(self.function.timeout, after=failure)

    def _new_environment(self, generation: int) -> Environment:
        environment = self._make(self.function, self, generation)
        self._environments.add(environment)
        return environment

    def _fail_waiting(self, failure: InitError) -> None:
        waiting, self._waiting = self._waiting, deque()
        for invocation, result in waiting:
            if not result.done():
                result.set_result(self._init_failure(invocation, failure))

    def _init_failure(self, invocation: Invocation, failure: InitError) -> InvocationResult:
        request_id = invocation.request_id
        if failure.timed_out:
            message = report.timed_out(self._clock.now(), request_id, self.function.timeout)
            document = error_document(message, "Sandbox.Timedout")
            return InvocationResult("timeout", document, request_id, cold=True, init_ms=failure.init_ms)
        return InvocationResult("init_error", failure.document, request_id, cold=True, init_ms=failure.init_ms)

    # --- what environments tell

    def environment_idle(self, environment: Environment) -> None:
        """An environment can take work: the head of the queue, or none, and then it is frozen."""
        if environment.state is not State.IDLE:
            return
        if self._stopped or environment.generation < self._oldest:
            self._end(environment)
            self._grow()
            return
        self._retire_before(environment.generation)
        if self._queued():
            environment.run(*self._waiting.popleft())
            return
        self._idle.append(environment)
        environment.freeze()

    def environment_dead(self, environment: Environment) -> None:
        """An environment is gone: whoever waits needs another."""
        self._environments.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        if self._waiting and not self._starting:
            self._grow()

    # --- reload, reaping, the end

    def reload(self, function: FunctionPlan) -> None:
        """Run `function` (the same one, its code or settings changed) from now on; see the module's docstring."""
        self.function = function
        self._generation += 1
        if not self._environments:
            return
        asyncio.get_running_loop().call_later(RELOAD_GRACE, self._retire_before, self._generation)
        self._start_one()

    def _retire_before(self, generation: int) -> None:
        """End the idle environments of generations before this one; the busy ones end when they are next idle."""
        if generation <= self._oldest:
            return
        self._oldest = generation
        old = [environment for environment in self._idle if environment.generation < generation]
        for environment in old:
            self._idle.remove(environment)
            self._end(environment)

    def reap(self) -> None:
        """End environments that nobody has used for `idle_seconds`."""
        oldest_allowed = self._clock.monotonic() - self._idle_seconds
        for environment in [each for each in self._idle if each.idle_since < oldest_allowed]:
            self._idle.remove(environment)
            self._end(environment)

    def _end(self, environment: Environment) -> None:
        self._run(environment.end())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End every environment and wait until all processes are gone; who still waits gets a failure."""
        self._stopped = True
        if self._patience is not None:
            self._patience.cancel()
        self._idle.clear()
        self._fail_waiting(_STOPPING)
        await asyncio.gather(*(environment.end() for environment in self.environments))
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
