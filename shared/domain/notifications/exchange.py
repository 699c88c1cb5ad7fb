"""One POST to one target: every address checked, one of those connected to, nothing waited for beyond a deadline.

The name is resolved once and the connection goes to an address from that answer: a name that changes its mind between
the check and the connection (DNS rebinding) has no say any more. Host header, SNI and the certificate's check go by the
name. Environment variables for proxies are not looked at: a proxy would resolve the name again.

The deadline bounds each wait, so a peer that sends a byte now and then is cut off with the others; the name is looked
up within `LOOKUP_S`. Of the answer only the head is read (64 KiB at most), and what comes with it of the body is thrown
away: nothing of it is kept, so a webhook cannot be used to look into what it reaches.

Raises `Forbidden` where an address may not be connected to, and `Unreachable` for everything that another attempt may
not meet: no address, no connection, an untrusted certificate, no answer in time, an answer that is no HTTP.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from lanner.aws.addresses import resolve
from lanner.aws.answer import HEAD_LIMIT, Malformed, parse_head
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from domain.notifications.targets import Target

    Resolver = Callable[[str, int], Sequence[str]]

LOOKUP_S = 3.0
CONNECT_S = 3.0
"""For one of several addresses; what remains until the deadline is the bound when it is less."""
DRAIN_LIMIT = 64 * 1024
DRAIN_S = 1.0
"""What a peer may still write before we hang up, so that a well-behaved one does not see a reset connection."""
_PIECE = 16 * 1024
_LAST_CHUNK = b"0\r\n\r\n"


class Forbidden(Exception):
    """The host has an address that webhooks are not sent to."""


class Unreachable(Exception):
    """No answer; the message is fit for a client."""


class Deadline:
    """Seconds that remain of an attempt."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def within(self, seconds: float) -> Deadline:
        """A deadline of at most so many seconds from now that ends with this one."""
        return Deadline(self._clock, self.left(seconds))

    def left(self, longest: float = float("inf")) -> float:
        """Seconds for one wait, more than 0. Raises `Unreachable` when none remain."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise Unreachable("no answer in time")
        return min(left, longest)


def addresses_of(host: str, port: int) -> list[str]:
    """Every address that the system knows for a name. Raises `OSError` and `UnicodeError` where it has none in time."""
    found = resolve(host, port, LOOKUP_S, SystemClock())
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(
    target: Target, headers: Mapping[str, str], body: bytes, deadline: Deadline, resolver: Resolver
) -> tuple[int, dict[bytes, bytes]]:
    """The status and headers of the answer. Raises `Forbidden` and `Unreachable`."""
    connection = _connected(target, _checked(target, resolver), deadline)
    try:
        if target.scheme == "https":
            connection = _secured(connection, target.host, deadline)
        send(connection, _request(target, headers, body), deadline)
        status, fields, rest = _head(connection, deadline)
        _drain(connection, _expected(status, fields) - len(rest), deadline.within(DRAIN_S))
        return status, fields
    except Malformed as error:
        raise Unreachable("the answer is not HTTP") from error
    except TimeoutError as error:
        raise Unreachable("no answer in time") from error
    except OSError as error:
        raise Unreachable("the connection broke, or its certificate is not valid for the host") from error
    finally:
        connection.close()


def _checked(target: Target, resolver: Resolver) -> Sequence[str]:
    """The addresses behind a target, all of which may be connected to."""
    if target.address is not None:
        return (str(target.address),)  # checked when the URL was read
    try:
        found = resolver(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise Unreachable("the host has no address") from error
    if not found:
        raise Unreachable("the host has no address")
    if not all(target.accepts(ip_address(each)) for each in found):
        raise Forbidden("the host has an address that is not public")
    return found


def _connected(target: Target, addresses: Sequence[str], deadline: Deadline) -> socket.socket:
    problem: OSError | None = None
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(deadline.left(CONNECT_S))
            connection.connect((address, target.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            problem = error
        except BaseException:
            connection.close()
            raise
    raise Unreachable("no connection to the host") from problem


def _secured(connection: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
    import ssl

    connection.settimeout(deadline.left())
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = {"host": target.authority, **headers, "content-length": str(len(body)), "connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {target.path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body


def send(connection: socket.socket, data: bytes, deadline: Deadline) -> None:
    """All of `data` by the deadline. `sendall` of TLS would wait anew for each of its records."""
    left = memoryview(data)
    while left:
        connection.settimeout(deadline.left())
        left = left[connection.send(left) :]


def _head(connection: socket.socket, deadline: Deadline) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and what came behind them; interim answers (1xx) are skipped."""
    buffer, size = b"", 0
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            if size > HEAD_LIMIT:
                raise Malformed("the head is too long")
            connection.settimeout(deadline.left())
            piece = connection.recv(_PIECE)
            if not piece:
                raise Unreachable("the connection ended without an answer")
            buffer += piece
            size += len(piece)
        _, status, fields = parse_head(buffer[:end])
        buffer = buffer[end + 4 :]
        if status >= 200:
            return status, fields, buffer


def _expected(status: int, fields: dict[bytes, bytes]) -> int:
    """Bytes of the body that are read and thrown away: all, where the peer says how many, and they are few."""
    length = fields.get(b"content-length", b"")
    if status in (204, 304):
        return 0
    return min(int(length), DRAIN_LIMIT) if length.isdigit() and len(length) < 10 else DRAIN_LIMIT


def _drain(connection: socket.socket, missing: int, deadline: Deadline) -> None:
    """Let the peer finish a short body; its status is known already, so nothing that happens here matters."""
    try:
        while missing > 0:
            connection.settimeout(deadline.left())
            piece = connection.recv(_PIECE)
            if not piece or piece.endswith(_LAST_CHUNK):
                return
            missing -= len(piece)
    except (OSError, Unreachable):
        return
