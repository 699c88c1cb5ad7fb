"""Deliveries to real servers on loopback: what is sent, what is followed, what is tried again."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.notifications import delivery, exchange
from domain.notifications.delivery import DELIVERED, LATER, REFUSED, Outcome, deliver, retry_after
from domain.notifications.exchange import Deadline, Unreachable, addresses_of
from lanner.clock import Clock, ManualClock, SystemClock
from lanner.http.dates import http_date
from tests.unit.aws.fault_server import FaultServer, Peer, answer, raw, rst, silent, stalled
from tests.unit.domain.test_notification_signature import OTHER, SECRET, verifies

KEYS = tuple(base64.b64decode(each.removeprefix("whsec_")) for each in (SECRET, OTHER))
BODY = b'{"type":"notification"}'
LOOPBACK = ["127.0.0.1"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A scripted receiver that the setting opens, by address and as hooks.test."""
    monkeypatch.setenv("LANNER_WEBHOOK_ALLOW", "127.0.0.1,hooks.test,other.test")
    served = FaultServer()
    yield served
    served.stop()


def send(url: str, clock: Clock | None = None, resolve: Callable[[str, int], Sequence[str]] | None = None) -> Outcome:
    return deliver(url, "msg_1", BODY, KEYS, clock or SystemClock(), resolve or (lambda host, port: LOOPBACK))


def redirect(status: int, location: str) -> Callable[[Peer], None]:
    return answer(b"", status, location=location)


def test_a_name_is_looked_up_where_nobody_says_how() -> None:
    """The system's addresses of it, each once."""
    found = addresses_of("localhost", 80)
    assert set(found) & {"127.0.0.1", "::1"} and len(set(found)) == len(found)
    with pytest.raises(OSError):
        addresses_of("nothing.invalid", 80)


def test_what_is_sent(server: FaultServer) -> None:
    """One POST with the body, signed for every secret, that names the host and holds no credentials of ours."""
    outcome = send(f"{server.url}/hook?x=%20", ManualClock(1_700_000_000.5))
    assert (outcome.kind, outcome.status) == (DELIVERED, 200)
    (request,) = server.requests
    assert request.line == "POST /hook?x=%20 HTTP/1.1"
    assert request.body == BODY
    headers = request.headers
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert verifies(headers, request.body, SECRET)
    assert verifies(headers, request.body, OTHER)
    assert not {"authorization", "cookie"} & set(headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_any_2xx(server: FaultServer, status: int) -> None:
    """The class of the status decides."""
    server.script = [answer(b"", status)]
    assert send(server.url).kind == DELIVERED


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451])
def test_a_refusal_is_final(server: FaultServer, status: int) -> None:
    """The same request would be refused again; 410 says that the receiver has gone."""
    server.script = [answer(b"", status)]
    outcome = send(server.url)
    assert (outcome.kind, outcome.status) == (REFUSED, status)
    assert str(status) in outcome.detail


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_trouble_of_the_receiver_is_tried_again(server: FaultServer, status: int) -> None:
    """Not before it says."""
    server.script = [answer(b"", status, retry_after="7"), answer(b"", status)]
    outcome = send(server.url)
    assert (outcome.kind, outcome.status, outcome.retry_after) == (LATER, status, 7.0)
    assert send(server.url).retry_after is None


def test_retry_after_is_seconds_or_a_date() -> None:
    """Never negative, never more than an hour, nothing where it is neither."""
    clock = ManualClock(1_700_000_000.0)
    assert retry_after("120", clock) == 120
    assert retry_after("99999999999999", clock) == 3_600
    assert retry_after(http_date(1_700_000_030), clock) == 30
    assert retry_after(http_date(1_600_000_000), clock) == 0
    assert [retry_after(each, clock) for each in ("", "soon", "-1", "1.5")] == [None] * 4


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_keeps_the_post(server: FaultServer, status: int) -> None:
    """Body and signature arrive where it leads, by a relative Location too."""
    server.script = [redirect(status, f"{server.url}/second"), redirect(status, "third?x#fragment")]
    assert send(f"{server.url}/first").kind == DELIVERED
    assert [request.line.split()[1] for request in server.requests] == ["/first", "/second", "/third?x"]
    assert all(request.body == BODY and verifies(request.headers, BODY, SECRET) for request in server.requests)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_to_a_get_is_not_followed(server: FaultServer, status: int) -> None:
    """It would lose the body, and with it the message."""
    server.script = [redirect(status, f"{server.url}/second")]
    assert (send(server.url).kind, len(server.requests)) == (REFUSED, 1)


def test_redirects_end(server: FaultServer) -> None:
    """Three are followed, the fourth is not."""
    server.script = [redirect(307, f"{server.url}/{at}") for at in range(10)]
    assert (send(server.url).kind, len(server.requests)) == (REFUSED, 4)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "https://127.0.0.2/",
        "http://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "//user@127.0.0.1/",
        "http://[",
        "https://2130706433/",
        "http://example.com/",
        "https://metadata.google.internal/",
    ],
)
def test_a_redirect_goes_nowhere_else(server: FaultServer, location: str) -> None:
    """Each target is judged like the first one."""
    server.script = [redirect(307, location)]
    outcome = send(server.url)
    assert (outcome.kind, len(server.requests)) == (REFUSED, 1)


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"], ["2606:4700::1", "::1"], ["::ffff:10.0.0.1"]],
    ids=",".join,
)
def test_one_wrong_address_is_enough(server: FaultServer, found: list[str]) -> None:
    """A public name that leads to us, or to us among others: no connection at all."""
    outcome = send("https://hooks.example.com/", resolve=lambda host, port: found)
    assert outcome.kind == REFUSED
    assert "not public" in outcome.detail
    assert server.connections == 0


def test_a_redirect_to_a_name_is_resolved_and_checked(server: FaultServer) -> None:
    """A receiver cannot send us home by a name of its own."""
    server.script = [redirect(307, f"http://other.test:{server.port}/")]
    answers = {"hooks.test": LOOPBACK, "other.test": ["127.0.0.1", "10.0.0.1"]}
    outcome = send(f"http://hooks.test:{server.port}/", resolve=lambda host, port: answers[host])
    assert (outcome.kind, len(server.requests)) == (REFUSED, 1)


def test_a_name_is_resolved_once(server: FaultServer) -> None:
    """What was checked is what is connected to (DNS rebinding); the Host header is the name's."""
    answers = iter([LOOPBACK])
    outcome = send(f"http://hooks.test:{server.port}/", resolve=lambda host, port: next(answers))
    assert outcome.kind == DELIVERED
    assert server.requests[0].headers["host"] == f"hooks.test:{server.port}"


def test_the_next_address_is_tried(server: FaultServer) -> None:
    """A host with several addresses, one of them deaf."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.9", server.port))
        outcome = send(f"http://hooks.test:{server.port}/", resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
    assert outcome.kind == DELIVERED


def no_address(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.mark.parametrize("resolve", [no_address, lambda host, port: []], ids=["unknown", "none"])
def test_a_name_without_addresses_is_tried_again(resolve: Callable[[str, int], list[str]]) -> None:
    """DNS has its moments."""
    assert send("https://hooks.example.com/", resolve=resolve).kind == LATER


def test_nobody_listens() -> None:
    """A refused connection is worth another attempt."""
    with socket.socket() as bound, pytest.MonkeyPatch.context() as environment:
        bound.bind(("127.0.0.1", 0))
        environment.setenv("LANNER_WEBHOOK_ALLOW", "127.0.0.1")
        assert send(f"http://127.0.0.1:{bound.getsockname()[1]}/").kind == LATER


def endless_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(OSError):
        while True:
            peer.send(b"x: " + b"y" * 60_000 + b"\r\n")


def endless_interim(peer: Peer) -> None:
    with contextlib.suppress(OSError):
        while True:
            peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000)


@pytest.mark.parametrize(
    "step",
    [
        rst,
        raw(b""),
        raw(b"HTTP/1.1 200"),
        raw(b"SSH-2.0-x\r\n\r\n"),
        raw(b"HTTP/1.1 999999\r\n\r\n"),
        endless_head,
        endless_interim,
    ],
    ids=["reset", "nothing", "half", "another protocol", "no status", "endless head", "endless interim"],
)
def test_what_is_no_answer_is_tried_again(server: FaultServer, step: Callable[[Peer], None]) -> None:
    """Broken connections and peers that speak something else end the attempt, and never the worker."""
    server.script = [step]
    assert send(server.url).kind == LATER


def test_interim_answers_are_skipped(server: FaultServer) -> None:
    """1xx come before the answer (RFC 9110 section 15.2)."""
    server.script = [raw(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]
    assert (send(server.url).kind, server.connections) == (DELIVERED, 1)


def test_a_silent_receiver_is_left(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for an attempt, here a fraction of a second."""
    monkeypatch.setattr(delivery, "ATTEMPT_S", 0.1)
    server.script = [silent]
    assert send(server.url).kind == LATER


def test_a_receiver_that_drips_is_left(server: FaultServer) -> None:
    """Each byte is in time, all of them together are not: the deadline is one for the whole attempt."""
    clock = ManualClock()
    sent: list[int] = []

    def drip(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            while len(sent) < 100:
                clock.advance(3)
                peer.send(b"H")
                sent.append(1)
                peer.socket.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if not peer.socket.recv(1):
                        return

    server.script = [drip]
    assert send(server.url, clock).kind == LATER


def test_a_receiver_that_reads_slowly_is_left() -> None:
    """What it takes of the request is in time each time, all of it is not: over TLS too, which sends by records."""
    clock = ManualClock()
    ours, theirs = socket.socketpair()

    class Slow(socket.socket):
        def send(self, data: Any, *_: int) -> int:
            clock.advance(3)
            return super().send(data[:1_000])

    with theirs, Slow(fileno=ours.detach()) as slow:
        with pytest.raises(Unreachable, match="in time"):
            exchange.send(slow, b"x" * 20_000, Deadline(clock, 10.0))
        assert len(theirs.recv(50_000)) == 4_000
        exchange.send(slow, b"y" * 3_000, Deadline(clock, 10.0))
        assert theirs.recv(50_000) == b"y" * 3_000


def test_a_huge_body_is_not_read(server: FaultServer) -> None:
    """The status is the answer; the peer finds the connection closed after a little."""
    sent = []

    def flood(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n")
            for _ in range(10_000):
                peer.send(b"x" * 100_000)
                sent.append(100_000)
        peer.close()

    server.script = [flood]
    assert send(server.url).kind == DELIVERED
    server.wait_for(lambda: server.closed_connections == 1)
    assert sum(sent) < 100_000_000


def test_a_body_that_never_ends_delays_nothing(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment for the peer's manners, then we hang up; the status is known already."""
    monkeypatch.setattr("domain.notifications.exchange.DRAIN_S", 0.05)
    server.script = [stalled]
    assert send(server.url).kind == DELIVERED


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for hooks.test and 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.test")])
    now = datetime.now(UTC)
    names = [x509.DNSName("hooks.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "hooks.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultServer, list[str | None]]]:
    """A receiver over TLS, and the names that clients asked it for."""
    monkeypatch.setenv("LANNER_WEBHOOK_ALLOW", "127.0.0.1,hooks.test,other.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    served = FaultServer(context=context)
    yield served, asked
    served.stop()


def test_tls_goes_by_the_name(
    tls: tuple[FaultServer, list[str | None]], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SNI and the certificate's check use the host, although the connection goes to a checked address."""
    server, asked = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send(f"https://hooks.test:{server.port}/").kind == DELIVERED
    assert send(f"https://127.0.0.1:{server.port}/").kind == DELIVERED
    assert asked == ["hooks.test", None]
    assert send(f"https://other.test:{server.port}/").kind == LATER, "the certificate is for another name"
    assert len(server.requests) == 2


def test_an_unknown_certificate_gets_nothing(tls: tuple[FaultServer, list[str | None]]) -> None:
    """No request leaves before the peer is trusted."""
    server, _ = tls
    assert send(f"https://hooks.test:{server.port}/").kind == LATER
    assert not server.requests
