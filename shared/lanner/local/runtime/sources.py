"""Where the process of an environment comes from, and what all environments of one local cloud share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lanner.clock import Clock
from lanner.local.plan import FunctionPlan
from lanner.local.runtime.logbook import LogBook
from lanner.local.runtime.process import ChildProcess, Guardian, spawn

Command = Callable[[str], Sequence[str]]
"""Makes the argv that runs a handler."""


@dataclass(frozen=True)
class Site:
    """What all environments of one local cloud share."""

    region: str
    engine: Mapping[str, str]  # endpoint and credentials for AWS SDKs
    tmp: Path
    guardian: Guardian
    logs: LogBook
    clock: Clock
    mounts: Callable[[FunctionPlan], Mapping[str, str]] | None = None  # the variables that ask for /tmp and /opt


class InitError(Exception):
    """INIT failed. `document` is what a caller gets; `timed_out` when it was killed at its limit."""

    def __init__(self, document: bytes, init_ms: float, *, timed_out: bool = False) -> None:
        super().__init__(document.decode("utf-8", "replace"))
        self.document = document
        self.init_ms = init_ms
        self.timed_out = timed_out


class ProcessSource(Protocol):
    """Where an environment's process comes from: spawned, or forked from a snapshot."""

    restores: bool

    async def prepare(self) -> None:
        """What comes before INIT: making the snapshot. Raises `InitError`."""

    async def start(self, environ: Mapping[str, str], on_output: Callable[[bytes], None]) -> ChildProcess:
        """A new process that will call the Runtime API. Raises `OSError`, `InitError`."""
        ...


class Spawner:
    """A fresh interpreter for each environment."""

    restores = False

    def __init__(self, function: FunctionPlan, command: Command) -> None:
        self._function = function
        self._command = command

    async def prepare(self) -> None:
        """Nothing comes before."""

    async def start(self, environ: Mapping[str, str], on_output: Callable[[bytes], None]) -> ChildProcess:
        argv = self._command(self._function.handler)
        return spawn(argv, cwd=self._function.code, env=environ, on_output=on_output)
