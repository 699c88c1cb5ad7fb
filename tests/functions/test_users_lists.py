"""Lists of users: by cursor in v2, by offset in v1, reading no more than a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from lanner.aws import wire
from tests.functions.api_client import Client

COUNT = 47
LINK = re.compile(r'<([^>]*)>; rel="([a-z]+)"')


@pytest.fixture
def many(client: Client) -> list[dict[str, Any]]:
    """Users in the order of their creation, as v2 shows them."""
    return [
        client.post("/v2/users", {"given_name": f"N{number}", "email": f"n{number}@example.com"}).json()
        for number in range(COUNT)
    ]


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many items each query read."""
    counts: list[int] = []
    real = wire.dynamodb()

    class Counting:
        def call(self, operation: str, payload: dict[str, Any], **options: Any) -> dict[str, Any]:
            answer = real.call(operation, payload, **options)
            if operation == "Query":
                counts.append(answer["ScannedCount"])
            return answer

    monkeypatch.setattr(wire, "dynamodb", Counting)
    yield counts


def links(answer: Any) -> dict[str, str]:
    """The targets of the Link field by relation; v1's lifecycle links aside."""
    return {rel: target for target, rel in LINK.findall(answer.headers["link"]) if rel in ("first", "prev", "next")}


@pytest.mark.parametrize("limit", [1, 3, 20, 46, 47, 48, 100])
def test_a_walk_by_cursor_sees_everybody_once(client: Client, many: list[dict[str, Any]], limit: int) -> None:
    """Forward by `next_cursor`, in the order of creation; null is the only sign of the end."""
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"/v2/users?limit={limit}" + (f"&cursor={cursor}" if cursor else "")).json()
        assert set(page) == {"data", "next_cursor"}
        assert 1 <= len(page["data"]) <= limit
        seen += page["data"]
        cursor = page["next_cursor"]
    assert seen == many


def test_links_lead_forward_and_back(client: Client, many: list[dict[str, Any]]) -> None:
    """`next` to the end, then `prev` to the start: the same pages in reverse, and `first` from anywhere."""
    pages = []
    target: str | None = "/v2/users?limit=10&fields=id"
    while target is not None:
        answer = client.get(target)
        pages.append(answer.json()["data"])
        found = links(answer)
        assert found["first"] == "/v2/users?limit=10&fields=id"
        assert ("prev" in found) is (len(pages) > 1)
        target = found.get("next")
    assert [user["id"] for page in pages for user in page] == [user["id"] for user in many]
    back = [pages[-1]]
    while "prev" in found:
        answer = client.get(found["prev"])
        back.insert(0, answer.json()["data"])
        found = links(answer)
        assert "next" in found
    assert back == [pages[index] for index in range(len(pages))]


def test_pages_stay_right_while_users_come_and_go(client: Client, many: list[dict[str, Any]]) -> None:
    """A cursor is a place and not a number: deleting in front of it skips and repeats nobody."""
    first = client.get("/v2/users?limit=10").json()
    for user in many[:10]:
        client.delete(f"/v2/users/{user['id']}")
    second = client.get(f"/v2/users?limit=10&cursor={first['next_cursor']}")
    assert second.json()["data"] == many[10:20]
    before = client.get(links(second)["prev"])
    assert (before.json()["data"], "prev" in links(before)) == ([], False)
    assert client.get(links(before)["next"]).json()["data"] == many[10:20]


def test_a_page_reads_a_page(client: Client, many: list[dict[str, Any]], scanned: list[int]) -> None:
    """Items read for one page: about as many as it shows, wherever it is and whatever there is beside it."""
    for limit in (5, 10, 20):
        target: str | None = f"/v2/users?limit={limit}"
        while target is not None:
            del scanned[:]
            answer = client.get(target)
            assert sum(scanned) <= 2 * limit + 16, f"limit {limit}: {scanned}"
            target = links(answer).get("next")
    del scanned[:]
    client.get("/v2/users?email=n7@example.com")
    assert scanned == []


def test_users_by_address(client: Client, many: list[dict[str, Any]]) -> None:
    """`email=` finds the one user in any case, and nobody is an empty list."""
    assert client.get("/v2/users?email=N7@Example.com").json() == {"data": [many[7]], "next_cursor": None}
    assert client.get("/v2/users?email=nobody@example.com").json() == {"data": [], "next_cursor": None}
    assert client.get("/v2/users?email=nobody").status == 400
    after = quote(many[7]["created_at"])
    assert client.get(f"/v2/users?email=n7@example.com&created_after={after}").json()["data"] == []


def test_users_created_after_a_moment(client: Client, many: list[dict[str, Any]]) -> None:
    """Strictly after it, through all pages, forward and back; a time zone is a time zone."""
    moment = many[20]["created_at"]
    expected = [user for user in many if user["created_at"] > moment]
    seen: list[dict[str, Any]] = []
    target: str | None = f"/v2/users?limit=7&created_after={quote(moment)}"
    while target is not None:
        answer = client.get(target)
        seen += answer.json()["data"]
        target = links(answer).get("next")
    assert seen == expected
    offset = moment.replace("Z", "+00:00")
    assert client.get(f"/v2/users?limit=100&created_after={quote(offset)}").json()["data"] == expected
    assert client.get("/v2/users?created_after=9999-12-31T23:59:59Z").json()["data"] == []
    assert len(client.get("/v2/users?limit=100&created_after=1950-01-01T00:00:00Z").json()["data"]) == COUNT


def test_a_cursor_belongs_to_its_list(client: Client, many: list[dict[str, Any]]) -> None:
    """Other filters, another version, a changed letter: 400 `invalid-cursor`; `limit` and `fields` may change."""
    cursor = client.get("/v2/users?limit=5").json()["next_cursor"]
    moment = quote(many[0]["created_at"])
    letter = "A" if cursor[10] != "A" else "B"
    for target in (
        f"/v2/users?cursor={cursor}&created_after={moment}",
        f"/v2/users?cursor={cursor}&email=n7@example.com",
        f"/v2/users?cursor={cursor[:10]}{letter}{cursor[11:]}",
        "/v2/users?cursor=nonsense",
        "/v2/users?cursor=%F0%9F%98%80",
    ):
        answer = client.get(target)
        assert (answer.status, answer.json()["type"]) == (400, "/problems/invalid-cursor"), target
    page = client.get(f"/v2/users?cursor={cursor}&limit=2&fields=id").json()
    assert page["data"] == [{"id": user["id"]} for user in many[5:7]]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=-1", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=1&limit=2", "?limit"),
        ("cursor=", "?cursor"),
        ("colour=red", "?colour"),
        ("offset=3", "?offset"),
        ("fields=", "?fields"),
        ("fields=id,colour", "?fields"),
        ("created_after=yesterday", "?created_after"),
        ("created_after=2026-02-30T00:00:00Z", "?created_after"),
        ("email=a@b.co&email=c@d.co", "?email"),
    ],
)
def test_wrong_parameters_of_v2(client: Client, query: str, pointer: str) -> None:
    """400 that points to the parameter."""
    answer = client.get(f"/v2/users?{query}")
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_v1_goes_by_offset(client: Client, many: list[dict[str, Any]]) -> None:
    """`{data, limit, offset}` in the same order, with links that lead through."""
    seen: list[str] = []
    target: str | None = "/v1/users?limit=20"
    offsets = []
    while target is not None:
        answer = client.get(target)
        page = answer.json()
        assert set(page) == {"data", "limit", "offset"}
        assert set(page["data"][0]) == {"id", "name", "email", "created_at"}
        seen += [user["id"] for user in page["data"]]
        offsets.append(page["offset"])
        target = links(answer).get("next")
    assert seen == [user["id"] for user in many]
    assert offsets == [0, 20, 40]
    assert links(answer)["prev"] == "/v1/users?limit=20&offset=20"
    assert client.get("/v1/users?offset=46").json()["data"][0]["id"] == many[46]["id"]
    for beyond in (47, 48, 1000):
        page = client.get(f"/v1/users?offset={beyond}").json()
        assert page == {"data": [], "limit": 20, "offset": beyond}


def test_v1_leads_to_the_cursor_where_offset_ends(client: Client) -> None:
    """Beyond 1,000 skipping is refused, and the error names what to use."""
    answer = client.get("/v1/users?offset=1001")
    assert answer.status == 400
    assert "cursor" in answer.json()["detail"]
    assert "/v2/users" in answer.json()["detail"]
    for query in ("limit=0", "offset=-1", "offset=x", "cursor=x", "fields=id"):
        assert client.get(f"/v1/users?{query}").status == 400


def test_too_large_a_page_is_clamped(client: Client) -> None:
    """AIP-158: the server decides how much it gives."""
    assert client.get("/v1/users?limit=1000").json()["limit"] == 100
    assert client.get("/v1/users?limit=" + "9" * 400).json()["limit"] == 100
    assert client.get("/v2/users?limit=1000").status == 200


def test_empty_lists(client: Client) -> None:
    """No users are no error."""
    assert client.get("/v2/users").json() == {"data": [], "next_cursor": None}
    assert client.get("/v1/users").json() == {"data": [], "limit": 20, "offset": 0}
    assert links(client.get("/v2/users")) == {"first": "/v2/users"}
