"""What a client gets wrong, and what it is told: status, type, pointers."""

from __future__ import annotations

import zlib

import pytest

from domain.users.fields import NAME_MAX
from tests.functions.api_client import MERGE_PATCH, Client

GOOD1 = {"name": "Ana Cruz", "email": "ana@example.com"}
GOOD2 = {"given_name": "Ana", "family_name": "Cruz", "email": "ana@example.com", "locale": "en"}
LONG = "x" * (NAME_MAX + 1)

WRONG_V2 = [
    ({}, ["#/given_name", "#/email"]),
    ({**GOOD2, "given_name": None}, ["#/given_name"]),
    ({**GOOD2, "given_name": " \t "}, ["#/given_name"]),
    ({**GOOD2, "given_name": LONG}, ["#/given_name"]),
    ({**GOOD2, "given_name": "A\u0000na"}, ["#/given_name"]),
    ({**GOOD2, "given_name": "A\u2028na"}, ["#/given_name"]),
    ({**GOOD2, "given_name": 7}, ["#/given_name"]),
    ({**GOOD2, "family_name": ""}, ["#/family_name"]),
    ({**GOOD2, "family_name": ["Cruz"]}, ["#/family_name"]),
    ({**GOOD2, "given_name": "x" * 100, "family_name": "y" * 100}, ["#/family_name"]),
    ({**GOOD2, "email": "ana"}, ["#/email"]),
    ({**GOOD2, "email": None}, ["#/email"]),
    ({**GOOD2, "email": True}, ["#/email"]),
    ({**GOOD2, "locale": None}, ["#/locale"]),
    ({**GOOD2, "locale": "english please"}, ["#/locale"]),
    ({**GOOD2, "name": "Ana Cruz"}, ["#/name"]),
    ({**GOOD2, "a/b~c": 1}, ["#/a~1b~0c"]),
    ({"colour": "red", "email": "no", "locale": 3}, ["#/colour", "#/given_name", "#/email", "#/locale"]),
]
WRONG_V1 = [
    ({}, ["#/name", "#/email"]),
    ({**GOOD1, "name": LONG}, ["#/name"]),
    ({**GOOD1, "name": None}, ["#/name"]),
    ({**GOOD1, "email": "a@b@c.de"}, ["#/email"]),
    ({**GOOD1, "locale": "en"}, ["#/locale"]),
    ({**GOOD1, "updated_at": "2026-01-01T00:00:00Z"}, ["#/updated_at"]),
]
CASES = [("v1", *case) for case in WRONG_V1] + [("v2", *case) for case in WRONG_V2]


@pytest.mark.parametrize(("version", "body", "pointers"), CASES)
def test_each_wrong_member_is_pointed_to(
    client: Client, version: str, body: dict[str, object], pointers: list[str]
) -> None:
    """422 with one pointer for each mistake, for POST and PUT alike, and nothing is written."""
    good = GOOD1 if version == "v1" else GOOD2
    user = client.post(f"/{version}/users", good).json()
    for answer in (client.post(f"/{version}/users", body), client.put(f"/{version}/users/{user['id']}", body)):
        assert answer.status == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["type"], problem["status"]) == ("/problems/invalid-input", 422)
        assert problem["instance"]
        assert sorted(error["pointer"] for error in problem["errors"]) == sorted(pointers)
        assert all(error["detail"] for error in problem["errors"])
    assert client.get(f"/{version}/users/{user['id']}").json() == user


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 400, "invalid-json"),
        (b"{", 400, "invalid-json"),
        (b"\xff", 400, "invalid-json"),
        (b'{"given_name": NaN}', 400, "invalid-json"),
        (b'{"given_name": "\\ud800"}', 400, "invalid-json"),
        (b'{"a": 1, "a": 1}', 400, "duplicate-key"),
        (b'{"given_name": "Ana", "x": {"b": 1, "b": 2}}', 400, "duplicate-key"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, "invalid-json"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, 422, "invalid-input"),
        (b"[]", 422, "invalid-input"),
        (b"null", 422, "invalid-input"),
        (b'"text"', 422, "invalid-input"),
        (b'{"given_name": ' + b"9" * 300 + b"}", 422, "invalid-input"),
        (b'{"given_name": ' + b"9" * 5000 + b"}", 400, "invalid-json"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes, status: int, slug: str) -> None:
    """400 for what cannot be read, 422 for what is read and is no object; the same for all three writing methods."""
    user = client.post("/v2/users", GOOD2).json()
    target = f"/v2/users/{user['id']}"
    for method, where, content_type in (
        ("POST", "/v2/users", "application/json"),
        ("PUT", target, "application/json"),
        ("PATCH", target, MERGE_PATCH),
    ):
        answer = client(method, where, body, content_type=content_type)
        assert (answer.status, answer.json()["type"]) == (status, f"/problems/{slug}"), method


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/xml"],
)
def test_another_media_type_is_refused(client: Client, content_type: str) -> None:
    """415 says which one is read: Accept for POST and PUT, Accept-Patch for PATCH."""
    user = client.post("/v2/users", GOOD2).json()
    posted = client("POST", "/v2/users", GOOD2, content_type=content_type)
    assert (posted.status, posted.headers["accept"]) == (415, "application/json")
    patched = client("PATCH", f"/v2/users/{user['id']}", {}, content_type=content_type)
    assert (patched.status, patched.headers["accept-patch"]) == (415, MERGE_PATCH)


def test_a_patch_is_a_merge_patch_and_says_so(client: Client) -> None:
    """`application/json` names no patch format, so it is refused (RFC 5789 section 2.2)."""
    user = client.post("/v2/users", GOOD2).json()
    answer = client("PATCH", f"/v2/users/{user['id']}", {"locale": "de"}, content_type="application/json")
    assert (answer.status, answer.headers["accept-patch"]) == (415, MERGE_PATCH)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=UTF-8",
        "Application/JSON",
        "application/vnd.lanner.v2+json",
        "application/vnd.lanner+json",
    ],
)
def test_json_by_any_of_its_names_is_read(client: Client, content_type: str) -> None:
    """Types are case-insensitive, UTF-8 may be said, and our vendor types are JSON."""
    assert client("POST", "/v2/users", GOOD2, content_type=content_type).status == 201


@pytest.mark.parametrize("content_type", ["application/vnd.lanner.v1+json", "application/vnd.lanner.v3+json"])
def test_a_body_of_another_version_is_not_taken_for_one_of_this(client: Client, content_type: str) -> None:
    """A body that says that it is v1's would be half understood by v2, so it is a 415."""
    answer = client("POST", "/v2/users", GOOD2, content_type=content_type)
    assert (answer.status, answer.headers["accept"]) == (415, "application/json")


@pytest.mark.parametrize("coding", ["gzip", "zstd", "GZIP", "gzip, identity"])
def test_a_compressed_body_is_refused_by_name(client: Client, coding: str) -> None:
    """415 with the codings that are taken, and not a riddle about bytes that are no JSON (RFC 9110 section 12.5.3)."""
    user = client.post("/v2/users", GOOD2).json()
    body = zlib.compress(b'{"locale":"de"}', wbits=31)
    for method, target, content_type in (
        ("POST", "/v2/users", "application/json"),
        ("PATCH", f"/v2/users/{user['id']}", MERGE_PATCH),
    ):
        answer = client(method, target, body, content_type=content_type, headers={"Content-Encoding": coding})
        assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")
        assert answer.json()["type"] == "/problems/unsupported-media-type"
    plain = client.post("/v2/users", {**GOOD2, "email": "plain@example.com"})
    assert plain.status == 201


def test_a_body_may_say_that_it_is_as_it_is(client: Client) -> None:
    """`Content-Encoding: identity` is no coding."""
    assert client("POST", "/v2/users", GOOD2, headers={"Content-Encoding": "identity"}).status == 201


def test_many_mistakes_are_answered_briefly(client: Client) -> None:
    """Fifty entries and short names whatever was sent, so that the answer stays below what a gateway lets through."""
    user = client.post("/v2/users", GOOD2).json()
    wrong = {f"unknown_{number}": 1 for number in range(2000)} | {"x" * 100_000: 1}
    query = "&".join(f"{'y' * 100}{number}=1" for number in range(300))
    for answer in (
        client.patch(f"/v2/users/{user['id']}", {**dict(reversed(wrong.items()))}),
        client.post("/v2/users", {**GOOD2, **wrong}),
        client.get(f"/v2/users?{query}"),
        client.get(f"/v2/users?fields={','.join('z' * 100 for _ in range(300))}"),
    ):
        assert answer.status in (400, 422)
        assert 1 <= len(answer.json()["errors"]) <= 50
        assert len(answer.body) < 20_000


@pytest.mark.parametrize(
    ("patch", "pointers"),
    [
        ({"given_name": None}, ["#/given_name"]),
        ({"email": None}, ["#/email"]),
        ({"id": None}, ["#/id"]),
        ({"created_at": None}, ["#/created_at"]),
        ({"nickname": None}, ["#/nickname"]),
        ({"nickname": "A"}, ["#/nickname"]),
        ({"family_name": {"a": 1}}, ["#/family_name"]),
        ({"id": "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"}, ["#/id"]),
    ],
)
def test_a_patch_must_leave_a_user(client: Client, patch: dict[str, object], pointers: list[str]) -> None:
    """422 for removing what is required or read-only, and for members that there are not, removed ones too."""
    user = client.post("/v2/users", GOOD2).json()
    answer = client.patch(f"/v2/users/{user['id']}", patch)
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert client.get(f"/v2/users/{user['id']}").json() == user


def test_a_patch_may_repeat_what_is_read_only(client: Client) -> None:
    """The document that GET gave is also a merge patch that changes nothing; `updated_at` may be any text."""
    user = client.post("/v2/users", GOOD2).json()
    for patch in (user, {"updated_at": None}, {}):
        answer = client.patch(f"/v2/users/{user['id']}", patch)
        assert (answer.status, answer.json()) == (200, user)


def test_names_that_just_fit_go_through_both_versions(client: Client) -> None:
    """200 characters with the space in v2 are 200 in v1, and every PUT takes what its GET gave."""
    body = {**GOOD2, "given_name": "x" * 100, "family_name": "y" * 99}
    user = client.post("/v2/users", body).json()
    one = client.get(f"/v1/users/{user['id']}").json()
    assert len(one["name"]) == NAME_MAX
    assert client.put(f"/v1/users/{user['id']}", one).status == 200
    word = client.post("/v1/users", {"name": "z" * NAME_MAX, "email": "z@example.com"}).json()
    two = client.get(f"/v2/users/{word['id']}").json()
    assert (two["given_name"], two["family_name"]) == ("z" * NAME_MAX, None)
    assert client.put(f"/v2/users/{word['id']}", two).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_unknown_parameters_are_refused_by_name(client: Client, method: str) -> None:
    """A parameter that nobody reads is a mistake of the caller's: 400 names it and the known ones."""
    user = client.post("/v2/users", GOOD2).json()
    content_type = MERGE_PATCH if method == "PATCH" else "application/json"
    body = None if method in ("GET", "DELETE") else GOOD2
    answer = client(method, f"/v2/users/{user['id']}?colour=red", body, content_type=content_type)
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (400, "?colour")
    assert answer.json()["type"] == "/problems/unknown-parameter"
