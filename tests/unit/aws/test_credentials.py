"""Where credentials come from, and when they are fetched again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from lanner.aws.container import fetch
from lanner.aws.credentials import (
    LAST_SECONDS_S,
    REFRESH_AHEAD_S,
    RETRY_AFTER_S,
    SOURCE_ATTEMPTS,
    ChainCredentials,
    ContainerCredentials,
    Credentials,
    EnvironmentCredentials,
    default_credentials,
)
from lanner.aws.errors import CredentialsError
from lanner.clock import ManualClock
from tests.unit.aws.fault_server import GUARD_S, FaultServer, Peer, Step, answer, rst

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def issued(key: str, clock: ManualClock, seconds: float) -> Step:
    """The endpoint's answer: credentials that last so many seconds."""
    expiry = datetime.fromtimestamp(clock.now() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {"AccessKeyId": key, "SecretAccessKey": "s3cr3t", "Token": "t0k3n", "Expiration": expiry}
    return answer(orjson.dumps(document))


@pytest.fixture
def container(server: FaultServer, clock: ManualClock) -> ContainerCredentials:
    """Credentials from `server`, authorized by a token."""
    return ContainerCredentials(f"{server.url}/2021-04-23/credentials", clock=clock, token="let-me-in")


def test_lambdas_variables_are_read_on_first_use_and_on_refresh() -> None:
    """The environment is a source like any other: cached, read again when AWS calls the credentials expired."""
    environ = dict(ENVIRONMENT)
    provider = default_credentials(ManualClock(), environ)
    first = provider.get()
    assert (first.access_key_id, first.secret_access_key, first.session_token) == ("AKID", "secret", "token")
    environ["AWS_SESSION_TOKEN"] = "next"
    assert provider.get() is first
    assert provider.refresh(first).session_token == "next"


def test_missing_variables_are_named() -> None:
    """A half-set environment is a clear error."""
    provider = EnvironmentCredentials({"AWS_ACCESS_KEY_ID": "AKID"})
    with pytest.raises(CredentialsError, match="AWS_SECRET_ACCESS_KEY not set"):
        provider.get()


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        (ENVIRONMENT, EnvironmentCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"}, ContainerCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials"}, ContainerCredentials),
        ({**ENVIRONMENT, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"}, EnvironmentCredentials),
        ({}, ChainCredentials),
    ],
)
def test_the_environment_chooses_the_source(environ: dict[str, str], kind: type) -> None:
    """Variables first, then the container endpoint, then botocore's chain, as in the AWS SDKs."""
    assert type(default_credentials(ManualClock(), environ)) is kind


@pytest.mark.parametrize("bad", ["", "a b", "a\r\nx: y", "ключ"])
def test_values_that_are_no_header_are_refused_without_repeating_them(bad: str) -> None:
    """An injected line in a token cannot reach the wire, nor the log."""
    with pytest.raises(CredentialsError, match=r"^session_token is empty or holds") as caught:
        Credentials("AKID", "secret", bad)
    assert not bad or bad not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """The repr holds the access key's id alone."""
    assert repr(Credentials("AKID", "s3cr3t", "t0k3n")) == "Credentials(access_key_id='AKID', expires_at=None)"


def test_the_container_endpoint_is_asked_once(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """One GET with the authorization token; its answer serves until it nears its end."""
    server.script = [issued("ONE", clock, 6 * 3600)]
    assert container.get().access_key_id == "ONE"
    assert container.get() is container.get()
    (request,) = server.requests
    assert request.line == "GET /2021-04-23/credentials HTTP/1.1"
    assert request.headers["authorization"] == "let-me-in"


def test_credentials_are_refreshed_ahead_of_their_end(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """Fifteen minutes before expiry the next ones are fetched."""
    server.script = [issued("ONE", clock, 3600), issued("TWO", clock, 7200)]
    container.get()
    clock.advance(3600 - REFRESH_AHEAD_S - 1)
    assert container.get().access_key_id == "ONE"
    clock.advance(2)
    assert container.get().access_key_id == "TWO"


def test_a_failing_early_refresh_is_no_error_and_is_not_repeated_at_once(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """While the old credentials hold they are used; the source is asked again after a pause."""
    server.script = [issued("ONE", clock, 3600), answer(b"", 404), issued("TWO", clock, 7200)]
    container.get()
    clock.advance(3600 - REFRESH_AHEAD_S + 1)
    assert container.get().access_key_id == "ONE"
    assert container.get().access_key_id == "ONE"
    assert len(server.requests) == 2
    clock.advance(RETRY_AFTER_S)
    assert container.get().access_key_id == "TWO"


def test_nobody_waits_for_an_early_refresh(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """While one thread fetches the next credentials the others go on with the old ones."""
    asked, go_on = threading.Event(), threading.Event()
    fresh = issued("TWO", clock, 7200)

    def slow(peer: Peer) -> None:
        asked.set()
        go_on.wait(GUARD_S)
        fresh(peer)

    server.script = [issued("ONE", clock, 3600), slow]
    container.get()
    clock.advance(3600 - REFRESH_AHEAD_S + 1)
    with ThreadPoolExecutor(1) as pool:
        refreshed = pool.submit(container.get)
        assert asked.wait(GUARD_S)
        assert container.get().access_key_id == "ONE"
        go_on.set()
        assert refreshed.result().access_key_id == "TWO"


def test_expired_credentials_are_never_used(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """Within the last minute a failing source is an error."""
    server.script = [issued("ONE", clock, 3600), answer(b"", 404)]
    container.get()
    clock.advance(3600 - LAST_SECONDS_S)
    with pytest.raises(CredentialsError, match="status 404"):
        container.get()


def test_a_refresh_serves_every_thread_that_held_the_same_credentials(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """Two complaints about one pair of credentials cost one fetch."""
    server.script = [issued("ONE", clock, 3600), issued("TWO", clock, 3600)]
    stale = container.get()
    fresh = container.refresh(stale)
    assert fresh.access_key_id == "TWO"
    assert container.refresh(stale) is fresh
    assert len(server.requests) == 2


def test_after_reset_credentials_are_fetched_anew(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """A restored snapshot does not use what it had before."""
    server.script = [issued("ONE", clock, 3600), issued("TWO", clock, 3600)]
    container.get()
    container.reset()
    assert container.get().access_key_id == "TWO"


def test_passing_faults_of_the_endpoint_are_survived(
    container: ContainerCredentials, server: FaultServer, clock: ManualClock
) -> None:
    """A reset and a 500 are tried again."""
    server.script = [rst, answer(b"", 500), issued("ONE", clock, 3600)]
    assert container.get().access_key_id == "ONE"


def test_lasting_faults_end_after_a_few_attempts(container: ContainerCredentials, server: FaultServer) -> None:
    """The error names the endpoint and the status."""
    server.script = [answer(b"", 500) for _ in range(SOURCE_ATTEMPTS + 1)]
    with pytest.raises(CredentialsError, match=rf"container credentials at 127.0.0.1:{server.port}: status 500"):
        container.get()
    assert len(server.requests) == SOURCE_ATTEMPTS


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"AccessKeyId":"A"}', b'{"AccessKeyId":"A","SecretAccessKey":1}']
)
def test_unusable_answers_are_refused(body: bytes, container: ContainerCredentials, server: FaultServer) -> None:
    """What is not credentials is an error that does not repeat the body."""
    server.script = [answer(body)]
    with pytest.raises(CredentialsError, match="unusable answer"):
        container.get()


def test_the_token_file_is_read_at_every_fetch(server: FaultServer, clock: ManualClock, tmp_path: Path) -> None:
    """EKS rotates the file: each fetch sends what it holds then."""
    file = tmp_path / "token"
    file.write_text("first\n")
    provider = ContainerCredentials(server.url, clock=clock, token_file=str(file))
    server.script = [issued("ONE", clock, 3600), issued("TWO", clock, 3600)]
    stale = provider.get()
    file.write_text("second\n")
    provider.refresh(stale)
    assert [request.headers["authorization"] for request in server.requests] == ["first", "second"]
    file.unlink()
    with pytest.raises(CredentialsError, match="TOKEN_FILE"):
        provider.refresh(provider.get())


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://example.com/creds", "'example.com' may only be asked over https"),
        ("ftp://127.0.0.1/creds", "is not http"),
        ("http://127.0.0.1/a b", "percent-encoded"),
    ],
)
def test_unsafe_addresses_are_refused(uri: str, said: str, clock: ManualClock) -> None:
    """Credentials are not asked of a foreign host in the clear."""
    with pytest.raises(CredentialsError, match=said):
        fetch(uri, token=None, clock=clock)


@pytest.fixture
def aws_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """botocore's files in a folder of the test's, and no other source."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    yield tmp_path


def test_a_profile_is_found_by_botocores_chain(aws_home: Path) -> None:
    """Outside Lambda the usual files work; a refresh reads them again."""
    file = aws_home / "credentials"
    file.write_text("[default]\naws_access_key_id = ONE\naws_secret_access_key = s\n")
    provider = ChainCredentials()
    first = provider.get()
    assert first.access_key_id == "ONE"
    assert provider.get() is first
    file.write_text("[default]\naws_access_key_id = TWO\naws_secret_access_key = s\n")
    assert provider.refresh(first).access_key_id == "TWO"


def test_no_credentials_anywhere_is_said_plainly(aws_home: Path) -> None:
    """The error names what to set."""
    with pytest.raises(CredentialsError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure"):
        ChainCredentials().get()
