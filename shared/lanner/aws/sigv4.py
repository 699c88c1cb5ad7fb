"""AWS Signature Version 4 for requests whose whole body is in memory.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
Two entries that must agree: `authorization` signs any request, `RequestSigner` signs one shape of request many times
with everything constant computed once. S3 is not served: its paths are encoded once, all other services' twice.

The signing key depends on the secret, the day, the region and the service, costs four HMACs, and is cached;
`forget_keys` empties the cache (a SnapStart snapshot must not hold it).
"""

from __future__ import annotations

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lanner.aws.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
DATE = "x-amz-date"
TOKEN = "x-amz-security-token"  # noqa: S105 - a header's name


@lru_cache(maxsize=8)
def signing_key(secret_access_key: str, day: str, region: str, service: str) -> bytes:
    """The key that signs for one day (`YYYYMMDD`), region and service."""
    key = hmac.digest(f"AWS4{secret_access_key}".encode(), day.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def forget_keys() -> None:
    """Drop the cached signing keys."""
    signing_key.cache_clear()


@lru_cache(maxsize=2)
def _amz_date(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


def amz_date(epoch_seconds: float) -> str:
    """`X-Amz-Date` for a moment: `YYYYMMDDTHHMMSSZ`, UTC."""
    return _amz_date(int(epoch_seconds))


def canonical_path(path: str) -> str:
    """The path as signed: dot segments and empty segments removed, then each segment encoded (once more)."""
    from urllib.parse import quote

    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + trailing, safe="/-_.~")


def canonical_query(query: str) -> str:
    """An encoded query string as signed: its pairs sorted by name, then value; a name alone gets its `=`."""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)


def canonical_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers as signed: lower-case names in order, white space trimmed and collapsed, equal names joined by commas."""
    merged: dict[str, list[str]] = {}
    for name, value in headers:
        merged.setdefault(name.lower().strip(), []).append(" ".join(value.split()))
    return {name: ",".join(merged[name]) for name in sorted(merged)}


def canonical_request(method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes) -> str:
    """The canonical request; every header given is signed."""
    signed = canonical_headers(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    return "\n".join(
        [method, canonical_path(path), canonical_query(query), lines, ";".join(signed), sha256(body).hexdigest()]
    )


def string_to_sign(canonical: str, date: str, region: str, service: str) -> str:
    """What the signing key signs; `date` is the request's `X-Amz-Date`."""
    digest = sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{date}\n{date[:8]}/{region}/{service}/aws4_request\n{digest}"


def authorization(
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    date: str,
) -> str:
    """The `Authorization` header of a request.

    `headers` are those to sign: they must hold `host` and `x-amz-date` (equal to `date`), and the session token's
    header where the credentials have one. `path` and `query` are encoded as they go on the wire.
    """
    pairs = list(headers)
    canonical = canonical_request(method, path, query, pairs, body)
    names = ";".join(canonical_headers(pairs))
    return _authorization(canonical, names, credentials, region, service, date)


def _authorization(
    canonical: str, signed_names: str, credentials: Credentials, region: str, service: str, date: str
) -> str:
    day = date[:8]
    key = signing_key(credentials.secret_access_key, day, region, service)
    signature = hmac.digest(key, string_to_sign(canonical, date, region, service).encode(), "sha256").hex()
    return (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{day}/{region}/{service}/aws4_request, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )


class RequestSigner:
    """Signs one shape of request (method, path, query, constant headers) for changing bodies, dates and credentials."""

    def __init__(
        self,
        *,
        service: str,
        region: str,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]],
        query: str = "",
    ) -> None:
        self._service = service
        self._region = region
        constant = canonical_headers(headers)
        before = "".join(f"{name}:{value}\n" for name, value in constant.items() if name < DATE)
        between = "".join(f"{name}:{value}\n" for name, value in constant.items() if DATE < name < TOKEN)
        after = "".join(f"{name}:{value}\n" for name, value in constant.items() if name > TOKEN)
        self._head = f"{method}\n{canonical_path(path)}\n{canonical_query(query)}\n{before}{DATE}:"
        self._between = f"\n{between}"
        self._names = ";".join(sorted([*constant, DATE]))
        self._names_with_token = ";".join(sorted([*constant, DATE, TOKEN]))
        self._after = f"{after}\n"

    def sign(self, body: bytes, credentials: Credentials, date: str) -> str:
        """The header lines that authenticate a request: `x-amz-date`, the token, `authorization`; CRLF after each."""
        token = credentials.session_token
        if token is None:
            names, token_entry, token_line = self._names, "", ""
        else:
            names, token_entry, token_line = self._names_with_token, f"{TOKEN}:{token}\n", f"{TOKEN}: {token}\r\n"
        canonical = f"{self._head}{date}{self._between}{token_entry}{self._after}{names}\n{sha256(body).hexdigest()}"
        value = _authorization(canonical, names, credentials, self._region, self._service, date)
        return f"{DATE}: {date}\r\n{token_line}authorization: {value}\r\n"
