"""One child process of the local cloud: started in a process group of its own, frozen, thawed, ended.

What a child writes to stdout and stderr goes through one pipe, in order, and is read whenever it comes, so that a
function that prints megabytes never blocks, nor blocks us. The end of the process resolves `exited` with its return
code (negative: a signal's number); whatever it forked dies with it, because signals go to the group.

On Windows there are no process groups to signal and nothing to freeze: only the child itself is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POSIX = os.name == "posix"
_READ = 256 * 1024
_DRAIN_READS = 16  # at most 4 MB in one go: a child that never stops printing must not hold the event loop


class Guardian:
    """The process that ends ours' children if ours dies first; see `guardian.py`. `folder` is removed then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not POSIX:
            return
        script = Path(__file__).with_name("guardian.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for it
        )

    def add(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            # A guardian that was killed by hand leaves us without the safety net, but working.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()

    async def stop(self) -> None:
        """End it; it removes the folder on its way out."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        self._process = None


class ChildProcess:
    """A running child. `on_output` gets bytes as they come, on the event loop."""

    def __init__(self, popen: subprocess.Popen[bytes], output: int, on_output: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.pid = popen.pid
        self.exited: asyncio.Future[int] = loop.create_future()
        self.frozen = False
        self._popen = popen
        self._output = output
        self._on_output = on_output
        self._loop = loop
        self._pidfd = -1
        if POSIX:
            os.set_blocking(output, False)
            loop.add_reader(output, self.drain)
        else:
            threading.Thread(target=self._read_forever, daemon=True).start()
        self._watch_exit()

    def _watch_exit(self) -> None:
        if sys.platform == "linux":
            try:
                self._pidfd = os.pidfd_open(self.pid)
            except OSError:  # Linux before 5.3
                self._pidfd = -1
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._reap)
        else:
            threading.Thread(target=self._wait_forever, daemon=True).start()

    def _wait_forever(self) -> None:
        self._popen.wait()
        self._kill_group()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._reap)

    def _read_forever(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := os.read(self._output, _READ):
                self._loop.call_soon_threadsafe(self._on_output, data)

    def _reap(self) -> None:
        if self._pidfd >= 0:
            self._kill_group()  # before the pid is freed: the group's number is still ours
        code = self._popen.poll()
        if code is None:
            return
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.drain()
        self._close_output()
        if not self.exited.done():
            self.exited.set_result(code)

    def drain(self) -> None:
        """Read what is in the pipe now, without waiting."""
        if not POSIX or self._output < 0:
            return
        for _ in range(_DRAIN_READS):
            try:
                data = os.read(self._output, _READ)
            except BlockingIOError:
                return
            if not data:
                self._close_output()
                return
            self._on_output(data)
            if len(data) < 4096:
                return

    def _close_output(self) -> None:
        if POSIX and self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    def freeze(self) -> None:
        """Stop the whole group, as Lambda freezes an environment between invocations."""
        if POSIX and not self.frozen and self.alive:
            self.frozen = True
            self._signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        if POSIX and self.frozen:
            self.frozen = False
            self._signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """End the group at once."""
        if POSIX:
            self._kill_group()
        else:
            self._popen.kill()

    async def end(self, grace: float) -> None:
        """SIGTERM to the group, SIGKILL after `grace` seconds; returns when the process is gone."""
        if self.alive:
            self.thaw()
            if POSIX:
                self._signal_group(signal.SIGTERM)
            else:
                self._popen.terminate()
            await asyncio.wait([self.exited], timeout=grace)
        if self.alive:
            self.kill()
            await self.exited

    def _kill_group(self) -> None:
        if POSIX:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        if POSIX:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def spawn(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], on_output: Callable[[bytes], None]
) -> ChildProcess:
    """Start `argv` in a group of its own. Raises `OSError` naming the file where it cannot be started."""
    read, write = os.pipe()
    try:
        popen = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=write,
            process_group=0 if POSIX else None,
        )
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
    return ChildProcess(popen, read, on_output)
