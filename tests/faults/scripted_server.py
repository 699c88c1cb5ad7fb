"""A server on loopback that answers every request with given bytes, whatever was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"


class ScriptedServer:
    """Answers what `answer` makes of each piece that was received; keeps the pieces."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.received: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            while data := peer.recv(65536):
                self.received.append(data)
                peer.sendall(self._answer(data))


@contextlib.contextmanager
def answering(answer: Callable[[bytes], bytes] | bytes) -> Iterator[ScriptedServer]:
    """A server that is there for a block."""
    server = ScriptedServer((lambda _: answer) if isinstance(answer, bytes) else answer)
    try:
        yield server
    finally:
        server.stop()
