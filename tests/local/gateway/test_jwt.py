"""JWT authorizers against key sets in local files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from lanner.local.plan import AuthorizerPlan
from tests.local.gateway.gateway_cloud import Serve, Served, cloud, echo, http_api, rest_api, route

ISSUER = "https://login.example.com/tenant"
NOW = 1_583_349_317
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER = RSAKey.generate_key(2048, {"kid": "k1"})


def token(key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    given = {"iss": ISSUER, "aud": "shop", "exp": NOW + 60, "sub": "u1", **claims}
    header = {"alg": "RS256", "kid": "k1", **(header or {})}
    return jwt.encode(
        header,
        {name: value for name, value in given.items() if value is not None},
        key,
        algorithms=["RS256", "RS512", "HS256", "ES256", "PS256"],
    )


def bearer(*args: Any, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(*args, **claims)}"}


def served_api(
    serve: Serve, folder: Path, *, payload: str = "2.0", scopes: tuple[str, ...] = (), keys: bool = True
) -> Served:
    """An HTTP API with a JWT authorizer and its key set where `lanner dev` looks for it."""
    if keys:
        write_keys(folder / ".lanner" / "jwks" / "login.example.com.json", KEY)
    plan = AuthorizerPlan(
        "Jwt", "jwt", identity_sources=("$request.header.Authorization",), issuer=ISSUER, audience=("shop", "app")
    )
    api = http_api(route("GET /x", authorizer="Jwt", scopes=scopes, payload_version=payload), authorizers={"Jwt": plan})
    return serve(cloud(api, template=folder / "template.yaml"), {"Fn": echo})


def write_keys(file: Path, *keys: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))


def test_a_valid_token_passes_and_its_claims_arrive_as_text(serve: Serve, tmp_path: Path) -> None:
    """`authorizer.jwt` with claims as AWS writes them, and null scopes where the route has none."""
    served = served_api(serve, tmp_path)
    event = served.get("/x", headers=bearer(admin=True, groups=["a", "b"])).json()
    details = event["requestContext"]["authorizer"]["jwt"]
    assert details["claims"]["sub"] == "u1"
    assert (details["claims"]["exp"], details["claims"]["admin"]) == (str(NOW + 60), "true")
    assert details["claims"]["groups"] == "[a b]"
    assert details["scopes"] is None
    assert served.get("/x", headers={"Authorization": token()}).status_code == 200


def test_format_1_0_has_claims_and_scopes_themselves(serve: Serve, tmp_path: Path) -> None:
    """The older payload format nests nothing."""
    served = served_api(serve, tmp_path, payload="1.0", scopes=("read",))
    authorizer = served.get("/x", headers=bearer(scope="read write")).json()["requestContext"]["authorizer"]
    assert (authorizer["claims"]["sub"], authorizer["scopes"]) == ("u1", ["read"])


def test_a_missing_token_is_401_with_a_challenge(serve: Serve, tmp_path: Path) -> None:
    """`www-authenticate: Bearer` and nothing more."""
    answer = served_api(serve, tmp_path).get("/x")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


def respelt(text: str) -> str:
    """The token with its last character changed in bits that decoding drops."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def test_the_wrong_audience_is_said_in_the_documented_words(serve: Serve, tmp_path: Path) -> None:
    """The client learns that it is the audience, the developer which one."""
    answer = served_api(serve, tmp_path).get("/x", headers=bearer(aud="other"))
    said = 'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    assert answer.headers["www-authenticate"] == said


REFUSED: dict[str, dict[str, str]] = {
    "expired": bearer(exp=NOW),
    "no exp": bearer(exp=None),
    "not yet": bearer(nbf=NOW + 5),
    "issued in the future": bearer(iat=NOW + 5),
    "exp as text": bearer(exp="tomorrow"),
    "another issuer": bearer(iss="https://evil.example"),
    "another audience": bearer(aud="other"),
    "another client_id": bearer(aud=None, client_id="other"),
    "another key": bearer(OTHER),
    "unknown kid": bearer(header={"kid": "k2"}),
    "elliptic": bearer(ECKey.generate_key("P-256"), {"alg": "ES256"}),
    "PSS": bearer(header={"alg": "PS256"}),
    "symmetric": bearer(OctKey.import_key(b"secret-secret-secret-secret-secret"), {"alg": "HS256"}),
    "no token": {"Authorization": "Bearer nonsense"},
    "unsigned": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    "the same signature spelt otherwise": {"Authorization": f"Bearer {respelt(token())}"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
def test_tokens_that_are_not_valid_are_401(serve: Serve, tmp_path: Path, headers: dict[str, str]) -> None:
    """401 with `invalid_token`, and the function is not called."""
    served = served_api(serve, tmp_path)
    answer = served.get("/x", headers=headers)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert served.invoker.calls == []


def test_one_of_the_routes_scopes_is_enough(serve: Serve, tmp_path: Path) -> None:
    """`scope` or `scp`, as text or list; without any of them 403."""
    served = served_api(serve, tmp_path, scopes=("read", "write"))
    for claims in ({"scope": "other write"}, {"scp": ["write"]}, {"scp": "write"}):
        event = served.get("/x", headers=bearer(**claims)).json()
        assert event["requestContext"]["authorizer"]["jwt"]["scopes"] == ["write"]
    denied = served.get("/x", headers=bearer(scope="other"))
    assert (denied.status_code, denied.json()) == (403, {"message": "Forbidden"})
    assert 'error="insufficient_scope"' in denied.headers["www-authenticate"]


def test_client_id_stands_in_for_aud(serve: Serve, tmp_path: Path) -> None:
    """Where there is no `aud`; a list of audiences needs one in common."""
    served = served_api(serve, tmp_path)
    assert served.get("/x", headers=bearer(aud=None, client_id="app")).status_code == 200
    assert served.get("/x", headers=bearer(aud=["other", "shop"])).status_code == 200


def test_a_missing_key_set_is_said_at_start_and_500_after(serve: Serve, tmp_path: Path) -> None:
    """The finding names the file that would help; once it is there it is used."""
    served = served_api(serve, tmp_path, keys=False)
    file = tmp_path / ".lanner" / "jwks" / "login.example.com.json"
    assert str(file) in served.gateway.findings[0].message
    assert served.get("/x", headers=bearer()).status_code == 500
    assert str(file) in served.records[-1].note
    write_keys(file, KEY)
    assert served.get("/x", headers=bearer()).status_code == 200


def test_a_changed_key_set_is_read_again(serve: Serve, tmp_path: Path) -> None:
    """Rotating the keys needs no restart; a broken file is a 500 that names it."""
    served = served_api(serve, tmp_path)
    file = tmp_path / ".lanner" / "jwks" / "login.example.com.json"
    assert served.get("/x", headers=bearer(OTHER)).status_code == 401
    write_keys(file, OTHER)
    assert served.get("/x", headers=bearer(OTHER)).status_code == 200
    file.write_text("no json")
    assert served.get("/x", headers=bearer(OTHER)).status_code == 500
    assert "is no JWKS" in served.records[-1].note


def test_files_given_for_an_issuer_come_first(serve: Serve, tmp_path: Path) -> None:
    """`--jwks` by issuer or host name."""
    write_keys(tmp_path / "keys.json", KEY)
    plan = AuthorizerPlan("Jwt", "jwt", issuer=ISSUER)
    api = http_api(route("GET /x", authorizer="Jwt"), authorizers={"Jwt": plan})
    for name in (ISSUER, "login.example.com"):
        served = serve(cloud(api), {"Fn": echo}, jwks={name: tmp_path / "keys.json"})
        assert served.gateway.findings == ()
        assert served.get("/x", headers=bearer(aud=None)).status_code == 200


POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"


def pool_api(serve: Serve, tmp_path: Path, scopes: tuple[str, ...] = (), **more: Any) -> Served:
    """A REST API whose `/x` is behind a Cognito authorizer."""
    write_keys(tmp_path / ".lanner" / "jwks" / "cognito-idp.eu-west-1.amazonaws.com.json", KEY)
    source = ("method.request.header.Authorization",)
    plan = AuthorizerPlan("Pool", "cognito", identity_sources=source, issuer=POOL, **more)
    api = rest_api(route("GET /x", authorizer="Pool", scopes=scopes), authorizers={"Pool": plan})
    return serve(cloud(api, template=tmp_path / "template.yaml"), {"Fn": echo})


def test_a_cognito_authorizer_of_a_rest_api(serve: Serve, tmp_path: Path) -> None:
    """Claims under `authorizer.claims`; 401 `Unauthorized` in a REST API's words."""
    served = pool_api(serve, tmp_path)
    event = served.get("/prod/x", headers=bearer(iss=POOL)).json()
    assert event["requestContext"]["authorizer"]["claims"]["sub"] == "u1"
    refused = served.get("/prod/x", headers=bearer())
    assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})
    assert refused.headers["x-amzn-errortype"] == "UnauthorizedException"


def test_a_cognito_authorizers_validation_is_for_the_audience(serve: Serve, tmp_path: Path) -> None:
    """An access token has none, so that it is refused."""
    served = pool_api(serve, tmp_path, validation_regex="sh.*")
    tokens = [bearer(iss=POOL), bearer(iss=POOL, aud="app"), bearer(iss=POOL, aud=None)]
    assert [served.get("/prod/x", headers=headers).status_code for headers in tokens] == [200, 401, 401]


@pytest.mark.parametrize(("scopes", "statuses"), [((), [200, 401]), (("read",), [401, 200])])
def test_scopes_ask_for_an_access_token(
    serve: Serve, tmp_path: Path, scopes: tuple[str, ...], statuses: list[int]
) -> None:
    """Without scopes it is the identity token that counts."""
    served = pool_api(serve, tmp_path, scopes)
    tokens = [bearer(iss=POOL, token_use="id", scope=None), bearer(iss=POOL, token_use="access", scope="read")]
    assert [served.get("/prod/x", headers=headers).status_code for headers in tokens] == statuses
