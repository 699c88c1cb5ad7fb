"""Streams to one cache server, one kept per thread.

States of a stream: absent → open (connected, TLS verified, `prepare` done) → idle ⇄ busy → closed. Whatever goes wrong
while it is busy closes it, so that the next operation never reads the answer of the last one; bytes beyond an answer
close it too.

Before reuse a stream is dropped when it belongs to another process (fork) or was reset, when it idled longer than
`MAX_IDLE_S` by either clock (a frozen Lambda environment's monotonic clock may stand still), or when it is readable,
which an idle one never is unless the peer closed it. What still fails before a byte of the answer came is tried once
more on a new connection, where the request may be done twice (`safe`) or was not sent whole.

The budget bounds looking up the host (`lanner.aws.addresses`), connecting, the handshake, logging in, sending and every
wait. A host with several addresses is tried at each of them: one that is silent takes its share of what is left.

Faults: `CacheUnavailable` (refused, reset, DNS, TLS, malformed, truncated), `CacheBudgetSpent`. Messages name the
operation and host, and hold nothing that was sent.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from lanner.aws.addresses import resolve
from lanner.cache.errors import CacheBudgetSpent, CacheConfigError, CacheUnavailable
from lanner.cache.stream import Garbled, Stream

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Sequence

    from lanner.cache.stream import Deadline
    from lanner.clock import Clock

T = TypeVar("T")

MAX_IDLE_S = 60.0
"""Below what load balancers and NAT gateways forget in silence (350 s)."""


@lru_cache(maxsize=4)
def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    import ssl

    return ssl.create_default_context(cafile=ca_bundle)


class Streams:
    """Streams to one server, one for each thread that asks; safe after `fork` and after `reset`.

    `prepare` is called with every new stream, for what the protocol says first. Raises `CacheConfigError` for a
    `ca_bundle` that is no file.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: bool,
        clock: Clock,
        ca_bundle: str | None = None,
        prepare: Callable[[Stream, Deadline], None] | None = None,
    ) -> None:
        if ca_bundle is not None and not os.path.isfile(ca_bundle):  # noqa: PTH113 (pathlib costs milliseconds)
            raise CacheConfigError(f"the CA bundle {ca_bundle!r} is not a file")
        self.host = host
        self.port = port
        self._tls = tls
        self._clock = clock
        self._ca_bundle = ca_bundle
        self._prepare = prepare
        self._local = threading.local()
        self._generation = 0
        self._closed = False

    def exchange(
        self, pieces: Sequence[bytes], read: Callable[[Stream], T], deadline: Deadline, *, safe: bool = True
    ) -> T:
        """Send the pieces of a request, each by itself, and return what `read` makes of the answer.

        Raises the faults of the module's docstring.
        """
        stream = self._reusable()
        if stream is not None:
            try:
                return self._use(stream, pieces, read, deadline)
            except CacheBudgetSpent:
                raise
            except CacheUnavailable:
                # The peer had dropped it before the request came, as far as anybody can tell.
                dead = not stream.started and (safe or not stream.sent)
                if not dead:
                    raise
        return self._use(self._open(deadline), pieces, read, deadline)

    def drop(self) -> None:
        """Close this thread's stream."""
        kept = getattr(self._local, "kept", None)
        self._local.kept = None
        if kept is not None:
            kept[2].close()

    def reset(self) -> None:
        """Close this thread's stream; other threads drop theirs at their next operation."""
        self._generation += 1
        self.drop()

    def close(self) -> None:
        """Reset, and refuse what comes after."""
        self._closed = True
        self.reset()

    def _use(self, stream: Stream, pieces: Sequence[bytes], read: Callable[[Stream], T], deadline: Deadline) -> T:
        stream.begin(deadline)
        try:
            for piece in pieces:
                stream.send(piece)
            answer = read(stream)
        except BaseException as error:
            stream.close()
            if isinstance(error, (OSError, Garbled)):
                raise CacheUnavailable(f"{self._where(deadline)}: {_reason(error)}") from error
            raise
        if stream.in_step():
            stream.monotonic, stream.wall = self._clock.monotonic(), self._clock.now()
            self._local.kept = (os.getpid(), self._generation, stream)
        else:
            stream.close()
        return answer

    def _reusable(self) -> Stream | None:
        kept = getattr(self._local, "kept", None)
        if kept is None:
            return None
        self._local.kept = None
        pid, generation, stream = kept
        if (
            pid == os.getpid()
            and generation == self._generation
            and self._clock.monotonic() - stream.monotonic < MAX_IDLE_S
            and self._clock.now() - stream.wall < MAX_IDLE_S
            and not stream.is_dead()
        ):
            return stream  # type: ignore[no-any-return]
        stream.close()
        return None

    def _where(self, deadline: Deadline) -> str:
        return f"{deadline.what} at {self.host}:{self.port}"

    def _open(self, deadline: Deadline) -> Stream:
        import socket

        if self._closed:
            raise CacheUnavailable(f"{deadline.what}: the backend is closed")
        deadline.left_ms()
        try:
            addresses = resolve(self.host, self.port, deadline.left_ms() / 1000, self._clock)
        except (OSError, UnicodeError) as error:
            deadline.left_ms()
            raise CacheUnavailable(f"{self._where(deadline)}: the host name does not resolve") from error
        failure: CacheUnavailable | None = None
        for at, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(deadline.left_ms() / 1000 / (len(addresses) - at))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self._prepared(self._secured(sock, deadline), deadline)
            except BaseException as error:
                sock.close()
                if not isinstance(error, (OSError, Garbled)):
                    raise
                failure = CacheUnavailable(f"{self._where(deadline)}: {_reason(error)}")
                failure.__cause__ = error
        deadline.left_ms()
        raise failure or CacheUnavailable(f"{self._where(deadline)}: the host name has no address")

    def _secured(self, sock: socket.socket, deadline: Deadline) -> socket.socket:
        if not self._tls:
            return sock
        context = _tls_context(self._ca_bundle)
        sock.settimeout(deadline.left_ms() / 1000)
        return context.wrap_socket(sock, server_hostname=self.host)

    def _prepared(self, sock: socket.socket, deadline: Deadline) -> Stream:
        stream = Stream(sock, tls=self._tls)
        if self._prepare is not None:
            try:
                stream.begin(deadline)
                self._prepare(stream, deadline)
            except BaseException:
                stream.close()
                raise
        return stream


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no connection within what was left of the budget"
    if isinstance(error, OSError):
        if type(error).__name__ == "SSLCertVerificationError":
            return f"the TLS certificate does not verify ({getattr(error, 'verify_message', '')})"
        return error.strerror or type(error).__name__
    return str(error)
