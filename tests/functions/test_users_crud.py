"""Users through the real handlers: what a client of one version, or of both, sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functions.api_client import Client

ANA = {"given_name": "Ana", "family_name": "de la Cruz", "email": "Ana@Example.com", "locale": "pt-BR"}
MISSING = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"


def test_a_new_user_is_answered_with_its_address(client: Client) -> None:
    """201, Location, ETag and the whole document; what was left out has its default."""
    answer = client.post("/v2/users", {"given_name": "Ana", "email": "ana@example.com"})
    assert answer.status == 201
    user = answer.json()
    assert answer.headers["location"] == f"/v2/users/{user['id']}"
    assert answer.headers["etag"] == '"v2.1-1"'
    assert (user["family_name"], user["locale"]) == (None, "en")
    assert user["created_at"] == user["updated_at"]
    again = client.get(answer.headers["location"])
    assert (again.status, again.json()) == (200, user)
    assert again.headers["cache-control"] == "private, no-cache"


def test_a_location_leads_to_the_version_that_was_chosen(client: Client) -> None:
    """By header the client sends the header again; by query the version is in the address."""
    by_header = client("POST", "/users", {**ANA, "email": "a@b.co"}, headers={"X-API-Version": "2"})
    assert by_header.headers["location"] == f"/users/{by_header.json()['id']}"
    by_query = client.post("/users?version=2", {**ANA, "email": "c@d.co"})
    assert by_query.headers["location"] == f"/users/{by_query.json()['id']}?version=2"
    assert client.get(by_query.headers["location"]).json() == by_query.json()


def test_put_takes_what_get_gives(client: Client) -> None:
    """In both versions, and changes nothing, not even the time of the last write."""
    user = client.post("/v2/users", ANA).json()
    for version in ("v1", "v2"):
        target = f"/{version}/users/{user['id']}"
        got = client.get(target)
        put = client.put(target, got.json())
        assert (put.status, put.json(), put.headers["etag"]) == (200, got.json(), got.headers["etag"])
    assert client.get(f"/v2/users/{user['id']}").json() == user


def test_what_v1_writes_v2_reads_and_nothing_is_lost(client: Client) -> None:
    """A v1 client changes the given name; family name and locale, which it does not know, stay."""
    user = client.post("/v2/users", ANA).json()
    one = client.get(f"/v1/users/{user['id']}").json()
    assert one == {
        "id": user["id"],
        "name": "Ana de la Cruz",
        "email": "Ana@Example.com",
        "created_at": user["created_at"],
    }
    put = client.put(f"/v1/users/{user['id']}", {**one, "name": "Eva de la Cruz"})
    assert put.json()["name"] == "Eva de la Cruz"
    two = client.get(f"/v2/users/{user['id']}").json()
    assert (two["given_name"], two["family_name"], two["locale"]) == ("Eva", "de la Cruz", "pt-BR")
    assert two["updated_at"] >= user["updated_at"]


def test_v1_reads_exactly_the_name_it_wrote_until_v2_changes_it(client: Client) -> None:
    """`Ana  Maria Cruz` with two spaces comes back so; a new given name in v2 makes it two parts again."""
    user = client.post("/v1/users", {"name": "Ana  Maria Cruz", "email": "ana@example.com"}).json()
    assert user["name"] == "Ana  Maria Cruz"
    client.patch(f"/v2/users/{user['id']}", {"locale": "pt"})
    assert client.get(f"/v1/users/{user['id']}").json()["name"] == "Ana  Maria Cruz"
    client.patch(f"/v2/users/{user['id']}", {"given_name": "Eva"})
    assert client.get(f"/v1/users/{user['id']}").json()["name"] == "Eva Cruz"


def test_a_merge_patch_changes_what_it_names(client: Client) -> None:
    """Null removes the family name and resets the locale; the rest stays."""
    user = client.post("/v2/users", ANA).json()
    answer = client.patch(f"/v2/users/{user['id']}", {"family_name": None, "locale": None, "given_name": "Eva"})
    assert answer.status == 200
    changed = answer.json()
    assert {**user, "given_name": "Eva", "family_name": None, "locale": "en"} == {
        **changed,
        "updated_at": user["updated_at"],
    }
    one = client.patch(f"/v1/users/{user['id']}", {"name": "Rui"})
    assert (one.status, one.json()["name"]) == (200, "Rui")


def test_an_address_is_one_user_whatever_its_case(client: Client) -> None:
    """409 for a second user, by POST, PUT and PATCH, without saying whose it is; the first may respell it."""
    first = client.post("/v2/users", ANA).json()
    other = client.post("/v2/users", {**ANA, "email": "other@example.com"}).json()
    for answer in (
        client.post("/v1/users", {"name": "X", "email": "ANA@example.COM"}),
        client.put(f"/v2/users/{other['id']}", {**other, "email": "ana@example.com"}),
        client.patch(f"/v1/users/{other['id']}", {"email": "ana@Example.com"}),
    ):
        assert answer.status == 409
        problem = answer.json()
        assert (problem["type"], problem["errors"][0]["pointer"]) == ("/problems/email-taken", "#/email")
        assert first["id"] not in answer.body.decode()
    respelled = client.patch(f"/v2/users/{first['id']}", {"email": "ana@example.com"})
    assert (respelled.status, respelled.json()["email"]) == (200, "ana@example.com")


def test_a_free_address_can_be_taken_again(client: Client) -> None:
    """A change of address and a deletion both give the old one free."""
    first = client.post("/v2/users", ANA).json()
    client.patch(f"/v2/users/{first['id']}", {"email": "new@example.com"})
    assert client.post("/v2/users", ANA).status == 201
    client.delete(f"/v2/users/{first['id']}")
    assert client.post("/v2/users", {**ANA, "email": "NEW@example.com"}).status == 201


def test_concurrent_creation_with_one_address_gives_one_user(client: Client) -> None:
    """Of 16 requests at once exactly one is 201, all others 409."""
    with ThreadPoolExecutor(16) as pool:
        bodies = [{**ANA, "given_name": f"Ana {number}"} for number in range(16)]
        statuses = sorted(answer.status for answer in pool.map(lambda body: client.post("/v2/users", body), bodies))
    assert statuses == [201] + [409] * 15
    assert len(client.get("/v2/users?limit=100").json()["data"]) == 1


def test_concurrent_patches_all_count(client: Client) -> None:
    """Eight clients change different members through both versions; none of the changes is lost."""
    user = client.post("/v2/users", ANA).json()
    patches = [
        ("v2", {"locale": "de"}),
        ("v2", {"given_name": "Eva"}),
        ("v1", {"email": "new@example.com"}),
        ("v2", {"locale": "de"}),
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: client.patch(f"/{each[0]}/users/{user['id']}", each[1]), patches))
    assert [answer.status for answer in answers] == [200] * 4
    now = client.get(f"/v2/users/{user['id']}").json()
    assert (now["locale"], now["given_name"], now["email"]) == ("de", "Eva", "new@example.com")


def test_deleting_is_final(client: Client) -> None:
    """204 without a body, then 404 for everything."""
    user = client.post("/v2/users", ANA).json()
    target = f"/v2/users/{user['id']}"
    gone = client.delete(target)
    assert (gone.status, gone.body) == (204, b"")
    for answer in (client.get(target), client.delete(target), client.put(target, ANA), client.patch(target, {})):
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("written", ["1", "0190a1b2", MISSING.replace("-", ""), MISSING[:-1] + "g", "%F0%9F%98%80"])
def test_what_is_no_id_is_not_found(client: Client, written: str) -> None:
    """404, and the detail says what an id looks like."""
    answer = client.get(f"/v2/users/{written}")
    assert answer.status == 404
    assert "ids are UUIDs" in answer.json()["detail"]


def test_ids_are_read_in_any_case(client: Client) -> None:
    """A UUID in capitals is the same user (RFC 9562 section 4)."""
    user = client.post("/v2/users", ANA).json()
    assert client.get(f"/v2/users/{user['id'].upper()}").json() == user
    assert client.put(f"/v2/users/{user['id']}", {**user, "id": user["id"].upper()}).status == 200


def test_read_only_members_may_be_repeated_and_not_changed(client: Client) -> None:
    """`updated_at` is not looked at; another id or another creation is a 422 that points to it."""
    user = client.post("/v2/users", ANA).json()
    target = f"/v2/users/{user['id']}"
    assert client.put(target, {**user, "updated_at": "2000-01-01T00:00:00Z"}).status == 200
    assert client.put(target, {**user, "created_at": user["created_at"].replace("Z", "+00:00")}).status == 200
    for member, value in (("id", MISSING), ("created_at", "2020-01-01T00:00:00Z"), ("created_at", "then"), ("id", 7)):
        answer = client.put(target, {**user, member: value})
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, f"#/{member}")
    assert client.post("/v2/users", {**user, "email": "copy@example.com"}).json()["id"] != user["id"]


def test_head_and_options(client: Client) -> None:
    """HEAD is GET without a body; OPTIONS and 405 have a complete Allow."""
    user = client.post("/v2/users", ANA).json()
    target = f"/v2/users/{user['id']}"
    head, got = client("HEAD", target), client.get(target)
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", got.headers["etag"])
    options = client("OPTIONS", target)
    assert (options.status, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
    assert options.headers["accept-patch"] == "application/merge-patch+json"  # RFC 5789 section 3.1
    assert "accept-patch" not in client("OPTIONS", "/v2/users").headers
    refused = client.post(target, ANA)
    assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
    assert client("DELETE", "/v1/users").headers["allow"] == "GET, HEAD, OPTIONS, POST"
