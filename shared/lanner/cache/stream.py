"""A byte stream to a cache server on which nothing waits longer than the budget.

The socket does not block: `send` and `recv` are tried, and what has to wait waits in `poll` for what is left of the
operation's `Deadline`, in whole milliseconds rounded down. That is half the system calls of a socket with a timeout,
and no wait can outlive the budget, however slowly bytes drip.

Faults: `OSError` of the socket, `Garbled`, `Ended`, and `CacheBudgetSpent`; after any of them the stream is out of step
and has to be closed (`lanner.cache.streams` does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.allowance import capped
from lanner.cache.errors import CacheBudgetSpent

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from lanner.clock import Clock

LINE_LIMIT = 64 * 1024
_RECEIVE_BYTES = 64 * 1024
_WANT = ("SSLWantReadError", "SSLWantWriteError", "BlockingIOError")
"""By name, because `ssl` is not imported without TLS."""


class Garbled(Exception):
    """The peer's bytes are no answer; the message says why and quotes none of them."""


class Ended(Garbled):
    """The peer closed the connection before the answer's end."""


class Deadline:
    """When an operation's milliseconds are spent, on the monotonic clock; `what` names it in errors."""

    __slots__ = ("_at", "_clock", "_ms", "what")

    def __init__(self, clock: Clock, ms: float, what: str) -> None:
        self._clock = clock
        self._ms = ms = capped(ms)
        self._at = clock.monotonic() + ms / 1000
        self.what = what

    def left_ms(self) -> float:
        """Milliseconds that remain. Raises `CacheBudgetSpent` when less than one does: no wait is shorter."""
        left = (self._at - self._clock.monotonic()) * 1000
        if left < 1:
            raise self.spent()
        return left

    def spent(self) -> CacheBudgetSpent:
        """The error that says so."""
        return CacheBudgetSpent(f"{self.what}: the budget of {self._ms:g} ms is spent")


class Stream:
    """An open socket and what was received but not read yet."""

    __slots__ = ("_at", "_buffer", "_deadline", "_poll", "_socket", "_tls", "monotonic", "sent", "started", "wall")

    def __init__(self, sock: socket.socket, *, tls: bool) -> None:
        self._socket = sock
        sock.setblocking(False)
        self._tls = tls
        self._poll = _poller(sock)
        self._buffer = b""
        self._at = 0
        self._deadline: Deadline | None = None
        self.sent = self.started = False
        self.monotonic = self.wall = 0.0

    def begin(self, deadline: Deadline) -> None:
        """Start an exchange within `deadline`."""
        self._deadline = deadline
        self.sent = self.started = False

    def send(self, data: bytes) -> None:
        """Hand all of `data` to the kernel."""
        view = None
        while True:
            try:
                count = self._socket.send(data if view is None else view)
            except OSError as error:
                self._wait_for(error, writing=True)
                continue
            if count == (len(data) if view is None else len(view)):
                break
            view = (memoryview(data) if view is None else view)[count:]
        self.sent = True

    def line(self) -> bytes:
        """The bytes up to the next CRLF, without it. Raises `Garbled` for a line that does not end."""
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if len(self._buffer) - self._at > LINE_LIMIT:
                raise Garbled("a line of the answer does not end")
            self._more()
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    def block(self, size: int) -> bytes:
        """The next `size` bytes, and the CRLF that must follow them."""
        end = self._at + size
        if len(self._buffer) < end + 2:
            self._fill(size + 2)
            end = self._at + size
        if self._buffer[end : end + 2] != b"\r\n":
            raise Garbled("a block of the answer is longer than it said")
        block = self._buffer[self._at : end]
        self._at = end + 2
        return block

    def in_step(self) -> bool:
        """Whether the answer was read to its end, and nothing came after it."""
        return self._at == len(self._buffer)

    def is_dead(self) -> bool:
        """Whether an idle stream is readable: closed by the peer, or out of step. Costs one `poll`."""
        if not self._poll(False, 0):
            return False
        try:
            self._socket.recv(1)
        except OSError as error:
            # TLS 1.3 session tickets make a live socket readable; there is no data behind them.
            return type(error).__name__ not in _WANT
        return True

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        # A thread that ends drops its stream without a word.
        self._socket.close()

    def _more(self) -> None:
        piece = self._receive()
        self._buffer = self._buffer[self._at :] + piece if self._at < len(self._buffer) else piece
        self._at = 0

    def _fill(self, size: int) -> None:
        pieces = [self._buffer[self._at :]]
        missing = size - len(pieces[0])
        while missing > 0:
            piece = self._receive()
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)
        self._at = 0

    def _receive(self) -> bytes:
        if not self._tls:  # after a request there is nothing to read yet; TLS may have decrypted more than was read
            self._wait(writing=False)
        while True:
            try:
                piece = self._socket.recv(_RECEIVE_BYTES)
            except OSError as error:
                self._wait_for(error, writing=False)
                continue
            if not piece:
                raise Ended("the connection ended before the answer did")
            self.started = True
            return piece

    def _wait_for(self, error: OSError, *, writing: bool) -> None:
        """Wait for what `error` says is not ready; raise it again where it says something else."""
        kind = type(error).__name__
        if kind not in _WANT:
            raise error
        self._wait(writing=writing if kind == "BlockingIOError" else kind == "SSLWantWriteError")

    def _wait(self, *, writing: bool) -> None:
        assert self._deadline is not None
        if not self._poll(writing, int(self._deadline.left_ms())):
            raise self._deadline.spent()


def _poller(sock: socket.socket) -> Callable[[bool, int], bool]:
    """A function of (for writing, milliseconds) that says whether the socket became ready in that time."""
    import select

    if not hasattr(select, "poll"):  # Windows

        def choose(writing: bool, ms: int) -> bool:
            waiting = [sock]
            return any(select.select([] if writing else waiting, waiting if writing else [], [], ms / 1000))

        return choose
    reading = select.poll()  # unlike select(), it takes descriptors above 1023
    reading.register(sock, select.POLLIN)
    wait, flag, number = reading.poll, select.POLLOUT, sock.fileno()

    def poll(writing: bool, ms: int) -> bool:
        if not writing:
            return bool(wait(ms))
        sending = select.poll()
        sending.register(number, flag)
        return bool(sending.poll(ms))

    return poll
