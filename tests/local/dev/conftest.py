"""Projects written for one test, and `lanner dev` as a process that serves them."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

START_WITHIN = 30


class DevProcess:
    """A `lanner dev` that runs: its output line by line, its URL, its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.url = ""
        self._arrived: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arrived.put(line.rstrip("\n"))
        self._arrived.put(None)

    def wait_for(self, pattern: str, within: float = START_WITHIN) -> str:
        """The first line from now on that matches."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._arrived.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line like {pattern!r} within {within} s:\n{self.text}") from None
            if line is None:
                raise AssertionError(f"it ended without a line like {pattern!r}:\n{self.text}")
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def wait_ready(self) -> None:
        self.url = self.wait_for(r"^ready http://").split()[1]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal, wait for the end, collect what is left of the output."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        while (line := self._arrived.get(timeout=5)) is not None:
            self.lines.append(line)
        return code


class Project:
    """A SAM project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[DevProcess] = []

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def command(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `lanner ...` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "lanner.cli", *arguments],
            cwd=self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
        )

    def environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(self.folder.parent)}

    def start(self, *arguments: str, ready: bool = True) -> DevProcess:
        """Start `lanner dev` on a free port."""
        argv = [sys.executable, "-m", "lanner.cli", "dev", "--port", "0", "--python", sys.executable, *arguments]
        process = subprocess.Popen(
            argv, cwd=self.folder, env=self.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        running = DevProcess(process)
        self._running.append(running)
        if ready:
            running.wait_ready()
        return running

    def close(self) -> None:
        for running in self._running:
            if running.process.poll() is None:
                running.end(signal.SIGTERM)


TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Globals:
      Function: {Runtime: python3.13, Timeout: 5, MemorySize: 256}
    Resources:
      Hello:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          Events:
            Get: {Type: Api, Properties: {Path: /hello, Method: get}}
            Any: {Type: Api, Properties: {Path: "/{proxy+}", Method: any}}
"""

APP = """
    import json
    def handler(event, context):
        print("handling", event["path"])
        return {"statusCode": 200, "headers": {"X-API-Version": "v7"}, "body": json.dumps({"says": "hello"})}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with one REST API and one function; every server it started is ended."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    made.write("template.yaml", TEMPLATE)
    made.write("src/app.py", APP)
    yield made
    made.close()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client
