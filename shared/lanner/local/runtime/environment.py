"""One Lambda execution environment: a process, the Runtime API that it talks to, and what it is doing.

States:

    STARTING --invocation/next--> IDLE --run--> BUSY --response--> ANSWERED --invocation/next--> IDLE ...
        |                          |             |                    |
        +------- exit, error, -----+-- deadline, exit, memory limit --+--------> DEAD

IDLE is frozen where the system can (SIGSTOP), as Lambda freezes between invocations. An environment never runs two
invocations, and never runs another after it missed a deadline or its process ended: it is replaced. Failure modes,
as the caller sees them: `timeout` (killed at its deadline), `crash` (exit, signal, memory limit), `too_large`,
`error` (the handler raised); each resolves the invocation exactly once, whatever comes later.
"""

from __future__ import annotations

import asyncio
import enum
import shutil
from collections.abc import Callable
from typing import Protocol

from lanner.local.invocation import InvocationResult, Outcome
from lanner.local.plan import FunctionPlan
from lanner.local.runtime import report
from lanner.local.runtime.api import MAX_RESPONSE, Invocation, RuntimeApi, error_document
from lanner.local.runtime.logbook import EnvironmentLog
from lanner.local.runtime.memory import peak_mb, resident_mb
from lanner.local.runtime.process import ChildProcess
from lanner.local.runtime.sources import InitError, ProcessSource, Site
from lanner.local.runtime.variables import variables, version_of

_FREEZE_AFTER = 0.005  # seconds: stopping and continuing between two quick requests would cost each 80 us
_MEMORY_LOOK = 0.1  # seconds between two looks at a busy environment's memory
_PEAK_LOOK = 0.02  # seconds between two looks at the peak: reading it costs 50 us
_OUT_OF_MEMORY = "Runtime.OutOfMemory"
_END_GRACE = 0.5  # seconds between SIGTERM and SIGKILL


class State(enum.Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ANSWERED = "answered"  # the caller has its answer; the runtime has not asked for more yet
    DEAD = "dead"


class EnvironmentListener(Protocol):
    """Who is told when an environment can take work, and when it never will again."""

    def environment_idle(self, environment: Environment) -> None: ...

    def environment_dead(self, environment: Environment) -> None: ...


class Environment:
    """An execution environment of `function`. `generation` is the pool's: older ones run older code."""

    def __init__(
        self,
        name: str,
        function: FunctionPlan,
        site: Site,
        source: ProcessSource,
        listener: EnvironmentListener,
        generation: int = 0,
    ) -> None:
        self.name = name
        self.function = function
        self.generation = generation
        self.state = State.STARTING
        self.invocations = 0
        self.init_ms = 0.0
        self.idle_since = 0.0
        self.answered_at = 0.0  # on the event loop's clock
        self.max_memory_mb = 0
        self._site = site
        self._source = source
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._tmp = site.tmp / name
        self._process: ChildProcess | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._log = EnvironmentLog(site.logs, site.clock, function.logical_id, name)
        self._result: asyncio.Future[InvocationResult] | None = None
        self._invocation: Invocation | None = None
        self._started = 0.0
        self._deadline = 0.0  # on the event loop's clock; 0 while nothing runs
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._freeze_timer: asyncio.TimerHandle | None = None
        self._looked = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    # --- INIT

    async def start(self, limit: float, after: InitError | None = None) -> None:
        """Start the process and wait until it asks for work, at most `limit` seconds. Raises `InitError`.

        `after` is how INIT failed before; a failure that is the same is not shown a second time.
        """
        if after is None:
            return await self._start(limit)
        self._log.hold()
        try:
            await self._start(limit)
        except InitError as failure:
            self._log.release(repeated=failure.document == after.document)
            raise
        finally:
            self._log.release()

    async def _start(self, limit: float) -> None:
        address = await self._api.start()
        if not self._has_own_tmp:
            self._tmp.mkdir(parents=True, exist_ok=True)
        try:
            await self._source.prepare()
            self._started = self._site.clock.monotonic()
            self._log.platform(
                (report.restore_start if self._source.restores else report.init_start)(self.function.runtime)
            )
            self._process = await self._source.start(self._variables(address), self._log.output)
        except OSError as error:
            document = error_document(f"the interpreter could not be started: {error}", "Runtime.InvalidEntrypoint")
            self._die()
            raise InitError(document, 0.0) from error
        except (InitError, asyncio.CancelledError):
            self._die()
            raise
        self._site.guardian.add(self._process.pid)
        self._process.exited.add_done_callback(lambda _: self._exited())
        self._look_at_memory()
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), limit)
        except TimeoutError:
            self._fail_init(error_document(f"INIT did not end within {limit:.2f} seconds", "Sandbox.Timedout"), True)
            await self._ready
        except asyncio.CancelledError:
            self._die()
            raise

    @property
    def _has_own_tmp(self) -> bool:
        """Whether `/tmp` is the environment's own; one that is forked from a snapshot shares the snapshot's mounts."""
        return self._site.mounts is not None and not self._source.restores

    def _variables(self, address: str) -> dict[str, str]:
        made = variables(
            self.function,
            runtime_api=address,
            region=self._site.region,
            engine=self._site.engine,
            tmp=None if self._has_own_tmp else self._tmp,
            now=self._site.clock.now(),
            initialization="snap-start" if self._source.restores else "on-demand",
        )
        if self._site.mounts is not None and self._has_own_tmp:
            made.update(self._site.mounts(self.function))
        return made

    def _fail_init(self, document: bytes, timed_out: bool = False) -> None:
        if self._ready.done():
            return
        init_ms = self._elapsed_ms()
        if self._process is not None:
            self._process.drain()
        status, kind = ("timeout", "") if timed_out else ("error", "Runtime.ExitError")
        self._log.platform(report.init_report(init_ms, "init", status, kind))
        self._ready.set_exception(InitError(document, init_ms, timed_out=timed_out))
        self._ready.exception()  # whoever started it may have been cancelled: retrieved either way
        self._die()

    # --- the runtime's side

    def runtime_waits(self) -> None:
        if self.state is State.STARTING:
            self.init_ms = self._elapsed_ms()
            if self._source.restores:
                self._log.platform(report.restore_report(self.init_ms))
            if not self._ready.done():
                self._ready.set_result(None)
        if self.state is State.DEAD:
            return
        self.state = State.IDLE
        self.idle_since = self._site.clock.monotonic()
        self._listener.environment_idle(self)

    def runtime_waits_for_restore(self, go: Callable[[], None]) -> None:
        go()  # without `--snapstart` an environment is restored as soon as it is ready to be

    def runtime_failed_init(self, body: bytes) -> None:
        self._fail_init(body)

    def runtime_answered(self, body: bytes) -> None:
        self._finish("ok", body)

    def runtime_raised(self, body: bytes) -> None:
        self._finish("error", body)

    def runtime_answer_too_large(self) -> None:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
        self._finish("too_large", error_document(message, "Function.ResponseSizeTooLarge"))

    # --- invocations

    def run(self, invocation: Invocation, result: asyncio.Future[InvocationResult]) -> None:
        """Hand over one invocation; `result` is resolved exactly once. Raises `RuntimeError` unless IDLE."""
        if self.state is not State.IDLE or self._process is None:
            raise RuntimeError(f"environment {self.name} is {self.state.value}, not idle")
        self.state = State.BUSY
        self._invocation = invocation
        self._result = result
        self._log.begin_tail()
        self._log.platform(report.start(invocation.request_id, version_of(self.function)))
        self._started = self._site.clock.monotonic()
        self._arm_timers()
        self._process.thaw()
        try:
            self._api.give(invocation, int((self._site.clock.now() + self.function.timeout) * 1000))
        except RuntimeError:  # the runtime hung up while it was frozen: its end will be noticed as well
            self._crash(None)

    def freeze(self) -> None:
        """Stop the process until the next `run`, unless that comes within `_FREEZE_AFTER` seconds."""
        if self._freeze_timer is None:
            self._freeze_timer = self._loop.call_later(_FREEZE_AFTER, self._freeze_if_idle)

    def _freeze_if_idle(self) -> None:
        self._freeze_timer = None
        if self.state is not State.IDLE or self._process is None:
            return
        if self._site.clock.monotonic() - self.idle_since < _FREEZE_AFTER / 2:
            self.freeze()  # it has run meanwhile
        else:
            self._process.freeze()

    def _arm_timers(self) -> None:
        """A timer that is armed already is left to find the later deadline: warm invocations come faster than that."""
        self._deadline = self._loop.time() + self.function.timeout
        if self._deadline_timer is None or self._deadline_timer.when() > self._deadline:
            self._set_deadline_timer()
        if self._look_timer is None:
            self._look_timer = self._loop.call_later(_MEMORY_LOOK, self._look_at_memory)

    def _set_deadline_timer(self) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._deadline_timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._deadline_timer = None
        if self._invocation is None:
            return
        if self._loop.time() < self._deadline:
            self._set_deadline_timer()
            return
        now = self._site.clock.now()
        message = report.timed_out(now, self._invocation.request_id, self.function.timeout)
        self._drain()
        self._log.platform(message + "\n")
        self._finish("timeout", error_document(message, "Sandbox.Timedout"))

    def _crash(self, code: int | None, kind: str = "Runtime.ExitError") -> None:
        if self._invocation is None:
            return
        message = report.exited(self._invocation.request_id, code)
        self._drain()
        self._log.platform(message + "\n")
        self._finish("crash", error_document(message, "Runtime.ExitError"), kind)

    def _finish(self, outcome: Outcome, payload: bytes, kind: str = "") -> None:
        invocation, result = self._invocation, self._result
        if invocation is None or result is None or self._process is None:
            return
        duration_ms = self._elapsed_ms()
        self._invocation = self._result = None
        self._drain()
        self._look_at_peak()
        if outcome in ("ok", "error") and self.max_memory_mb > self.function.memory:
            outcome, kind = "crash", _OUT_OF_MEMORY
            payload = error_document(report.exited(invocation.request_id, -9), "Runtime.ExitError")
        cold = self.invocations == 0
        self.invocations += 1
        if self.state is State.BUSY:
            self.state = State.ANSWERED
            self.answered_at = self._loop.time()
        self._write_report(invocation.request_id, outcome, duration_ms, cold, kind)
        if not result.done():
            result.set_result(self._result_of(invocation.request_id, outcome, payload, duration_ms, cold, kind))
        if outcome in ("timeout", "crash"):
            self._die()

    def _write_report(self, request_id: str, outcome: Outcome, duration_ms: float, cold: bool, kind: str) -> None:
        status = {"ok": "", "error": "", "timeout": "timeout"}.get(outcome, "error")
        line = report.report(
            request_id,
            duration_ms=duration_ms,
            memory_mb=self.function.memory,
            max_memory_mb=min(self.max_memory_mb, self.function.memory),
            init_ms=self.init_ms if cold else None,
            restored=self._source.restores,
            status=status,
            error_type=kind,
        )
        self._log.platform(report.end(request_id) + line)

    def _result_of(
        self, request_id: str, outcome: Outcome, payload: bytes, duration_ms: float, cold: bool, kind: str
    ) -> InvocationResult:
        return InvocationResult(
            outcome=outcome,
            payload=payload,
            request_id=request_id,
            cold=cold,
            init_ms=self.init_ms if cold else 0.0,
            duration_ms=duration_ms,
            billed_ms=report.billed(duration_ms),
            max_memory_mb=min(self.max_memory_mb, self.function.memory),
            out_of_memory=kind == _OUT_OF_MEMORY,
            environment=self.name,
            logs=self._log.tail(),
        )

    # --- memory

    def _look_at_memory(self) -> None:
        self._look_timer = None
        if self._process is None or not self._process.alive or self.state not in (State.STARTING, State.BUSY):
            return
        self.max_memory_mb = max(self.max_memory_mb, resident_mb(self._process.pid))
        if self.max_memory_mb <= self.function.memory:
            self._look_timer = self._loop.call_later(_MEMORY_LOOK, self._look_at_memory)
        elif self.state is State.STARTING:
            message = f"Error: Runtime exited with error: signal: killed ({self.function.memory} MB are not enough)"
            self._fail_init(error_document(message, _OUT_OF_MEMORY))
        else:
            self._crash(-9, _OUT_OF_MEMORY)

    def _look_at_peak(self) -> None:
        """At the end of an invocation; the kernel keeps the peak, so that what one look misses the next one sees."""
        now = self._loop.time()
        if self._process is not None and self._process.alive and now - self._looked > _PEAK_LOOK:
            self._looked = now
            self.max_memory_mb = max(self.max_memory_mb, peak_mb(self._process.pid))

    def _drain(self) -> None:
        if self._process is not None:
            self._process.drain()

    # --- the end

    def _exited(self) -> None:
        process = self._process
        if process is None:
            return
        self._site.guardian.remove(process.pid)
        code = process.exited.result()
        message = report.exited("", code).removeprefix("RequestId:  ")
        self._fail_init(error_document(message, "Runtime.ExitError"))
        self._crash(code)
        self._die()
        self._loop.run_in_executor(None, shutil.rmtree, self._tmp, True)

    def _die(self) -> None:
        if self.state is State.DEAD:
            return
        self.state = State.DEAD
        self._cancel_timers()
        self._api.close()
        if self._process is not None and self._process.alive:
            self._process.kill()
        self._listener.environment_dead(self)

    async def end(self) -> None:
        """End the process: SIGTERM, then SIGKILL. An invocation that is still running ends as `crash`."""
        process = self._process
        if process is not None:
            await process.end(_END_GRACE)
        self._die()

    def _elapsed_ms(self) -> float:
        return (self._site.clock.monotonic() - self._started) * 1000

    def _cancel_timers(self) -> None:
        for timer in (self._deadline_timer, self._look_timer, self._freeze_timer):
            if timer is not None:
                timer.cancel()
        self._deadline_timer = self._look_timer = self._freeze_timer = None
