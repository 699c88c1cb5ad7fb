"""One kept-alive HTTP/1.1 connection per thread to one endpoint, on plain sockets.

States of a connection: absent → open (connected, TLS verified) → idle ⇄ busy → closed. Anything that goes wrong while
busy closes it, so that the next request never reads the answer of the last one.

Idle connections die silently: the peer closes them, or a Lambda environment was frozen longer than the peer waits.
Before reuse a connection is dropped when it has been idle longer than the caller allows (by the wall clock too: the
monotonic clock may stand still in a freeze), when the process was forked or reset since, or when the socket is
readable, which an idle one never is unless the peer closed it. What still fails before a byte of the answer came is
`StaleConnection`.

Faults, all of `lanner.aws.errors`: `AwsUnavailable` (refused, reset, DNS, malformed, truncated), `BudgetSpent`,
`StaleConnection`, `PeerNotTrusted`; `outcome_unknown` is set once the whole request was handed to the kernel. The
budget bounds looking up the host (`lanner.aws.addresses`), connecting, the handshake, sending and each wait for bytes;
of several addresses a silent one takes its share of what is left. Proxies (`HTTPS_PROXY`) are not spoken to. TLS: the
default context, or the bundle that `AWS_CA_BUNDLE` names.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from lanner.aws.addresses import resolve
from lanner.aws.answer import Answer, AnswerReader, Malformed, Truncated
from lanner.aws.errors import AwsError, AwsUnavailable, PeerNotTrusted, StaleConnection

if TYPE_CHECKING:
    import socket
    import ssl

    from lanner.aws.budget import Budget
    from lanner.clock import Clock

CONNECT_TIMEOUT_MS = 1000
MAX_IDLE_S = 60.0
_RECEIVE_BYTES = 64 * 1024
_ONE_SEND_BYTES = 64 * 1024


class Endpoint:
    """Where a service listens: scheme, host and port of a URL without path.

    Raises `AwsError` for anything else, naming what is wrong.
    """

    def __init__(self, url: str) -> None:
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise AwsError(f"the endpoint {url!r} is not http(s)://host[:port]")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise AwsError(f"the endpoint {url!r} has a path or query, which AWS endpoints do not have")
        try:
            port = parts.port
        except ValueError as error:
            raise AwsError(f"the endpoint {url!r} has no usable port: {error}") from error
        self.tls = parts.scheme == "https"
        self.host = parts.hostname
        self.port = port or (443 if self.tls else 80)
        bare = f"[{self.host}]" if ":" in self.host else self.host
        self.authority = bare if self.port == (443 if self.tls else 80) else f"{bare}:{self.port}"
        """The `Host` header."""


@lru_cache(maxsize=4)
def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """The verifying TLS context, with the certificates of `ca_bundle` or the system's. Raises `AwsError`."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca_bundle)
    except OSError as error:
        raise AwsError(f"AWS_CA_BUNDLE names {ca_bundle!r}, which cannot be used: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Connection:
    """An open socket, and where and when it was opened and last used."""

    __slots__ = ("budget", "monotonic", "reader", "sent", "socket", "started", "wall")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.reader = AnswerReader(self._receive)
        self.budget: Budget | None = None
        self.sent = self.started = False
        self.monotonic = self.wall = 0.0

    def _receive(self) -> bytes:
        assert self.budget is not None
        self.socket.settimeout(self.budget.timeout(outcome_unknown=True))
        piece = self.socket.recv(_RECEIVE_BYTES)
        self.started = self.started or bool(piece)
        return piece

    def exchange(self, head: bytes, body: bytes, budget: Budget) -> Answer:
        self.budget = budget
        self.sent = self.started = False
        self.socket.settimeout(budget.timeout())
        if len(body) <= _ONE_SEND_BYTES:
            self.socket.sendall(head + body)
        else:
            self.socket.sendall(head)
            self.socket.sendall(body)
        self.sent = True
        return self.reader.read()

    def mark_idle(self, clock: Clock) -> None:
        self.monotonic, self.wall = clock.monotonic(), clock.now()

    def idle_for(self, clock: Clock) -> float:
        return max(clock.monotonic() - self.monotonic, clock.now() - self.wall)

    def is_dead(self) -> bool:
        """Whether an idle socket is readable: closed by the peer, or out of step. Costs one `poll`."""
        if not _readable(self.socket):
            return False
        self.socket.settimeout(0)
        try:
            self.socket.recv(1)
        except OSError as error:
            # TLS 1.3 session tickets make a live socket readable; there is no data behind them.
            return type(error).__name__ != "SSLWantReadError"
        return True

    def close(self) -> None:
        self.socket.close()

    def __del__(self) -> None:
        # A thread that ends drops its connection without a word.
        self.socket.close()


def _readable(sock: socket.socket) -> bool:
    import select

    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()  # unlike select(), it takes descriptors above 1023
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class ThreadConnections:
    """Connections to one endpoint, one for each thread that asks; safe after `fork` and after `reset`."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        connect_timeout_ms: float = CONNECT_TIMEOUT_MS,
        ca_bundle: str | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._connect_timeout = connect_timeout_ms / 1000
        self._ca_bundle = ca_bundle
        self._local = threading.local()
        self._generation = 0

    def exchange(self, head: bytes, body: bytes, budget: Budget, *, max_idle_s: float = MAX_IDLE_S) -> Answer:
        """Send one request and read its answer. Raises the faults named in the module's docstring."""
        connection = self._reusable(max_idle_s)
        reused = connection is not None
        if connection is None:
            connection = self._open(budget)
        try:
            answer = connection.exchange(head, body, budget)
        except BaseException as error:
            connection.close()
            fault = self._fault(error, connection, budget, reused)
            if fault is None:
                raise
            raise fault from error
        if answer.reusable:
            connection.mark_idle(self._clock)
            self._local.kept = (os.getpid(), self._generation, connection)
        else:
            connection.close()
        return answer

    def reset(self) -> None:
        """Close this thread's connection; other threads drop theirs at their next request."""
        self._generation += 1
        self._reusable(0)

    def _reusable(self, max_idle_s: float) -> _Connection | None:
        kept = getattr(self._local, "kept", None)
        if kept is None:
            return None
        self._local.kept = None
        pid, generation, connection = kept
        if (
            pid == os.getpid()
            and generation == self._generation
            and connection.idle_for(self._clock) < max_idle_s
            and not connection.is_dead()
        ):
            return connection  # type: ignore[no-any-return]
        connection.close()
        return None

    def _fault(
        self, error: BaseException, connection: _Connection, budget: Budget, reused: bool
    ) -> AwsUnavailable | None:
        where = f"{budget.what} at {self.endpoint.authority}"
        if isinstance(error, TimeoutError):
            return budget.spent(outcome_unknown=connection.sent)
        if not isinstance(error, (OSError, Malformed)):
            return None
        if reused and not connection.started and (isinstance(error, (OSError, Truncated))):
            return StaleConnection(f"{where}: the kept-alive connection was dead", outcome_unknown=connection.sent)
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return AwsUnavailable(f"{where}: {reason}", outcome_unknown=connection.sent)

    def _open(self, budget: Budget) -> _Connection:
        import socket

        where = f"{budget.what} at {self.endpoint.authority}"
        context = tls_context(self._ca_bundle) if self.endpoint.tls else None
        longest = min(self._connect_timeout, budget.timeout())
        try:
            addresses = resolve(self.endpoint.host, self.endpoint.port, longest, self._clock)
        except (OSError, UnicodeError) as error:
            budget.timeout()
            reason = getattr(error, "strerror", None) or str(error)
            raise AwsUnavailable(f"{where}: the host name does not resolve ({reason})") from error
        failure: AwsUnavailable | None = None
        for at, (family, kind, protocol, _, address) in enumerate(addresses):
            timeout = min(self._connect_timeout, budget.timeout() / (len(addresses) - at))
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(timeout)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Connection(sock if context is None else self._secure(sock, context, budget))
            except BaseException as error:
                sock.close()
                if not isinstance(error, OSError):
                    raise
                failure = self._open_failure(error, where, timeout)
                failure.__cause__ = error
                if isinstance(failure, PeerNotTrusted):
                    break
        budget.timeout()
        raise failure or AwsUnavailable(f"{where}: the host name has no address")

    def _secure(self, sock: socket.socket, context: ssl.SSLContext, budget: Budget) -> ssl.SSLSocket:
        sock.settimeout(min(self._connect_timeout, budget.timeout()))
        return context.wrap_socket(sock, server_hostname=self.endpoint.host)

    @staticmethod
    def _open_failure(error: OSError, where: str, timeout: float) -> AwsUnavailable:
        if isinstance(error, TimeoutError):
            return AwsUnavailable(f"{where}: no connection within {timeout * 1000:.0f} ms")
        if type(error).__name__ == "SSLCertVerificationError":
            reason = getattr(error, "verify_message", "") or str(error)
            return PeerNotTrusted(
                f"{where}: the TLS certificate does not verify ({reason}); AWS_CA_BUNDLE may name another bundle"
            )
        return AwsUnavailable(f"{where}: {error.strerror or error}")
