"""Streams: no wait outlives the budget, however bytes come; judged by a clock that the test moves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from lanner.cache.errors import CacheBudgetSpent, CacheConfigError, CacheUnavailable
from lanner.cache.stream import LINE_LIMIT, Deadline, Ended, Garbled, Stream
from lanner.cache.streams import MAX_IDLE_S, Streams
from lanner.clock import ManualClock


class TickingClock(ManualClock):
    """A clock whose monotonic time moves by `step` seconds each time it is asked."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.step = step
        self.asked = 0

    def monotonic(self) -> float:
        self.asked += 1
        self.advance(self.step)
        return super().monotonic()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def started(sock: socket.socket, clock: ManualClock, ms: float = 50) -> Stream:
    stream = Stream(sock, tls=False)
    stream.begin(Deadline(clock, ms, "test get"))
    return stream


def test_a_deadline_counts_the_milliseconds() -> None:
    """And says what spent them."""
    clock = ManualClock()
    deadline = Deadline(clock, 50, "redis get")
    assert deadline.left_ms() == 50
    clock.advance(0.0485)
    assert deadline.left_ms() == pytest.approx(1.5)
    clock.advance(0.001)
    with pytest.raises(CacheBudgetSpent, match="redis get: the budget of 50 ms is spent"):
        deadline.left_ms()


def test_lines_and_blocks(pair: tuple[socket.socket, socket.socket]) -> None:
    """Whatever pieces they come in."""
    mine, theirs = pair
    stream = started(mine, ManualClock())
    theirs.sendall(b"one\r\ntwo\r\n\r\nabc\r\n")
    assert [stream.line(), stream.line(), stream.line(), stream.block(3)] == [b"one", b"two", b"", b"abc"]
    assert stream.in_step()
    theirs.sendall(b"x")
    assert stream.is_dead()


def test_a_dripping_answer_spends_the_budget(pair: tuple[socket.socket, socket.socket]) -> None:
    """One byte for each wait: after as many waits as the budget has steps, it is over."""
    mine, theirs = pair
    clock = TickingClock(0.005)
    stream = Stream(mine, tls=False)
    stream.begin(Deadline(clock, 50, "test get"))
    waits: list[int] = []
    poll = stream._poll

    def dripping(writing: bool, ms: int) -> bool:
        waits.append(ms)
        theirs.sendall(b"x")
        return poll(writing, ms)

    stream._poll = dripping
    with pytest.raises(CacheBudgetSpent):
        stream.line()
    assert waits == sorted(waits, reverse=True)
    assert len(waits) <= 10 and max(waits) <= 50


def test_no_wait_is_longer_than_what_is_left(pair: tuple[socket.socket, socket.socket]) -> None:
    """A silent peer is waited for once, for what the deadline has left, rounded down."""
    mine, _ = pair
    clock = ManualClock()
    stream = started(mine, clock, 50)
    clock.advance(0.0123)
    waits: list[int] = []

    def silent(writing: bool, ms: int) -> bool:
        waits.append(ms)
        return False

    stream._poll = silent
    with pytest.raises(CacheBudgetSpent):
        stream.line()
    assert waits == [37]


def test_a_peer_that_does_not_read_spends_the_budget(pair: tuple[socket.socket, socket.socket]) -> None:
    """Sending waits no longer than receiving does."""
    mine, _ = pair
    stream = started(mine, TickingClock(0.01), 50)
    with pytest.raises(CacheBudgetSpent):
        stream.send(b"x" * 50_000_000)
    assert not stream.sent


def test_a_large_request_is_sent_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    """In as many pieces as the kernel takes."""
    mine, theirs = pair
    received = bytearray()

    def read() -> None:
        while len(received) < 5_000_000:
            received.extend(theirs.recv(65536))

    reader = threading.Thread(target=read)
    reader.start()
    stream = started(mine, ManualClock(), 20_000)
    stream.send(bytes(range(250)) * 20_000)
    reader.join()
    assert stream.sent and received == bytes(range(250)) * 20_000


@pytest.mark.parametrize(
    ("sent", "read", "error"),
    [
        (b"", Stream.line, Ended),
        (b"half a line", Stream.line, Ended),
        (b"x" * (LINE_LIMIT + 10), Stream.line, Garbled),
        (b"abc", lambda stream: stream.block(5), Ended),
        (b"abcdef\r\n", lambda stream: stream.block(3), Garbled),
    ],
)
def test_what_is_no_answer(
    pair: tuple[socket.socket, socket.socket], sent: bytes, read: Callable[[Stream], bytes], error: type[Exception]
) -> None:
    """An end before the end, a line without one, a block that is longer than it said."""
    mine, theirs = pair
    stream = started(mine, ManualClock(), 20_000)
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(error):
        read(stream)


class Echo:
    """A server that answers each line with it, and counts connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    @staticmethod
    def _serve(peer: socket.socket) -> None:
        with peer, suppress(ConnectionResetError):
            while data := peer.recv(65536):
                peer.sendall(data)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that answers."""
    server = Echo()
    yield server
    server.stop()


def exchange(streams: Streams, clock: ManualClock, line: bytes = b"line") -> bytes:
    return streams.exchange((line + b"\r\n",), Stream.line, Deadline(clock, 20_000, "test get"))


def test_a_stream_is_kept(echo: Echo) -> None:
    """Until it idled for too long by either clock, or was reset."""
    clock = ManualClock()
    streams = Streams("127.0.0.1", echo.port, tls=False, clock=clock)
    for _ in range(3):
        assert exchange(streams, clock) == b"line"
    assert echo.connections == 1
    clock.advance(MAX_IDLE_S)
    exchange(streams, clock)
    assert echo.connections == 2
    clock.set(clock.now() + MAX_IDLE_S)
    exchange(streams, clock)
    assert echo.connections == 3
    streams.reset()
    exchange(streams, clock)
    assert echo.connections == 4
    streams.close()


def test_a_thread_has_a_stream_of_its_own(echo: Echo) -> None:
    """And drops it when it ends."""
    clock = ManualClock()
    streams = Streams("127.0.0.1", echo.port, tls=False, clock=clock)
    exchange(streams, clock)
    thread = threading.Thread(target=exchange, args=(streams, clock))
    thread.start()
    thread.join()
    exchange(streams, clock)
    assert echo.connections == 2
    streams.close()


def test_bytes_beyond_an_answer_close_the_stream(echo: Echo) -> None:
    """They belong to no request: the next one is on a new connection."""
    clock = ManualClock()
    streams = Streams("127.0.0.1", echo.port, tls=False, clock=clock)
    assert exchange(streams, clock, b"line\r\nmore") == b"line"
    assert exchange(streams, clock) == b"line"
    assert echo.connections == 2
    streams.close()


def test_an_interrupted_exchange_closes_the_stream(echo: Echo) -> None:
    """Whatever interrupted it."""
    clock = ManualClock()
    streams = Streams("127.0.0.1", echo.port, tls=False, clock=clock)

    def interrupted(stream: Stream) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        streams.exchange((b"x\r\n",), interrupted, Deadline(clock, 20_000, "test get"))
    assert exchange(streams, clock, b"mine") == b"mine"
    assert echo.connections == 2
    streams.close()


def test_closed_streams_open_no_more(echo: Echo) -> None:
    """Closing is for good."""
    clock = ManualClock()
    streams = Streams("127.0.0.1", echo.port, tls=False, clock=clock)
    exchange(streams, clock)
    streams.close()
    with pytest.raises(CacheUnavailable, match="closed"):
        exchange(streams, clock)


def test_nobody_there() -> None:
    """A refused connection and a name that does not resolve name the place."""
    clock = ManualClock()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CacheUnavailable, match=rf"test get at 127\.0\.0\.1:{port}: Connection refused"):
        exchange(Streams("127.0.0.1", port, tls=False, clock=clock), clock)
    with pytest.raises(CacheUnavailable, match="does not resolve"):
        exchange(Streams("..", 1, tls=False, clock=clock), clock)


def test_a_bundle_that_is_no_file_is_a_configuration_error() -> None:
    """When the backend is made, not later."""
    with pytest.raises(CacheConfigError, match="no/such/file"):
        Streams("127.0.0.1", 1, tls=True, clock=ManualClock(), ca_bundle="/no/such/file")
