"""`--snapstart`: one process runs INIT and the before-snapshot hooks, and every environment is a fork of it.

States of a snapshot:

    new --prepare--> making --"ready"--> ready --fork, fork, ...--> ended
                       +--init/error, exit, 130 s--> failed (`InitError`, the same for everyone; the next try is new)

What this shows is what goes wrong on Lambda: values made at INIT (ids, tokens, `random`'s state) are the same in
every environment, and connections opened at INIT are dead. What it cannot show: threads started at INIT do not run in
a fork, and the clock does not jump. The client is always ours (`client.py`), because awslambdaric cannot fork.

The control socket carries, from us, the variables of a new environment with the write end of its output pipe; from
the snapshot: `ready`, `pid N`, `exit N CODE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping

from lanner.local.plan import FunctionPlan
from lanner.local.runtime import report
from lanner.local.runtime.api import RuntimeApi, error_document
from lanner.local.runtime.confinement import layers_variable
from lanner.local.runtime.logbook import EnvironmentLog
from lanner.local.runtime.process import ChildProcess, SpawnedProcess, open_pidfd, spawn
from lanner.local.runtime.sources import Command, InitError, Site
from lanner.local.runtime.variables import variables

INIT_LIMIT = 130.0
"""Seconds for INIT before a snapshot (docs.aws.amazon.com/lambda/latest/dg/snapstart.html)."""

_EXIT_CODE_WITHIN = 0.05  # seconds between the end of a fork and the snapshot's word about how it ended
_END_GRACE = 0.5


class ForkedProcess(ChildProcess):
    """A fork of the snapshot, which reaps it; we learn of its end by pidfd or from the snapshot's message."""

    def __init__(self, pid: int, output: int, on_output: Callable[[bytes], None]) -> None:
        super().__init__(pid, output, on_output)
        self._pidfd = open_pidfd(pid)
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._gone)

    def _gone(self) -> None:
        self._close_pidfd()
        self._loop.call_later(_EXIT_CODE_WITHIN, self.told_exit, -9)  # should the snapshot have died as well

    def told_exit(self, code: int) -> None:
        """The snapshot has reaped it."""
        if not self.exited.done():
            self.kill()  # what it has forked itself
        self._close_pidfd()
        self._ended(code)

    def _close_pidfd(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1


class Snapshot:
    """The snapshot of one generation of a function, and the source of its environments' processes."""

    restores = True

    def __init__(self, function: FunctionPlan, site: Site, command: Command, generation: int) -> None:
        self.generation = generation
        self._function = function
        self._site = site
        self._command = command
        self._log = EnvironmentLog(site.logs, site.clock, function.logical_id, f"{function.logical_id}-snapshot")
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._process: SpawnedProcess | None = None
        self._api: RuntimeApi | None = None
        self._control: socket.socket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._forked: asyncio.Future[int] | None = None
        self._forks: dict[int, ForkedProcess] = {}
        self._heard = b""
        self._started = 0.0

    async def prepare(self) -> None:
        """Make the snapshot unless there is one. Raises `InitError`."""
        async with self._turn:
            made = self._ready is not None and self._ready.done() and self._ready.exception() is None
            if made and self._control is not None:
                return
            await self.end()
            await self._make()

    async def start(self, environ: Mapping[str, str], on_output: Callable[[bytes], None]) -> ChildProcess:
        """Fork an environment. Raises `OSError` when the snapshot is gone."""
        async with self._turn:
            if self._control is None:
                raise OSError("the snapshot has ended")
            self._forked = self._loop.create_future()
            read, write = os.pipe()
            try:
                socket.send_fds(self._control, [json.dumps(dict(environ)).encode()], [write])
                pid = await self._forked
            except BaseException:
                os.close(read)
                raise
            finally:
                os.close(write)
            process = ForkedProcess(pid, read, on_output)
            self._forks[pid] = process
            process.exited.add_done_callback(lambda _: self._forks.pop(pid, None))
            return process

    async def _make(self) -> None:
        self._started = self._site.clock.monotonic()
        self._api = RuntimeApi(self)
        self._ready = self._loop.create_future()
        address = await self._api.start()
        tmp = self._site.tmp / f"{self._function.logical_id}-snapshot-{self.generation}"
        tmp.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair()
        environ = variables(
            self._function,
            runtime_api=address,
            region=self._site.region,
            engine=self._site.engine,
            tmp=tmp,
            now=self._site.clock.now(),
            initialization="snap-start",
        )
        if self._site.mounts is not None:
            environ.update(layers_variable(self._function))
        environ["LANNER_SNAPSHOT_FD"] = str(theirs.fileno())
        self._log.platform(report.init_start(self._function.runtime))
        with theirs:
            self._process = spawn(
                self._command(self._function.handler),
                cwd=self._function.code,
                env=environ,
                on_output=self._log.output,
                pass_fds=(theirs.fileno(),),
            )
        self._site.guardian.add(self._process.pid)
        self._process.exited.add_done_callback(self._exited)
        ours.setblocking(False)
        self._control = ours
        self._loop.add_reader(ours, self._listen)
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), INIT_LIMIT)
        except TimeoutError:
            document = error_document(f"INIT did not end within {INIT_LIMIT:g} seconds", "Sandbox.Timedout")
            await self.end()
            raise InitError(document, INIT_LIMIT * 1000, timed_out=True) from None

    def _listen(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self._hang_up()
            return
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._hear(line.decode().split())

    def _hear(self, words: list[str]) -> None:
        if words == ["ready"]:
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
        elif words[0] == "pid" and self._forked is not None and not self._forked.done():
            self._forked.set_result(int(words[1]))
        elif words[0] == "exit" and int(words[1]) in self._forks:
            self._forks[int(words[1])].told_exit(int(words[2]))

    def _hang_up(self) -> None:
        if self._control is not None:
            self._loop.remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._forked is not None and not self._forked.done():
            self._forked.set_exception(OSError("the snapshot ended while it forked"))

    def _exited(self, exited: asyncio.Future[int]) -> None:
        if self._process is not None:
            self._site.guardian.remove(self._process.pid)
        self._hang_up()
        if self._api is not None:
            self._api.close()
        message = report.exited("", exited.result()).removeprefix("RequestId:  ")
        self._fail(error_document(message, "Runtime.ExitError"))

    def _fail(self, document: bytes) -> None:
        if self._ready is not None and not self._ready.done():
            init_ms = (self._site.clock.monotonic() - self._started) * 1000
            if self._process is not None:
                self._process.drain()
            self._log.platform(report.init_report(init_ms, "init", "error", "Runtime.ExitError"))
            self._ready.set_exception(InitError(document, init_ms))
            self._ready.exception()  # whoever made it may have been cancelled: retrieved either way

    async def end(self) -> None:
        """End the snapshot's process; environments that were forked from it live on."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                await self._process.end(_END_GRACE)
        self._hang_up()

    # --- what its process says on the Runtime API: only that INIT failed

    def runtime_failed_init(self, body: bytes) -> None:
        self._fail(body)

    def runtime_waits_for_restore(self, go: Callable[[], None]) -> None:
        go()

    def runtime_waits(self) -> None:
        """A snapshot never asks for work."""

    def runtime_answered(self, body: bytes) -> None:
        """Nor answers it."""

    def runtime_raised(self, body: bytes) -> None:
        """Nor fails it."""

    def runtime_answer_too_large(self) -> None:
        """Nor exaggerates."""
