"""The `Invoker` of the local cloud: one pool of environments per function of the plan."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lanner.clock import Clock, SystemClock
from lanner.local.identifiers import new_span_id, new_trace_id, new_uuid
from lanner.local.invocation import InvocationResult
from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.api import MAX_PAYLOAD, Invocation, error_document
from lanner.local.runtime.asynchronous import AsyncInvocations
from lanner.local.runtime.confinement import Confinement
from lanner.local.runtime.environment import Environment, EnvironmentListener
from lanner.local.runtime.interpreter import ClientChoice, Interpreter, command
from lanner.local.runtime.invoke_api import Control, InvokeApi
from lanner.local.runtime.logbook import LogBook
from lanner.local.runtime.pool import Pool
from lanner.local.runtime.process import Guardian
from lanner.local.runtime.snapshot import Snapshot
from lanner.local.runtime.sources import ProcessSource, Site, Spawner

_REAP_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class RuntimeOptions:
    """How functions run. `cap` is the most environments of one function; `idle_seconds` until one is reaped."""

    client: ClientChoice = "auto"
    cap: int = 10
    snapstart: bool = False  # functions with SnapStart are restored from a snapshot, not started
    idle_seconds: float = 300.0
    engine: Mapping[str, str] = field(default_factory=dict)  # endpoint and credentials for the functions' SDKs
    private_mounts: bool = (
        False  # /tmp and /opt are each environment's own: Linux, where `confinement.refusal` is empty
    )
    shared: tuple[Path, ...] = ()  # what below /tmp stays this machine's
    control: Control | None = None  # answers what else is asked of the Invoke endpoint


def runs_alike(one: FunctionPlan, other: FunctionPlan) -> bool:
    """Whether environments of `one` may go on for `other`: what triggers them and where they stand is no matter."""
    same = replace(one, where=other.where, url=other.url, asynchronous=other.asynchronous)
    return replace(same, queues=other.queues, streams=other.streams, schedules=other.schedules) == other


class Runtime:
    """Runs the functions of a plan as Lambda would. Start it inside a running event loop.

    Raises `InterpreterError` when `options.client` is `ric` and the interpreter has no awslambdaric.
    """

    def __init__(
        self,
        plan: CloudPlan,
        interpreter: Interpreter,
        options: RuntimeOptions | None = None,
        *,
        clock: Clock | None = None,
        logs: LogBook | None = None,
    ) -> None:
        self.logs = logs or LogBook()
        self._plan = plan
        self._interpreter = interpreter
        self._options = options or RuntimeOptions()
        self._clock = clock or SystemClock()
        self.events = AsyncInvocations(self, self.logs, self._clock, lambda: self._plan)
        self._invoke_api = InvokeApi(lambda: self._plan, self, self.events, self._options.control)
        self._command = command(interpreter, self._options.client)
        self._snapshots: dict[str, Snapshot] = {}
        self._pools: dict[str, Pool] = {}
        self._names = 0
        self._site: Site | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def plan(self) -> CloudPlan:
        return self._plan

    @property
    def invoke_url(self) -> str:
        """Where Lambda's `Invoke` answers, for AWS SDKs."""
        return self._invoke_api.url

    async def start(self) -> None:
        """Make ready to invoke; no function runs before its first invocation."""
        await self._invoke_api.start()
        tmp = Path(tempfile.mkdtemp(prefix="lanner-"))
        self._site = Site(
            region=self._plan.region,
            engine={**self._options.engine, "AWS_ENDPOINT_URL_LAMBDA": self.invoke_url},
            tmp=tmp,
            guardian=Guardian(tmp),
            logs=self.logs,
            clock=self._clock,
            mounts=self._mounts(),
        )
        self._site.guardian.start()
        self._schedule_reaping()

    def _mounts(self) -> Callable[[FunctionPlan], Mapping[str, str]] | None:
        if not self._options.private_mounts:
            return None
        confinement = Confinement(self._interpreter, self._options.shared)
        return lambda function: confinement.variables(self._plan, function)

    def reap(self) -> None:
        """End environments that have been idle for too long; happens by itself every few seconds."""
        for pool in self._pools.values():
            pool.reap()

    def _schedule_reaping(self) -> None:
        self.reap()
        self._reaper = asyncio.get_running_loop().call_later(_REAP_EVERY, self._schedule_reaping)

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
        """See `Invoker.invoke`."""
        return await self.submit(
            function,
            event,
            request_id=request_id,
            trace_id=trace_id,
            client_context=client_context,
            qualifier=qualifier,
        )

    def submit(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        qualifier: str | None = None,
    ) -> asyncio.Future[InvocationResult]:
        """Begin what `invoke` runs to its end, without a task: the gateway's way. Raises `KeyError`."""
        plan = self._plan.functions[function]
        request_id = request_id or new_uuid()
        if len(event) > MAX_PAYLOAD:
            message = f"{len(event)} byte payload is too large for the RequestResponse invocation type"
            message += f" (limit {MAX_PAYLOAD} bytes)"
            document = error_document(message, "RequestTooLargeException")
            refused: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
            refused.set_result(InvocationResult("too_large", document, request_id))
            return refused
        invocation = Invocation(
            request_id=request_id,
            event=event,
            function_arn=self.arn(plan, qualifier),
            trace_id=trace_id or self._new_trace(),
            client_context=client_context,
        )
        return self._pool(plan).submit(invocation)

    def arn(self, function: FunctionPlan, qualifier: str | None = None) -> str:
        """The ARN of a function, with its qualifier where there is one."""
        arn = f"arn:aws:lambda:{self._plan.region}:{self._plan.account}:function:{function.name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def _new_trace(self) -> str:
        return f"{new_trace_id(self._clock.now())};Parent={new_span_id()};Sampled=0"

    def _pool(self, function: FunctionPlan) -> Pool:
        pool = self._pools.get(function.logical_id)
        if pool is None:
            if self._site is None:
                raise RuntimeError("the runtime has not been started")
            options = self._options
            pool = Pool(function, self._make, self._clock, cap=options.cap, idle_seconds=options.idle_seconds)
            self._pools[function.logical_id] = pool
        return pool

    def _make(self, function: FunctionPlan, listener: EnvironmentListener, generation: int) -> Environment:
        assert self._site is not None
        self._names += 1
        source = self._source(function, generation)
        return Environment(f"{function.logical_id}-{self._names}", function, self._site, source, listener, generation)

    def _source(self, function: FunctionPlan, generation: int) -> ProcessSource:
        assert self._site is not None
        if not (self._options.snapstart and function.snap_start):
            return Spawner(function, self._command)
        known = self._snapshots.get(function.logical_id)
        if known is not None and known.generation == generation:
            return known
        if known is not None:
            self._background(known.end())
        snapshot = Snapshot(function, self._site, command(self._interpreter, "python"), generation)
        self._snapshots[function.logical_id] = snapshot
        return snapshot

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def environments(self) -> list[Environment]:
        """All that live, in order of their start."""
        living = [environment for pool in self._pools.values() for environment in pool.environments]
        return sorted(living, key=lambda environment: int(environment.name.rpartition("-")[2]))

    def reload(self, functions: Iterable[str]) -> None:
        """The code of these functions (logical ids) has changed."""
        for logical_id in functions:
            if logical_id in self._pools:
                self._pools[logical_id].reload(self._plan.functions[logical_id])

    def update(self, plan: CloudPlan) -> None:
        """Serve a new plan: functions that changed are reloaded, those that are gone end."""
        before, self._plan = self._plan, plan
        self.reload(
            name
            for name, function in plan.functions.items()
            if name in before.functions and not runs_alike(before.functions[name], function)
        )
        for name in [name for name in self._pools if name not in plan.functions]:
            self._background(self._pools.pop(name).stop())
        for name in [name for name in self._snapshots if name not in plan.functions]:
            self._background(self._snapshots.pop(name).end())

    async def stop(self) -> None:
        """End every environment; nothing that was started is left when this returns."""
        if self._reaper is not None:
            self._reaper.cancel()
        await self.events.stop()
        await self._invoke_api.stop()
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()), *self._tasks)
        await asyncio.gather(*(snapshot.end() for snapshot in self._snapshots.values()))
        if self._site is not None:
            await self._site.guardian.stop()
