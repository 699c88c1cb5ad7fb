"""JWT authorizers of HTTP APIs, and Cognito authorizers of REST APIs, against key sets in local files.

There is no network: the keys of issuer `https://host/path` come from the file given for it (`--jwks`), or from
`.lanner/jwks/<host>.json` beside the template. The file is read again when it changes.

The checks are those that API Gateway documents ("Control access to HTTP APIs with JWT authorizers"): an RSA
algorithm, a `kid` of the key set, `iss`, `aud` (or `client_id` where there is no `aud`), `exp`, `nbf`, `iat`, and at
least one of the route's scopes in `scope` or `scp`. Segments must be canonical base64url (RFC 7515, section 2):
decoders that take others let one signature stand for many token texts.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lanner.clock import Clock
from lanner.local.gateway.call import Json
from lanner.local.plan import AuthorizerPlan, CloudPlan

ALGORITHMS = ["RS256", "RS384", "RS512"]


class TokenError(ValueError):
    """A token that is not accepted; the message is what `error_description` says, `detail` the developer's note."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail or message


class KeySetError(RuntimeError):
    """There is no usable key set for an issuer."""


class KeySets:
    """Key sets by issuer, from local files."""

    def __init__(self, plan: CloudPlan, files: Mapping[str, Path]) -> None:
        self._folder = plan.template.parent / ".lanner" / "jwks"
        self._files = files
        self._loaded: dict[Path, tuple[int, KeySet]] = {}

    def file_for(self, issuer: str) -> Path:
        """Where the keys of an issuer are expected."""
        host = urlsplit(issuer).hostname or issuer
        return self._files.get(issuer) or self._files.get(host) or self._folder / f"{host}.json"

    def get(self, issuer: str) -> KeySet:
        """The keys of an issuer. Raises `KeySetError`, which names the file that is missing or wrong."""
        file = self.file_for(issuer)
        try:
            changed = file.stat().st_mtime_ns
            known = self._loaded.get(file)
            if known is not None and known[0] == changed:
                return known[1]
            keys = KeySet.import_key_set(orjson.loads(file.read_bytes()))
        except OSError as error:
            raise KeySetError(f"the keys of {issuer} are expected as a JWKS in {file}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, JoseError) as error:
            raise KeySetError(f"{file} is no JWKS: {error}") from error
        self._loaded[file] = (changed, keys)
        return keys


def bearer_token(value: str) -> str:
    """The token of a header value, with or without `Bearer`."""
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def verify(token: str, authorizer: AuthorizerPlan, keys: KeySet, clock: Clock) -> Json:
    """The claims of a valid token. Raises `TokenError`."""
    _refuse_odd_encoding(token)
    try:
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except JoseError as error:
        raise TokenError(f"signing key or signature is not valid: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise TokenError(f"the token cannot be read: {error}") from error
    if not decoded.header.get("kid"):
        raise TokenError("the token has no kid")
    claims: Json = dict(decoded.claims)
    _check_claims(claims, authorizer, clock.now())
    return claims


def scopes_of(claims: Json) -> list[str]:
    """The token's scopes, from `scope` or `scp`."""
    value = claims.get("scope", claims.get("scp"))
    if isinstance(value, str):
        return value.split()
    return [str(scope) for scope in value] if isinstance(value, list) else []


def claim_texts(claims: Json) -> dict[str, str]:
    """Claims as events carry them: text; a list becomes `[a b]`."""
    return {name: _text(value) for name, value in claims.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(_text(item) for item in value)}]"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _check_claims(claims: Json, authorizer: AuthorizerPlan, now: float) -> None:
    issuer = claims.get("iss")
    if authorizer.issuer and issuer != authorizer.issuer:
        raise TokenError(f"the token's issuer is {issuer!r}, not {authorizer.issuer!r}")
    if authorizer.audience:
        audience = claims["aud"] if "aud" in claims else claims.get("client_id")
        given = audience if isinstance(audience, list) else [audience]
        if not set(map(str, given)) & set(authorizer.audience):
            detail = f"the token is for {audience!r}, not for {' or '.join(authorizer.audience)}"
            raise TokenError("the token does not have a valid audience", detail)
    if _time(claims, "exp", required=True) <= now:
        raise TokenError("the token has expired")
    for name in ("nbf", "iat"):
        if _time(claims, name, required=False) > now:
            raise TokenError(f"the token is not valid yet: {name} lies in the future")


def _time(claims: Json, name: str, *, required: bool) -> float:
    value = claims.get(name)
    if value is None and not required:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TokenError(f"the claim {name} must be a number, not {value!r}")
    return float(value)


def _refuse_odd_encoding(token: str) -> None:
    segments = token.split(".")
    if len(segments) != 3:
        raise TokenError("a JWT has three segments")
    for segment in segments:
        try:
            raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
            canonical = urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == segment
        except ValueError:
            canonical = False
        if not canonical:
            raise TokenError("a segment of the token is no canonical base64url")
