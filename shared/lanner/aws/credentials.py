"""AWS credentials: where they come from, how long they last, when they are fetched again.

Sources, chosen on first use from the environment (`default_credentials`):

1. `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (and `AWS_SESSION_TOKEN`): Lambda on demand, and the local cloud;
2. `AWS_CONTAINER_CREDENTIALS_FULL_URI` (or `..._RELATIVE_URI`): Lambda with SnapStart, ECS, EKS. Answers expire; they
   are fetched anew `REFRESH_AHEAD_S` before that, and while the old ones still hold a failing source is not an error;
3. botocore's chain (profiles, SSO, instance metadata), imported only then.

A provider hands out the same `Credentials` object until it changes. `refresh(stale)` is for an answer of AWS that says
the credentials have expired: it fetches new ones unless another thread already did. Errors are `CredentialsError`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lanner.aws.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import Credentials as BotocoreCredentials

    from lanner.clock import Clock

REFRESH_AHEAD_S = 15 * 60
"""As long before expiry as the AWS SDKs begin to refresh."""
LAST_SECONDS_S = 60
"""Within this of expiry credentials are not used while newer ones cannot be had."""
RETRY_AFTER_S = 30
"""How long a failed early refresh is left alone."""
SOURCE_BUDGET_MS = 1000
SOURCE_ATTEMPTS = 3

ECS_HOST = "http://169.254.170.2"
PLAIN_HTTP_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "127.0.0.1", "::1"})
"""Hosts that may be asked for credentials without TLS, as in the AWS SDKs: ECS, EKS and this machine."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, its secret, the session token of temporary credentials, and their end in epoch seconds.

    Raises `CredentialsError` for a value that cannot be a header's, without repeating it.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    def __post_init__(self) -> None:
        for name in ("access_key_id", "secret_access_key", "session_token"):
            value = getattr(self, name)
            if name == "session_token" and value is None:
                continue
            if not value or not value.isascii() or not value.isprintable() or " " in value:
                raise CredentialsError(f"{name} is empty or holds white space, control or non-ASCII characters")


class CredentialsProvider(Protocol):
    """A source of credentials; safe to share between threads."""

    def get(self) -> Credentials:
        """Credentials to sign with now. Raises `CredentialsError`."""
        ...

    def refresh(self, stale: Credentials) -> Credentials:
        """Credentials newer than `stale` where the source has them. Raises `CredentialsError`."""
        ...

    def reset(self) -> None:
        """Forget what was fetched: before a snapshot, after a restore."""
        ...


class StaticCredentials:
    """Credentials that never change."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get(self) -> Credentials:
        return self._credentials

    def refresh(self, stale: Credentials) -> Credentials:  # noqa: ARG002 - nothing newer exists
        return self._credentials

    def reset(self) -> None:
        """Nothing was fetched."""


class EnvironmentCredentials:
    """The `AWS_*` variables, read on first use and again on refresh."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._cached: Credentials | None = None

    def get(self) -> Credentials:
        if (cached := self._cached) is None:
            self._cached = cached = self._read()
        return cached

    def refresh(self, stale: Credentials) -> Credentials:  # noqa: ARG002 - reading again is cheap
        self._cached = self._read()
        return self._cached

    def reset(self) -> None:
        self._cached = None

    def _read(self) -> Credentials:
        missing = [n for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not self._environ.get(n)]
        if missing:
            raise CredentialsError(f"{' and '.join(missing)} not set in the environment")
        return Credentials(
            self._environ["AWS_ACCESS_KEY_ID"],
            self._environ["AWS_SECRET_ACCESS_KEY"],
            self._environ.get("AWS_SESSION_TOKEN") or None,
        )


class ContainerCredentials:
    """The container credentials endpoint: `GET` of a URI, with an authorization token, gives credentials that expire.

    Source: docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html. Plain HTTP is refused to any
    host but those of `PLAIN_HTTP_HOSTS`. A token file is read at every fetch, because its content rotates.
    """

    def __init__(self, uri: str, *, clock: Clock, token: str | None = None, token_file: str | None = None) -> None:
        self._uri = uri
        self._clock = clock
        self._token = token
        self._token_file = token_file
        self._lock = threading.Lock()
        self._cached: Credentials | None = None
        self._retry_at = 0.0

    def get(self) -> Credentials:
        cached = self._cached
        if cached is not None and not self._is_due(cached):
            return cached
        holds = cached is not None and not self._is_ending(cached)
        # While the old credentials hold, one thread refreshes and the others do not wait for it.
        if not self._lock.acquire(blocking=not holds) and cached is not None:
            return cached
        try:
            return self._fetch_if_due()
        finally:
            self._lock.release()

    def refresh(self, stale: Credentials) -> Credentials:
        with self._lock:
            if self._cached is not None and self._cached is not stale:
                return self._cached
            return self._fetch()

    def reset(self) -> None:
        self._cached = None
        self._retry_at = 0.0

    def _is_ending(self, cached: Credentials) -> bool:
        return cached.expires_at is not None and self._clock.now() >= cached.expires_at - LAST_SECONDS_S

    def _is_due(self, cached: Credentials) -> bool:
        if cached.expires_at is None:
            return False
        now = self._clock.now()
        return self._is_ending(cached) or (now >= cached.expires_at - REFRESH_AHEAD_S and now >= self._retry_at)

    def _fetch_if_due(self) -> Credentials:
        cached = self._cached
        if cached is not None and not self._is_due(cached):
            return cached
        try:
            return self._fetch()
        except CredentialsError:
            self._retry_at = self._clock.now() + RETRY_AFTER_S
            if cached is None or self._is_ending(cached):
                raise
            return cached

    def _fetch(self) -> Credentials:
        from lanner.aws.container import fetch

        fetched = fetch(self._uri, token=self._authorization(), clock=self._clock)
        # A source that hands out credentials near their end is not asked again at every call.
        self._retry_at = self._clock.now() + RETRY_AFTER_S
        self._cached = fetched
        return fetched

    def _authorization(self) -> str | None:
        token = self._token
        if self._token_file:
            try:
                with open(self._token_file, encoding="ascii") as file:  # noqa: PTH123 - pathlib costs its import
                    token = file.read().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise CredentialsError(
                    f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE {self._token_file!r} cannot be read: {error}"
                ) from error
        if token is not None and not token.isprintable():
            raise CredentialsError("the container authorization token holds control characters")
        return token


class ChainCredentials:
    """botocore's default chain, which refreshes what it finds by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._source: BotocoreCredentials | None = None
        self._cached: Credentials | None = None

    def get(self) -> Credentials:
        with self._lock:
            return self._frozen()

    def refresh(self, stale: Credentials) -> Credentials:
        with self._lock:
            if self._cached is not None and self._cached is not stale:
                return self._cached
            self._source = None
            return self._frozen()

    def reset(self) -> None:
        self._source = self._cached = None

    def _frozen(self) -> Credentials:
        import botocore.exceptions
        import botocore.session

        try:
            if self._source is None:
                self._source = botocore.session.Session().get_credentials()
            if self._source is None:
                raise CredentialsError(
                    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure a profile"
                )
            frozen = self._source.get_frozen_credentials()
        except botocore.exceptions.BotoCoreError as error:
            raise CredentialsError(f"botocore's credential chain failed: {error}") from error
        found = Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token or None)
        if self._cached is None or self._cached != found:
            self._cached = found
        return self._cached


def default_credentials(clock: Clock, environ: Mapping[str, str] = os.environ) -> CredentialsProvider:
    """The provider that the environment calls for, in the order of the module's docstring."""
    if environ.get("AWS_ACCESS_KEY_ID"):
        return EnvironmentCredentials(environ)
    uri = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not uri and (path := environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")):
        uri = ECS_HOST + path
    if not uri:
        return ChainCredentials()
    return ContainerCredentials(
        uri,
        clock=clock,
        token=environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        token_file=environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    )
