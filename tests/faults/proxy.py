"""A TCP proxy on loopback that does to its peers what networks and dying servers do."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading

HOST = "127.0.0.1"
DRIP_S = 0.001
"""Between two bytes of a dripping answer: part of what the proxy does, nothing that a test waits for."""

MODES = ("refuse", "silent", "drip", "reset", "truncate", "garbage", "close", "hang up")
SLOW = frozenset({"silent", "drip"})


class Proxy:
    """Forwards to a port of loopback, according to `mode`.

    pass; refuse: nobody listens; silent: requests are swallowed; drip: an answer comes byte by byte; reset, truncate:
    RST or FIN after `cut` bytes of an answer; garbage: `garbage` instead of an answer; close: at once after accepting;
    hang up: after the request.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.mode = "pass"
        self.cut = 3
        self.garbage = b"\x16\x03garbage\x00\xff\r\nmore\r\n\r\n"
        self.connections = 0
        self.requests = 0
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._stopped = False
        self._accept_in_thread()

    def switch(self, mode: str) -> None:
        """Behave otherwise from now on, on connections that are open too."""
        if mode == "refuse" and self.mode != "refuse":
            self._close_listener()
            self.drop_all()
        elif mode != "refuse" and self.mode == "refuse":
            self._listener = socket.create_server((HOST, self.port))
            self._accept_in_thread()
        self.mode = mode

    def drop_all(self) -> None:
        """End every connection in order."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def wait_until_closed(self) -> None:
        """Until the proxy's own threads have done what `drop_all` told them."""
        while self._open:
            threading.Event().wait(DRIP_S)

    def stop(self) -> None:
        self._stopped = True
        self._close_listener()
        self.drop_all()

    def _close_listener(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept_in_thread(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.mode == "close":
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), client, socket.create_connection((HOST, self.upstream)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            try:
                while not self._stopped and self._step(client, server):
                    pass
            finally:
                self._open -= {client, server}

    def _step(self, client: socket.socket, server: socket.socket) -> bool:
        """Move what came; False where the connection is over."""
        readable, _, _ = select.select([client, server], [], [])
        if client in readable:
            data = client.recv(65536)
            self.requests += bool(data)
            if not data or self.mode in ("hang up", "close"):
                return False
            if self.mode == "garbage":
                client.sendall(self.garbage)
            elif self.mode != "silent":
                server.sendall(data)
        if server in readable:
            data = server.recv(65536)
            return bool(data) and self._answer(client, data)
        return True

    def _answer(self, client: socket.socket, data: bytes) -> bool:
        if self.mode == "silent":
            return True
        if self.mode == "drip":
            for index in range(len(data)):
                client.sendall(data[index : index + 1])
                threading.Event().wait(DRIP_S)
                if self.mode != "drip":
                    return False
            return True
        if self.mode in ("reset", "truncate"):
            client.sendall(data[: self.cut])
            if self.mode == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        client.sendall(data)
        return True
