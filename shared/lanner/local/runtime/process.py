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
_PIPE_PAGE = 4096  # a shorter read has emptied the pipe
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
    """A running process that leads a group. `on_output` gets bytes as they come, on the event loop.

    `exited` resolves with the return code. Subclasses say how the end is noticed, and call `_ended`.
    """

    def __init__(self, pid: int, output: int, on_output: Callable[[bytes], None]) -> None:
        self.pid = pid
        self.frozen = False
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._output = output
        self._on_output = on_output
        if POSIX:
            os.set_blocking(output, False)
            self._loop.add_reader(output, self.drain)
        else:
            threading.Thread(target=self._read_forever, daemon=True).start()

    def _read_forever(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := os.read(self._output, _READ):
                self._loop.call_soon_threadsafe(self._on_output, data)

    def _ended(self, code: int) -> None:
        if self.exited.done():
            return
        self.drain()
        self._close_output()
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
            if len(data) < _PIPE_PAGE:
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
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if POSIX and self.frozen:
            self.frozen = False
            self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the group at once."""
        self._signal(signal.SIGKILL if POSIX else signal.SIGTERM)

    async def end(self, grace: float) -> None:
        """SIGTERM to the group, SIGKILL after `grace` seconds; returns when the process is gone."""
        if self.alive:
            self.thaw()
            self._signal(signal.SIGTERM)
            await asyncio.wait([self.exited], timeout=grace)
        if self.alive:
            self.kill()
            await self.exited

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)  # Windows: both signals end the process


class SpawnedProcess(ChildProcess):
    """A child of our own, reaped by us: a pidfd says when on Linux, a waiting thread elsewhere."""

    def __init__(self, popen: subprocess.Popen[bytes], output: int, on_output: Callable[[bytes], None]) -> None:
        super().__init__(popen.pid, output, on_output)
        self._popen = popen
        self._pidfd = open_pidfd(popen.pid)
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._reap)
        else:
            threading.Thread(target=self._wait_forever, daemon=True).start()

    def _reap(self) -> None:
        self.kill()  # grandchildren; before the pid is freed, while the group's number is still ours
        code = self._popen.poll()
        if code is None:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._ended(code)

    def _wait_forever(self) -> None:
        code = self._popen.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._ended, code)


def open_pidfd(pid: int) -> int:
    """A descriptor that is readable once `pid` has ended; -1 where the system has none."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # Linux before 5.3, or gone already
            return os.pidfd_open(pid)
    return -1


def spawn(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_output: Callable[[bytes], None],
    pass_fds: Sequence[int] = (),
) -> SpawnedProcess:
    """Start `argv` in a group of its own; `pass_fds` stay open in it.

    Raises `OSError` naming the file where it cannot be started.
    """
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
            pass_fds=tuple(pass_fds),
        )
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
    return SpawnedProcess(popen, read, on_output)
