"""A local cloud as `make dev` starts it, once for all sessions of the documentation."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

START_DEADLINE = 60.0  # seconds; on a quiet machine it takes two
STOP_DEADLINE = 20.0


@dataclass(frozen=True)
class LocalCloud:
    """A running `lanner dev`: its port, and the environment in which its commands find it."""

    port: int
    environment: dict[str, str]


def shell_environment(scratch: Path) -> dict[str, str]:
    """This environment, with the interpreter's own commands first and a temporary folder of its own.

    Running clouds announce themselves in the temporary folder: `lanner logs` must find this one.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "TMPDIR": str(scratch), "NO_COLOR": "1"}


def start_cloud(folder: Path, scratch: Path, *options: str) -> tuple[subprocess.Popen[bytes], int]:
    """`lanner dev` in `folder` on a free port; returns when it is ready. Raises `RuntimeError` with its output."""
    log = scratch / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lanner.cli", "dev", "--port", "0", "--no-watch", *options],
            cwd=folder,
            env=shell_environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + START_DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        ready = re.search(r"^ready http://127\.0\.0\.1:(\d+)$", log.read_text("utf-8", "replace"), re.MULTILINE)
        if ready:
            return process, int(ready.group(1))
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    stop_cloud(process)
    raise RuntimeError(f"lanner dev did not become ready:\n{log.read_text('utf-8', 'replace')}")


def stop_cloud(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, then the end."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def curl() -> str:
    """Where curl is; without it sessions are skipped on a laptop and fail in CI."""
    found = shutil.which("curl")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("curl is not installed, and CI must run the sessions of the documentation")
        pytest.skip("curl is not installed")
    return found


@pytest.fixture(scope="session")
def local_cloud(curl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """This repository's template, seeded."""
    scratch = tmp_path_factory.mktemp("cloud")
    process, port = start_cloud(ROOT, scratch, "--seed", "events/seed.json")
    yield LocalCloud(port, shell_environment(scratch))
    stop_cloud(process)
