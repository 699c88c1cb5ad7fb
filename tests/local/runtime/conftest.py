"""Functions written for one test, and a runtime that runs them."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.interpreter import Interpreter, probe
from lanner.local.runtime.runtime import Runtime, RuntimeOptions

Scenario = Callable[[Runtime], Awaitable[Any]]


class Lab:
    """Collects functions, then runs a scenario against a started runtime and stops it."""

    def __init__(self, folder: Path, interpreter: Interpreter) -> None:
        self.folder = folder
        self.interpreter = interpreter
        self.functions: dict[str, FunctionPlan] = {}

    def function(self, name: str, code: str, **settings: Any) -> FunctionPlan:
        """A function whose module is `name`.py and whose handler is `handler`."""
        (self.folder / f"{name}.py").write_text(textwrap.dedent(code))
        settings = {"timeout": 10, "memory": 256, **settings}
        plan = FunctionPlan(name, f"lab-{name}", f"{name}.handler", "python3.13", self.folder, **settings)
        self.functions[name] = plan
        return plan

    def plan(self) -> CloudPlan:
        template = self.folder / "template.yaml"
        return CloudPlan(template, "lab", "eu-west-1", "123456789012", dict(self.functions), {})

    def run(self, scenario: Scenario, **options: Any) -> Any:
        """Run `scenario(runtime)`; whatever it does, nothing that the runtime started is left."""

        async def whole() -> Any:
            runtime = Runtime(self.plan(), self.interpreter, RuntimeOptions(**options))
            await runtime.start()
            try:
                return await asyncio.wait_for(scenario(runtime), 60)
            finally:
                await runtime.stop()

        return asyncio.run(whole())


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    return probe(Path(sys.executable))


@pytest.fixture
def lab(tmp_path: Path, interpreter: Interpreter) -> Lab:
    return Lab(tmp_path, interpreter)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process is gone; waits for it up to five seconds."""

    def check(pid: int) -> bool:
        deadline = time.monotonic() + 5
        while _alive(pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return check


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait for a condition that another process brings about, up to ten seconds."""

    async def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("the condition did not come true within 10 seconds")
            await asyncio.sleep(0.01)

    return wait
