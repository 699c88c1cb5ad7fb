"""What functions and the platform wrote, in memory, newest last, bounded; and who wants to hear of it at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lanner.clock import Clock

TAIL = 4096
"""How much of its log an invocation gives to its caller (Invoke's LogType=Tail)."""

MAX_LINE = 256 * 1024
"""CloudWatch Logs' largest event; a longer line is cut into several."""


class LogLine(NamedTuple):
    """One line. `time` in seconds since the epoch; `platform` marks START, END, REPORT and their kin."""

    time: float
    function: str  # logical id
    environment: str
    text: str
    platform: bool = False


class LogBook:
    """A ring of the last `capacity` lines of all functions."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._lines: deque[LogLine] = deque(maxlen=capacity)
        self._listeners: list[Callable[[LogLine], None]] = []

    def add(self, line: LogLine) -> None:
        self._lines.append(line)
        for listener in tuple(self._listeners):
            listener(line)

    def lines(self, function: str | None = None, limit: int = 1000) -> list[LogLine]:
        """The last `limit` lines, oldest first, of one function or of all."""
        newest: list[LogLine] = []
        for line in reversed(self._lines):
            if function is None or line.function == function:
                newest.append(line)
                if len(newest) >= limit:
                    break
        return newest[::-1]

    def listen(self, listener: Callable[[LogLine], None]) -> Callable[[], None]:
        """Call `listener` with every line from now on; returns what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end


class LineSplitter:
    """Cuts a stream of bytes into lines. awslambdaric ends the lines of a traceback with a carriage return."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """The complete lines so far."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            yield readable(line)

    def flush(self) -> Iterator[str]:
        """What was written without a line end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield readable(rest)


class EnvironmentLog:
    """What one environment writes: lines into the book, and the last `TAIL` bytes of the current invocation."""

    def __init__(self, book: LogBook, clock: Clock, function: str, environment: str) -> None:
        self._book = book
        self._clock = clock
        self._function = function
        self._environment = environment
        self._splitter = LineSplitter()
        self._tail = bytearray()
        self._held: list[LogLine] | None = None

    def hold(self) -> None:
        """Keep lines back until `release`: INIT runs again, and may only say again what it has said."""
        self._held = []

    def release(self, *, repeated: bool = False) -> None:
        """Write what was held; as lines of the platform, for whoever wants every line, where it was `repeated`."""
        held, self._held = self._held or [], None
        for line in held:
            self._book.add(line._replace(platform=line.platform or repeated))

    def output(self, data: bytes) -> None:
        """Bytes of the process."""
        self._keep(data)
        for text in self._splitter.feed(data):
            self._add(text, platform=False)

    def platform(self, text: str) -> None:
        """Lines of the platform itself."""
        for line in self._splitter.flush():
            self._add(line, platform=False)
        self._keep(text.encode())
        for line in text.splitlines():
            self._add(line, platform=True)

    def begin_tail(self) -> None:
        """The next invocation starts."""
        self._tail.clear()

    def tail(self) -> bytes:
        """The end of what came since `begin_tail`."""
        return bytes(self._tail[-TAIL:])

    def _add(self, text: str, platform: bool) -> None:
        line = LogLine(self._clock.now(), self._function, self._environment, text, platform)
        if self._held is None:
            self._book.add(line)
        else:
            self._held.append(line)

    def _keep(self, data: bytes) -> None:
        self._tail += data[-TAIL:]
        if len(self._tail) > 16 * TAIL:
            del self._tail[:-TAIL]


def readable(line: bytes) -> str:
    """A line as a terminal shows it best: a traceback in several lines, its indentation in ordinary spaces."""
    return line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n").replace("\u00a0", " ")
