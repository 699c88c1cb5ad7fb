"""Starting, reaching and ending the engine's process.

States: started (the port is known) -> ready (`wait_ready`) -> ended (`stop`, or the parent's death, which the child
sees as the end of its standard input). An attached engine (`--engine-url`) belongs to someone else: it is never ended.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lanner.local.engine.client import AwsClient
from lanner.local.engine.create import create_resources
from lanner.local.plan import CloudPlan, Finding

DEFAULT_SERVICES = ("dynamodb", "sqs", "s3")
READY_WITHIN = 30.0  # seconds, on a machine that is busy
ENDS_WITHIN = 10.0  # seconds to save its state
ACCESS_KEY, SECRET_KEY = "lanner", "lanner"  # any pair does: the engine does not check signatures


class EngineError(Exception):
    """The engine did not start; the message holds what it wrote to stderr."""


@dataclass(frozen=True)
class Mail:
    """A message that a function sent through SES. `body` is its text, or its HTML where it has no text."""

    region: str
    source: str
    destinations: tuple[str, ...]
    subject: str
    body: str
    id: str = ""  # SES's MessageId
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class Engine:
    """One AWS engine, ours or someone else's. `url` is its base URL."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url.rstrip("/")
        self._process = process
        self._settled = threading.Event()  # ready, or ended before it was
        self._is_ready = False
        self._errors: list[bytes] = []
        self._drain = threading.Thread(target=self._drain_errors, daemon=True)

    @classmethod
    def start(
        cls,
        services: Iterable[str] = DEFAULT_SERVICES,
        port: int = 0,
        persist: Path | None = None,
        *,
        wait: bool = True,
    ) -> Engine:
        """Start an engine process; with `wait` (or after `wait_ready`) it answers. Raises `EngineError`."""
        lock = None if persist is None else _claim(persist)
        command = [sys.executable, "-m", "lanner.local.engine.server", "--port", str(port)]
        command += ["--services", ",".join(services)]
        if persist is not None:
            command += ["--persist", str(persist)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_child_environment(),
            pass_fds=() if lock is None or os.name != "posix" else (lock.fileno(),),  # ours until it has saved
            start_new_session=os.name == "posix",  # Ctrl-C reaches us, not the child: we end it in our order
        )
        if lock is not None:
            lock.close()
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if not line.startswith("engine listening "):
            _, errors = process.communicate()
            raise EngineError(f"the engine did not start: {errors.decode('utf-8', 'replace').strip()}")
        engine = cls(line.split()[2], process)
        threading.Thread(target=engine._watch_output, daemon=True).start()
        engine._drain.start()
        if wait:
            engine.wait_ready()
        return engine

    @classmethod
    def attach(cls, url: str) -> Engine:
        """An engine that runs already: LocalStack, a moto server, or one of ours."""
        return cls(url)

    def wait_ready(self, timeout: float = READY_WITHIN) -> None:
        """Block until the engine answers. Raises `EngineError` when it ends before, or takes longer."""
        if self._process is None:
            return
        self._settled.wait(timeout)
        if self._is_ready:
            return
        self.stop()
        self._drain.join(1.0)
        errors = b"".join(self._errors).decode("utf-8", "replace").strip()
        raise EngineError(f"the engine did not become ready: {errors or f'no answer within {timeout:g} s'}")

    def create(self, plan: CloudPlan) -> list[Finding]:
        """Create the plan's resources; a second time brings them up to date. Raises `OSError` if nobody answers."""
        return create_resources(plan, self.url)

    def environment(self, plan: CloudPlan) -> dict[str, str]:
        """What a function needs in its environment to reach this engine with any AWS SDK."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": "lanner",
            "AWS_REGION": plan.region,
            "AWS_DEFAULT_REGION": plan.region,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def mail(self) -> list[Mail]:
        """What was sent through SES so far, oldest first; empty for an engine that is not ours."""
        if self._process is None:
            return []
        client = AwsClient(self.url, "us-east-1")
        try:
            found = client.own("GET", "/_lanner/mail")
            return [_mail(each) for each in found]
        finally:
            client.close()

    def stop(self) -> None:
        """End the process, giving it time to save; safe to call twice. An attached engine is left alone."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):
                process.stdin.close()  # the end of its standard input is the child's sign to save and exit
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _watch_output(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"engine ready "):
                self._is_ready = True
                self._settled.set()
        self._settled.set()

    def _drain_errors(self) -> None:
        """Pass the child's stderr on, and keep its last lines for an `EngineError`."""
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors = [*self._errors[-20:], line]
            sys.stderr.buffer.write(line)
            sys.stderr.flush()


def _mail(document: dict[str, Any]) -> Mail:
    pairs = {name: tuple((key, value) for key, value in document[name]) for name in ("headers", "tags")}
    return Mail(**{**document, **pairs, "destinations": tuple(document["destinations"])})


def _claim(folder: Path) -> IO[str]:
    """A folder in which state can be saved, locked (not on Windows): known at the start, not when there is state to
    lose. Of two engines with one folder the last to end would undo what the other saved. Raises `EngineError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise EngineError(f"nothing can be kept in {folder}: {error.strerror}") from None
    if os.name == "posix":
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EngineError(f"another engine keeps its state in {folder}: end it, or name another folder") from None
        except OSError:
            pass  # a file system without locks
    return lock


def _child_environment() -> dict[str, str]:
    """Ours, without what would send moto's own botocore elsewhere, and with `lanner` importable."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MOTO_"))}
    source = str(Path(__file__).resolve().parents[3])
    kept["PYTHONPATH"] = os.pathsep.join(part for part in (source, kept.get("PYTHONPATH", "")) if part)
    return kept
