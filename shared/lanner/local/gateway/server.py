"""The HTTP/1.1 server: sockets, deadlines and limits; what to answer is a `Handler`'s business.

`start` raises `PortTakenError` when somebody else listens there. `stop` ends in three steps: no new connections,
idle ones closed at once, busy ones given `grace` seconds to finish their request; then everything is cut.
Deadlines are looked after by one sweep over all connections rather than by a timer each.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from dataclasses import dataclass
from typing import Protocol

from lanner.local.gateway.connection import Connection
from lanner.local.gateway.message import HttpAnswer, HttpHead, HttpRequest

_TURNS_OF_ACCEPT = 5
_TAKEN = (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL)


@dataclass(frozen=True)
class ServerLimits:
    """What one client may use. Times in seconds, sizes in bytes.

    API Gateway's own quotas are `body` (10 MB payload) and `max_connections`' counterpart, account concurrency.
    """

    body: int = 10 * 1024 * 1024
    head_seconds: float = 10.0  # from a request's first byte to the end of its headers
    body_seconds: float = 30.0  # from there to the end of its body
    idle_seconds: float = 60.0  # between requests on one connection
    write_seconds: float = 30.0  # for a client to take an answer
    linger_seconds: float = 2.0  # after a refusal, for the client to read it
    max_connections: int = 1024


class Handler(Protocol):
    """What stands behind the server."""

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer a whole request; must not raise for anything that a client can send."""
        ...

    def refuse(self, status: int, reason: str, head: HttpHead | None) -> HttpAnswer:
        """The answer to a request that was not read to its end; `head` where it was understood."""
        ...


class PortTakenError(OSError):
    """The address cannot be listened on."""


class HttpServer:
    """Listens on one address and runs a `Connection` per client."""

    def __init__(self, handler: Handler, limits: ServerLimits | None = None) -> None:
        self.handler = handler
        self.limits = limits or ServerLimits()
        self.connections: set[Connection] = set()
        self.stopping = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()

    async def start(self, host: str, port: int) -> None:
        """Listen on `host`:`port`; port 0 takes a free one. Raises `PortTakenError`."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=2048)
        except OSError as error:
            if error.errno in _TAKEN:
                raise PortTakenError(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        self._schedule_sweep()

    async def stop(self, grace: float = 5.0) -> None:
        """Stop listening, let requests under way finish for `grace` seconds, then cut what is left."""
        self.stopping = True
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is not None:
            await self._stop_listening(self._server)
        for connection in tuple(self.connections):
            connection.close_when_idle()
        if not await self._empty(grace):
            for connection in tuple(self.connections):
                connection.abort()
            await self._empty(1.0)

    async def _stop_listening(self, server: asyncio.Server) -> None:
        """Close the listening sockets without losing sight of clients that were accepted a moment ago.

        asyncio makes a client's transport a few turns after its accept; a server that is closed in between drops the
        client's socket unclosed. So accepting ends first, and the server is closed when those turns are over.
        """
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows' proactor loop has no readers, and not this gap
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(_TURNS_OF_ACCEPT):
            await asyncio.sleep(0)
        server.close()

    async def _empty(self, seconds: float) -> bool:
        """Wait until no connection is left; False where that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                while self.connections:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def opened(self, connection: Connection, transport: asyncio.Transport) -> bool:
        """Count a new connection; False where there are too many, and it is to be refused."""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            # Without it a small answer waits for the client's delayed ACK: 40 ms a request on loopback.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        return len(self.connections) <= self.limits.max_connections and not self.stopping

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        self._idle.set()

    def _schedule_sweep(self) -> None:
        limits = self.limits
        shortest = min(limits.head_seconds, limits.body_seconds, limits.idle_seconds, limits.write_seconds)
        every = max(0.02, min(0.5, shortest / 4))
        self._sweep = asyncio.get_running_loop().call_later(every, self._sweep_once)

    def _sweep_once(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in tuple(self.connections):
            connection.check_deadline(now)
        self._schedule_sweep()
