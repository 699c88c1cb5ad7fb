"""No operation outlives its budget while bytes keep coming: judged by a clock that moves whenever it is asked.

Every wait of a stream asks the clock what is left, so a bound on how often it was asked is a bound on the waits.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from lanner.cache.backend import CacheBackend
from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable, CacheValueError
from lanner.cache.memcached import MemcachedBackend
from lanner.cache.redis import RedisBackend
from lanner.clock import ManualClock
from tests.faults.test_every_operation import OPERATIONS

HOST = "127.0.0.1"
STEP_MS = 5
BUDGET_MS = 200
PAUSE_S = 0.001
ENDLESS = {
    "redis": b"$100000000\r\n",
    "redis line": b"+",
    "redis array": b"*100000000\r\n",
    "memcached": b"NOT_STORED\r\nVALUE %|generation 0 100000000 1\r\n",
    "memcached line": b"VALUE",
}


class TickingClock(ManualClock):
    """Moves by `STEP_MS` each time its monotonic time is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def monotonic(self) -> float:
        self.asked += 1
        self.advance(STEP_MS / 1000)
        return super().monotonic()


class Dripping:
    """Starts an answer to the first request of a connection, and goes on for as long as somebody listens."""

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._drip, args=(peer,), daemon=True).start()

    def _drip(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.recv(65536)
            peer.sendall(self._start)
            while True:
                peer.sendall(b"1")
                threading.Event().wait(PAUSE_S)


@pytest.fixture(params=ENDLESS)
def endless(request: pytest.FixtureRequest) -> Iterator[tuple[Callable[[TickingClock], CacheBackend], Dripping]]:
    """A server whose answers do not end, and what makes a backend of its kind."""
    server = Dripping(ENDLESS[request.param])

    def make(clock: TickingClock) -> CacheBackend:
        if request.param.startswith("redis"):
            return RedisBackend(HOST, server.port, budget_ms=BUDGET_MS, clock=clock)
        return MemcachedBackend(HOST, server.port, budget_ms=BUDGET_MS, clock=clock)

    yield make, server
    server.stop()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_without_end_spends_the_budget(
    endless: tuple[Callable[[TickingClock], CacheBackend], Dripping], operation: str
) -> None:
    """On one connection, in no more steps than the budget has."""
    make, server = endless
    clock = TickingClock()
    cache = make(clock)
    perform, _ = OPERATIONS[operation]
    asks_nobody = operation == "keys" and not cache.lists_keys
    with pytest.raises(CacheValueError if asks_nobody else CacheUnavailable) as caught:
        perform(cache)
    assert clock.asked <= BUDGET_MS / STEP_MS + 2
    assert server.connections == (not asks_nobody)
    # Where the start was already the answer of another command, it says so at once.
    assert asks_nobody or type(caught.value) is CacheBudgetSpent or operation in ("clear", "statistics")
    cache.close()
