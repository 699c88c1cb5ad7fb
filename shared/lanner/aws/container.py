"""One fetch from the container credentials endpoint (`ContainerCredentials` says when)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lanner.aws.budget import Budget
from lanner.aws.connection import Endpoint, ThreadConnections
from lanner.aws.credentials import PLAIN_HTTP_HOSTS, SOURCE_ATTEMPTS, SOURCE_BUDGET_MS, Credentials
from lanner.aws.errors import AwsError, AwsUnavailable, CredentialsError

if TYPE_CHECKING:
    from lanner.clock import Clock


def fetch(uri: str, *, token: str | None, clock: Clock) -> Credentials:
    """Ask the endpoint at `uri`, a few times within `SOURCE_BUDGET_MS`. Raises `CredentialsError`."""
    endpoint, path = _target(uri)
    connections = ThreadConnections(endpoint, clock=clock, ca_bundle=os.environ.get("AWS_CA_BUNDLE") or None)
    authorization = f"authorization: {token}\r\n" if token else ""
    head = f"GET {path} HTTP/1.1\r\nhost: {endpoint.authority}\r\naccept: application/json\r\n{authorization}\r\n"
    budget = Budget(clock, SOURCE_BUDGET_MS, "container credentials")
    problem = ""
    try:
        for _ in range(SOURCE_ATTEMPTS):
            try:
                answer = connections.exchange(head.encode("latin-1"), b"", budget)
            except AwsUnavailable as error:
                problem = str(error)
                continue
            if answer.status == 200:
                return _credentials(answer.body)
            problem = f"container credentials at {endpoint.authority}: status {answer.status}"
            if answer.status < 500 and answer.status != 429:
                break
    finally:
        connections.reset()
    raise CredentialsError(problem)


def _target(uri: str) -> tuple[Endpoint, str]:
    from urllib.parse import urlsplit

    parts = urlsplit(uri)
    try:
        endpoint = Endpoint(f"{parts.scheme}://{parts.netloc}")
    except AwsError as error:
        raise CredentialsError(f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {error}") from error
    if not endpoint.tls and endpoint.host not in PLAIN_HTTP_HOSTS:
        raise CredentialsError(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {endpoint.host!r} may only be asked over https; "
            f"plain http is for {', '.join(sorted(PLAIN_HTTP_HOSTS))}"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise CredentialsError("AWS_CONTAINER_CREDENTIALS_FULL_URI: the path must be percent-encoded")
    return endpoint, path


def _credentials(body: bytes) -> Credentials:
    import orjson

    try:
        document: Any = orjson.loads(body)
        expiration = document.get("Expiration")
        return Credentials(
            document["AccessKeyId"],
            document["SecretAccessKey"],
            document.get("Token") or None,
            _epoch(expiration) if expiration else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # The body holds secrets, so the cause is named by its type alone.
        raise CredentialsError(f"container credentials: unusable answer ({type(error).__name__})") from None


def _epoch(timestamp: str) -> float:
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
