"""`lanner dev`: the whole local cloud of one template, from reading it to ending everything.

Order of the start: the port is looked at first (taken is an error before anything runs); then the engine starts
while the template is read and the interpreter is asked about itself; then resources, runtime, gateway, queues,
streams, schedules, the watcher and the seed. The line `ready http://HOST:PORT` is printed exactly once, when all of
it answers.

Failure modes: a template that cannot be read, a port that is taken, an interpreter that does not run, an engine that
does not start, and with `strict` any finding, are a `StartError` with one clear message; whatever had been started
is ended. The end (SIGINT, SIGTERM, SIGHUP) runs in the opposite order and leaves no process. SIGKILL is the
guardian's case.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lanner.local.background import Background
from lanner.local.console import Console
from lanner.local.control import ControlEndpoint
from lanner.local.engine import Engine, EngineError
from lanner.local.gateway.gateway import Gateway
from lanner.local.inspection import CloudInspector
from lanner.local.overview import (
    curl_line,
    curl_lines,
    domain_rows,
    function_rows,
    host_rows,
    interpreter_line,
    key_rows,
    mount_lines,
    route_rows,
)
from lanner.local.plan import CloudPlan, Finding
from lanner.local.runtime.confinement import refusal
from lanner.local.runtime.interpreter import ClientChoice, Interpreter, InterpreterError, default_interpreter, probe
from lanner.local.runtime.logbook import LogBook
from lanner.local.runtime.runtime import Runtime, RuntimeOptions
from lanner.local.seeding import SeedError, SeedRequest, read_seed, send_seed
from lanner.local.state import RunningCloud, announce
from lanner.local.template.build import TemplateError, load_plan
from lanner.local.watch import Change, changes, drop_bytecode

_WATCHES_AGAIN = 0.05  # seconds until a watch of other folders has begun


class StartError(Exception):
    """The local cloud cannot start; the message is for the developer."""


@dataclass(frozen=True)
class DevOptions:
    """What the command line says."""

    template: Path
    host: str = "127.0.0.1"
    port: int = 3000
    stack_name: str = "lanner-local"
    region: str | None = None  # samconfig's, or the default
    overrides: Mapping[str, str] = field(default_factory=dict)
    config_env: str = "default"
    python: Path | None = None
    built: bool = False
    snapstart: bool = False
    seed: Path | None = None
    engine_url: str | None = None
    persist: Path | None = None
    secrets: Path | None = None
    jwks: Mapping[str, Path] = field(default_factory=dict)  # key set files by issuer
    verbose: bool = False
    strict: bool = False
    watch: bool = True
    client: ClientChoice = "auto"
    cap: int = 10
    shared: tuple[Path, ...] = ()  # of this machine's /tmp, for functions to see

    def plan(self, engine_url: str) -> CloudPlan:
        """Read the template. Raises `StartError`."""
        try:
            return load_plan(
                self.template,
                stack_name=self.stack_name,
                region=self.region,
                overrides=self.overrides,
                secrets=self.secrets,
                built=self.built,
                config_env=self.config_env,
                engine_url=engine_url,
            )
        except TemplateError as error:
            raise StartError(str(error)) from None

    def seed_requests(self) -> list[SeedRequest]:
        """What the seed file holds, nothing without one. Raises `StartError`."""
        try:
            return read_seed(self.seed) if self.seed is not None else []
        except SeedError as error:
            raise StartError(str(error)) from None

    def interpreter(self) -> Interpreter:
        """The project's Python. Raises `StartError`."""
        try:
            return probe(self.python or default_interpreter(self.template))
        except InterpreterError as error:
            raise StartError(str(error)) from None


class DevServer:
    """One local cloud: `start`, then `serve` until a signal; `stop` ends it, also after a failed start."""

    def __init__(self, options: DevOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._engine: Engine | None = None
        self._runtime: Runtime | None = None
        self._gateway: Gateway | None = None
        self._background: Background | None = None
        self._interpreter: Interpreter | None = None
        self._mounts_refusal = ""
        self._announced: Path | None = None
        self._stopping = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        assert self._gateway is not None
        return f"http://{self._options.host}:{self._gateway.port}"

    # --- start

    async def start(self) -> None:
        """Start everything and say `ready`. Raises `StartError`; call `stop` in either case."""
        check_port(self._options.host, self._options.port)
        seed = self._options.seed_requests()
        runtime = await self.start_functions()
        plan = runtime.plan
        runtime.logs.listen(self._console.log)
        await self._start_gateway(plan)
        await self._start_background(plan)
        for _ in range(3):  # the watchers' first steps: what is saved after `ready` must not be missed
            await asyncio.sleep(0)
        self._announce(plan, [request for request in seed if request.example])
        await self._seed(seed)
        _settle_garbage_collection()
        self._console.say(f"ready {self.url}")

    async def start_functions(self) -> Runtime:
        """Only what invocations need: plan, engine with its resources, runtime. Raises `StartError`."""
        return await self._start_runtime(await self._read_and_start_engine())

    async def _read_and_start_engine(self) -> CloudPlan:
        """The engine loads while the template is read; its address, which is in the plan, is known at once."""
        probing = asyncio.create_task(asyncio.to_thread(self._options.interpreter))
        try:
            self._engine = engine = await asyncio.to_thread(self._start_engine)
            plan = await asyncio.to_thread(self._options.plan, engine.url)
            self._interpreter = await probing
            self._mounts_refusal = await asyncio.to_thread(refusal, self._interpreter.path)
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        self._show_findings(plan.findings, "the template")
        try:
            await asyncio.to_thread(engine.wait_ready)
            made = await asyncio.to_thread(engine.create, plan)
        except (EngineError, OSError) as error:
            raise StartError(f"the AWS engine at {engine.url}: {error}") from None
        self._show_findings(made, "its resources")
        return plan

    def _start_engine(self) -> Engine:
        if self._options.engine_url:
            return Engine.attach(self._options.engine_url)
        try:
            return Engine.start(persist=self._options.persist, wait=False)
        except EngineError as error:
            raise StartError(str(error)) from None

    def _show_findings(self, findings: Sequence[Finding], what: str) -> None:
        self._console.findings(findings)
        serious = [finding for finding in findings if finding.level != "ignored"]
        if serious and self._options.strict:
            raise StartError(f"{len(serious)} finding(s) in {what}, and --strict was given")

    async def _start_runtime(self, plan: CloudPlan) -> Runtime:
        assert self._interpreter is not None
        assert self._engine is not None
        logs = LogBook()
        options = RuntimeOptions(
            client=self._options.client,
            cap=self._options.cap,
            engine=self._engine.environment(plan),
            snapstart=self._options.snapstart,
            control=ControlEndpoint(logs),
            private_mounts=not self._mounts_refusal,
            shared=self._options.shared,
        )
        self._runtime = Runtime(plan, self._interpreter, options, logs=logs)
        try:
            await self._runtime.start()
        except InterpreterError as error:
            raise StartError(str(error)) from None
        return self._runtime

    async def _start_gateway(self, plan: CloudPlan) -> None:
        assert self._runtime is not None
        assert self._engine is not None
        inspector = CloudInspector(self._runtime, self._engine)
        gateway = Gateway(
            plan, self._runtime, on_request=self._console.request, inspector=inspector, jwks=self._options.jwks
        )
        self._show_findings(gateway.findings, "its APIs")
        try:
            await gateway.start(self._options.host, self._options.port)
        except OSError as error:
            raise StartError(port_problem(self._options.host, self._options.port, error)) from None
        self._gateway = gateway

    async def _start_background(self, plan: CloudPlan) -> None:
        assert self._runtime is not None
        assert self._engine is not None
        self._background = Background(self._runtime, self._engine.environment(plan), self._console.problem)
        await self._background.start(plan)
        if self._options.watch:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _seed(self, requests: list[SeedRequest]) -> None:
        requests = [request for request in requests if not request.example]
        if not requests:
            return
        assert self._gateway is not None
        failures = await send_seed(requests, self._options.host, self._gateway.port)
        for failure in failures:
            request = failure.request
            self._console.problem(f"seed: {request.method} {request.path}: {failure.status} {failure.detail}")
        self._console.say(f"seeded {len(requests) - len(failures)} of {len(requests)} requests")

    def _announce(self, plan: CloudPlan, examples: list[SeedRequest]) -> None:
        assert self._runtime is not None
        assert self._engine is not None
        template = str(plan.template.resolve())
        cloud = RunningCloud(os.getpid(), template, self.url, self._runtime.invoke_url, self._engine.url)
        self._announced = announce(cloud)
        say = self._console.say
        say(self._console.paint("routes", "bold"))
        self._console.table(route_rows(plan, self.url))
        if len(plan.apis) > 1:
            say(self._console.paint("each API on its own host name", "bold"))
            self._console.table(host_rows(plan, self.url))
        if plan.domains:
            say(self._console.paint(f"as on {', '.join(domain.name for domain in plan.domains)}", "bold"))
            self._console.table(domain_rows(plan, self.url))
        say(self._console.paint("functions", "bold"))
        self._console.table(function_rows(plan))
        if self._interpreter is not None:
            say(f"  run by {interpreter_line(self._interpreter, plan)}")
        for line in mount_lines(plan, self._mounts_refusal):
            say(f"  {line}")
        if keys := key_rows(plan):
            say(self._console.paint("API keys", "bold"))
            self._console.table(keys)
        say(self._console.paint("try", "bold"))
        for line in [*curl_lines(plan, self.url), *(curl_line(each, self.url) for each in examples)]:
            say(f"  {line}")
        say(f"  the page of this cloud: {self.url}/_local")

    # --- while it runs

    async def serve(self) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP."""
        loop = asyncio.get_running_loop()
        for number in _ending_signals():
            try:
                loop.add_signal_handler(number, self._stopping.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stopping.set))
        await self._stopping.wait()

    async def _watch(self) -> None:
        assert self._interpreter is not None
        assert self._runtime is not None
        runtime = self._runtime
        while not self._stopping.is_set():
            async for change in changes(lambda: runtime.plan, self._interpreter.sources, self._stopping):
                if change.plan:
                    await self._reload_plan(change)
                else:
                    self._reload(change)
            # The watch moves to other folders. What it misses nobody knows, so everything is reloaded once it is there.
            asyncio.get_running_loop().call_later(_WATCHES_AGAIN, lambda: runtime.reload(runtime.plan.functions))

    def _reload(self, change: Change) -> None:
        assert self._runtime is not None
        drop_bytecode(change.files)
        self._runtime.reload(change.functions)
        names = ", ".join(sorted(change.functions))
        self._console.note(f"changed: {', '.join(file.name for file in change.files[:3])} -> {names}")

    async def _reload_plan(self, change: Change) -> None:
        assert self._runtime is not None
        assert self._gateway is not None
        assert self._engine is not None
        assert self._background is not None
        try:
            plan = await asyncio.to_thread(self._options.plan, self._engine.url)
            made = await asyncio.to_thread(self._engine.create, plan)
        except (StartError, OSError) as error:
            self._console.problem(f"the template cannot be read; the last good one is served on\n{error}")
            return
        drop_bytecode(change.files)
        self._runtime.update(plan)
        self._runtime.reload(change.functions)
        await self._gateway.update(plan)
        self._console.findings([*plan.findings, *made, *self._gateway.findings])
        self._background.update(plan)
        self._console.note("the template has changed: serving the new plan")

    # --- the end

    async def stop(self) -> None:
        """End everything that was started; returns when it is gone."""
        self._stopping.set()
        if self._announced is not None:
            self._announced.unlink(missing_ok=True)
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._background is not None:
            await self._background.stop()
        if self._gateway is not None:
            await self._gateway.stop()
        if self._runtime is not None:
            await self._runtime.stop()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.stop)


async def run(options: DevOptions, console: Console) -> int:
    """The command's whole life; returns the exit code."""
    server = DevServer(options, console)
    loop = asyncio.get_running_loop()
    ended = loop.create_task(server.serve())
    starting = loop.create_task(server.start())
    try:
        await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            await ended
        return 0
    except StartError as error:
        console.problem(f"error: {error}")
        return 1
    finally:
        for task in (starting, ended):
            task.cancel()
        await asyncio.gather(starting, ended, return_exceptions=True)
        await server.stop()
        console.flush()


def _settle_garbage_collection() -> None:
    """What the start has made stays: the collector need not look at it, nor come by every few requests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _ending_signals() -> tuple[signal.Signals, ...]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def check_port(host: str, port: int) -> None:
    """Raises `StartError` when nobody could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((host, port))
        except OSError as error:
            raise StartError(port_problem(host, port, error)) from None


def port_problem(host: str, port: int, error: OSError) -> str:
    """Why listening failed, and what would help."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program: end it, or choose another with --port"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"
