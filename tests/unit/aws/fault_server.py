"""A loopback server that answers from a script, fault by fault."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

GUARD_S = 10.0
"""How long a test's thread may hang before the test fails; no assertion is about it."""

Step = Callable[["Peer"], None]


@dataclass
class Request:
    """One request as the server read it, and the number of the connection (from 0) it came on."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: FaultServer, sock: socket.socket, number: int) -> None:
        self.server = server
        self.socket = sock
        self.number = number
        self._buffer = b""
        self.closed = False
        self.request: Request | None = None

    def read_request(self) -> Request | None:
        """The next request; None when the client has closed the connection."""
        while b"\r\n\r\n" not in self._buffer:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self._buffer += piece
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (entry.split(":", 1) for entry in lines)}
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            rest += self.socket.recv(65536)
        self._buffer = rest[length:]
        return Request(self.number, line, headers, rest[:length])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        """End the connection in order."""
        self.closed = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        """End the connection with RST."""
        self.closed = True
        raw = self.socket
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


@dataclass
class FaultServer:
    """Serves connections one after the other or at once; each request takes the next step of `script`."""

    script: list[Step] = field(default_factory=list)
    context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.ended = threading.Condition()
        self.closed_connections = 0
        self._peers: list[Peer] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._listener.close()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.1).close()
        for peer in self._peers:
            if not peer.closed:
                peer.close()
        for thread in self._threads:
            thread.join(GUARD_S)

    def hang_up(self) -> None:
        """Close every open connection from the server's side, as a peer does with idle ones."""
        for peer in self._peers:
            if not peer.closed:
                peer.close()
        self.wait_for(lambda: self.closed_connections == self.connections)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.ended:
            assert self.ended.wait_for(condition, GUARD_S), "the server did not get there in time"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(GUARD_S)
            peer = Peer(self, sock, self.connections)
            self.connections += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: Peer) -> None:
        with contextlib.suppress(OSError):
            if self.context:
                peer.socket = self.context.wrap_socket(peer.socket, server_side=True)
            while not peer.closed:
                request = peer.read_request()
                if request is None:
                    break
                with self._lock:
                    self.requests.append(request)
                    peer.request = request
                    step = self.script.pop(0) if self.script else answer()
                step(peer)
        if not peer.closed:
            peer.close()
        with self.ended:
            self.closed_connections += 1
            self.ended.notify_all()


def answer(body: bytes = b"{}", status: int = 200, **headers: str) -> Step:
    """A whole answer; keyword `x_amz_crc32` becomes the header `x-amz-crc32`."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Status\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
    return lambda peer: peer.send(head.encode() + body)


def error(code: str, status: int = 400, message: str = "as told", **headers: str) -> Step:
    """An AWS JSON error."""
    body = f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}'
    return answer(body.encode(), status, **headers)


def raw(data: bytes) -> Step:
    """Bytes, then the end of the connection."""

    def step(peer: Peer) -> None:
        peer.send(data)
        peer.close()

    return step


def echo(peer: Peer) -> None:
    """The request's body as the answer."""
    assert peer.request is not None
    answer(peer.request.body)(peer)


def stalled(peer: Peer) -> None:
    """Half an answer, then nothing until the client gives up."""
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")
    peer.read_request()


def rst(peer: Peer) -> None:
    """No answer: RST."""
    peer.reset()


def silent(peer: Peer) -> None:
    """No answer, until the client gives up."""
    peer.read_request()
