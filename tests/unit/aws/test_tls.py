"""TLS: who is trusted, and what happens to the rest."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.errors import AwsError, AwsUnavailable, PeerNotTrusted
from lanner.aws.wire import AwsJsonClient
from lanner.clock import SystemClock
from tests.unit.aws.fault_server import FaultServer, answer, raw


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    public = key.public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "loopback.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[FaultServer]:
    """A scripted server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    served = FaultServer(context=context)
    yield served
    served.stop()


def client(url: str, ca_bundle: str | None) -> AwsJsonClient:
    """A client of `url` that trusts `ca_bundle`, or the system."""
    return AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-central-1",
        endpoint=url,
        credentials=StaticCredentials(Credentials("AKID", "secret")),
        clock=SystemClock(),
        ca_bundle=ca_bundle,
    )


def test_an_untrusted_certificate_is_refused_before_a_byte_is_sent(tls_server: FaultServer) -> None:
    """The error names the reason and AWS_CA_BUNDLE; there is no second attempt."""
    with pytest.raises(PeerNotTrusted, match=r"does not verify \(self.signed certificate\); AWS_CA_BUNDLE"):
        client(tls_server.url, None).call("GetItem", {})
    assert tls_server.requests == []
    assert tls_server.connections == 1


def test_a_certificate_for_another_host_is_refused(tls_server: FaultServer, certificate: Path) -> None:
    """The name is checked, not only the chain."""
    with pytest.raises(PeerNotTrusted, match="localhost"):
        client(tls_server.url.replace("127.0.0.1", "localhost"), str(certificate)).call("GetItem", {})


def test_a_trusted_connection_is_kept(tls_server: FaultServer, certificate: Path) -> None:
    """With the bundle named, calls share one connection, session tickets notwithstanding."""
    made = client(tls_server.url, str(certificate))
    for _ in range(3):
        assert made.call("GetItem", {}) == {}
    made.reset()
    assert [request.connection for request in tls_server.requests] == [0, 0, 0]


def test_a_connection_closed_while_idle_is_noticed(tls_server: FaultServer, certificate: Path) -> None:
    """The peer's close_notify makes the socket readable: the next call, a write, connects anew."""
    made = client(tls_server.url, str(certificate))
    made.call("GetItem", {})
    tls_server.hang_up()
    assert made.call("PutItem", {}) == {}
    assert [request.connection for request in tls_server.requests] == [0, 1]
    made.reset()


def test_a_truncated_answer_is_not_an_answer(tls_server: FaultServer, certificate: Path) -> None:
    """The end of the TLS connection within a body is a fault; a read survives it."""
    tls_server.script = [raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"), answer(b'{"a":1}')]
    made = client(tls_server.url, str(certificate))
    assert made.call("GetItem", {}) == {"a": 1}
    made.reset()


def test_a_server_without_tls_is_unavailable() -> None:
    """A peer that answers the handshake in plain text is an error, not a crash."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak_plainly() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()

        thread = threading.Thread(target=speak_plainly, daemon=True)
        thread.start()
        with pytest.raises(AwsUnavailable, match="dynamodb PutItem at 127") as caught:
            client(f"https://127.0.0.1:{listener.getsockname()[1]}", None).call("PutItem", {})
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert not caught.value.outcome_unknown


def test_a_missing_bundle_is_named() -> None:
    """A wrong AWS_CA_BUNDLE is a configuration error that names the file."""
    with pytest.raises(AwsError, match=r"AWS_CA_BUNDLE names '/no/such/bundle\.pem'"):
        client("https://127.0.0.1:1", "/no/such/bundle.pem").call("GetItem", {})
