"""The catalog through the real handler, in both versions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.caching import CATALOG
from tests.functions.api_client import Client

TREE: list[dict[str, Any]] = [
    {
        "id": "birds",
        "slug": "feathered",
        "name": "Birds",
        "children": [
            {"id": "falcons", "slug": "falcons", "name": "Falcons", "children": []},
            {"id": "owls", "slug": "night-birds", "name": "Owls", "children": []},
        ],
    },
    {"id": "books", "slug": "books", "name": "Books", "children": []},
]


def without_slugs(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": node["id"], "name": node["name"], "children": without_slugs(node["children"])} for node in nodes]


def test_before_anything_was_written(client: Client) -> None:
    """Categories and settings are empty; there are no translations, and an unknown locale is not found."""
    assert client.get("/v2/catalog/categories").json() == {"data": [], "updated_at": None}
    assert client.get("/v1/catalog/categories").json() == {"data": []}
    assert client.get("/v2/catalog/settings").json() == {"settings": {}, "updated_at": None}
    assert client.get("/v1/catalog/settings").json() == {"settings": {}}
    assert client.get("/v2/catalog/translations").json() == {"data": [], "next_cursor": None}
    assert client.get("/v1/catalog/translations").json() == {"data": [], "limit": 20, "offset": 0}
    assert client.get("/v2/catalog/translations/en").status == 404


def test_a_tree_is_written_and_read_in_both_versions(client: Client) -> None:
    """v2 has slugs and the time of the write, v1 neither."""
    put = client.put("/v2/catalog/categories", {"data": TREE})
    assert put.status == 200
    assert put.json()["data"] == TREE
    got = client.get("/v2/catalog/categories")
    assert (got.json(), got.headers["etag"]) == (put.json(), put.headers["etag"])
    assert got.headers["cache-control"] == CATALOG.cache_control
    assert client.get("/v1/catalog/categories").json() == {"data": without_slugs(TREE)}


def test_v1_writes_and_loses_no_slug(client: Client) -> None:
    """A v1 client renames, moves, adds and removes; what stays keeps its slug, by id."""
    client.put("/v2/catalog/categories", {"data": TREE})
    one = client.get("/v1/catalog/categories").json()
    assert client.put("/v1/catalog/categories", one).json() == one
    assert client.get("/v2/catalog/categories").json()["data"] == TREE
    owls = {**one["data"][0]["children"][1], "name": "Eulen"}
    changed = {"data": [{"id": "books", "name": "Books", "children": [owls]}, {"name": "Brand New", "children": []}]}
    client.put("/v1/catalog/categories", changed)
    books, new = client.get("/v2/catalog/categories").json()["data"]
    assert (books["slug"], books["children"][0]["slug"]) == ("books", "night-birds")
    assert new["slug"] == "brand-new"
    assert len(new["id"]) == 36


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("path", ["categories", "settings", "translations/pt-BR"])
def test_put_takes_what_get_gives(client: Client, version: str, path: str) -> None:
    """And writes nothing: tag and time stay."""
    client.put("/v2/catalog/categories", {"data": TREE})
    client.put("/v2/catalog/settings", {"settings": {"a": 1, "b": True, "c": 1.5, "d": "text"}})
    client.put("/v2/catalog/translations/pt-BR", {"messages": {"hello": "Olá"}})
    target = f"/{version}/catalog/{path}"
    got = client.get(target)
    put = client.put(target, got.json(), if_match=got.headers["etag"])
    assert (put.status, put.json(), put.headers["etag"]) == (200, got.json(), got.headers["etag"])


def test_translations_by_locale(client: Client) -> None:
    """201 for a locale's first texts, then 200; a locale is one, whatever its case; the list has them all."""
    first = client.put("/v2/catalog/translations/pt-br", {"messages": {"hello": "Oi"}})
    assert (first.status, first.json()["locale"]) == (201, "pt-BR")
    again = client.put("/v1/catalog/translations/PT-BR", {"locale": "pt-BR", "messages": {"hello": "Olá"}})
    assert (again.status, again.json()) == (200, {"locale": "pt-BR", "messages": {"hello": "Olá"}})
    assert client.get("/v2/catalog/translations/pt-BR").json()["messages"] == {"hello": "Olá"}
    client.put("/v2/catalog/translations/en", {"messages": {}})
    listed = client.get("/v2/catalog/translations").json()
    assert [each["locale"] for each in listed["data"]] == ["en", "pt-BR"]
    assert listed["data"][1]["updated_at"] == client.get("/v2/catalog/translations/pt-BR").json()["updated_at"]
    page = client.get("/v1/catalog/translations?limit=1&offset=1")
    assert page.json() == {"data": [{"locale": "pt-BR"}], "limit": 1, "offset": 1}
    assert '</v1/catalog/translations?limit=1&offset=0>; rel="prev"' in page.headers["link"]


@pytest.mark.parametrize("locale", ["english!", "e", "en-", "en--US", "x", "a" * 40, "%20"])
def test_what_is_no_locale_is_not_found(client: Client, locale: str) -> None:
    """404 that says what a locale is, for reading and for writing."""
    for answer in (
        client.get(f"/v2/catalog/translations/{locale}"),
        client.put(f"/v2/catalog/translations/{locale}", {"messages": {}}),
        client.get(f"/v2/catalog/translations/{locale}", if_none_match="*"),
    ):
        assert answer.status == 404
        assert "BCP 47" in answer.json()["detail"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("path", ["categories", "settings", "translations/en"])
def test_tags_and_conditions(client: Client, version: str, path: str) -> None:
    """304 for what has not changed, 412 for a write that is too late, tags that differ per version."""
    client.put("/v2/catalog/translations/en", {"messages": {"a": "A"}})
    bodies = {
        "categories": {"data": without_slugs(TREE)},
        "settings": {"settings": {"a": 1}},
        "translations/en": {"messages": {"a": "B"}},
    }
    target = f"/{version}/catalog/{path}"
    tag = client.get(target).headers["etag"]
    assert tag.startswith(f'"{version}.')
    unchanged = client.get(target, if_none_match=tag)
    assert unchanged.status == 304
    for name in ("etag", "cache-control", "vary"):  # RFC 9110 section 15.4.5
        assert unchanged.headers[name] == client.get(target).headers[name]
    assert client.put(target, bodies[path], if_match='"other"').status == 412
    assert client.put(target, bodies[path], if_none_match="*").status == 412
    assert client.put(target, bodies[path], if_match=tag).status == 200
    assert client.get(target, if_none_match=tag).status == 200
    assert client.put(target, bodies[path], if_match=tag).status == 412


def test_a_new_locale_can_be_claimed(client: Client) -> None:
    """`If-None-Match: *` makes a PUT that creates and never replaces; `If-Match: *` one that only replaces."""
    target = "/v2/catalog/translations/de"
    assert client.put(target, {"messages": {}}, if_match="*").status == 412
    assert client.put(target, {"messages": {}}, if_none_match="*").status == 201
    assert client.put(target, {"messages": {"a": "b"}}, if_none_match="*").status == 412
    assert client.put(target, {"messages": {"a": "b"}}, if_match="*").status == 200


def test_concurrent_writers_with_one_tag(client: Client) -> None:
    """Of eight who replace what they all read, one wins."""
    tag = client.get("/v2/catalog/settings").headers["etag"]

    def write(number: int) -> int:
        return client.put("/v2/catalog/settings", {"settings": {"winner": number}}, if_match=tag).status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200] + [412] * 7


def test_true_is_not_one(client: Client) -> None:
    """JSON tells booleans, integers and fractions apart, and so does a PUT."""
    for value in (1, True, 1.0, "1"):
        assert client.put("/v2/catalog/settings", {"settings": {"a": value}}).json()["settings"] == {"a": value}
        stored = client.get("/v1/catalog/settings")
        assert repr(stored.json()["settings"]["a"]) == repr(value)


CHAIN: dict[str, Any] = {"id": "9", "name": "9", "children": []}
for level in range(8, 0, -1):
    CHAIN = {"id": str(level), "name": str(level), "children": [CHAIN]}

WRONG = [
    ("v2", "categories", {}, ["#/data"]),
    ("v2", "categories", {"data": {}}, ["#/data"]),
    ("v2", "categories", {"data": [1]}, ["#/data/0"]),
    ("v2", "categories", {"data": [{}]}, ["#/data/0/name"]),
    ("v2", "categories", {"data": [{"name": ""}]}, ["#/data/0/name"]),
    ("v2", "categories", {"data": [{"name": "a\nb"}]}, ["#/data/0/name"]),
    ("v2", "categories", {"data": [{"name": "A", "id": "a b"}]}, ["#/data/0/id"]),
    ("v2", "categories", {"data": [{"name": "A", "id": None}]}, ["#/data/0/id"]),
    ("v2", "categories", {"data": [{"name": "A", "slug": "Not A Slug"}]}, ["#/data/0/slug"]),
    ("v2", "categories", {"data": [{"name": "A", "slug": None}]}, ["#/data/0/slug"]),
    ("v2", "categories", {"data": [{"name": "A", "children": None}]}, ["#/data/0/children"]),
    ("v2", "categories", {"data": [{"name": "A", "color": 1}], "more": 1}, ["#/more", "#/data/0/color"]),
    ("v1", "categories", {"data": [{"name": "A", "slug": "a"}]}, ["#/data/0/slug"]),
    ("v1", "categories", {"data": [], "updated_at": None}, ["#/updated_at"]),
    (
        "v2",
        "categories",
        {"data": [{"id": "a", "name": "A", "children": [{"id": "a", "name": "B"}]}]},
        ["#/data/0/children/0/id"],
    ),
    ("v2", "categories", {"data": [{"name": "A", "slug": "a"}, {"name": "B", "slug": "a"}]}, ["#/data/1/slug"]),
    ("v2", "categories", {"data": [CHAIN]}, ["#/data" + "/0/children" * 8]),
    ("v2", "categories", {"data": [{"name": "A"}] * 2001}, ["#"]),
    ("v2", "settings", {}, ["#/settings"]),
    ("v2", "settings", {"settings": []}, ["#/settings"]),
    ("v2", "settings", {"settings": {"a": None}}, ["#/settings/a"]),
    ("v2", "settings", {"settings": {"a": {"b": 1}}}, ["#/settings/a"]),
    ("v2", "settings", {"settings": {"a": 2**53}}, ["#/settings/a"]),
    ("v2", "settings", {"settings": {"a": 1e300}}, ["#/settings/a"]),
    ("v2", "settings", {"settings": {"a": "x" * 4001}}, ["#/settings/a"]),
    ("v2", "settings", {"settings": {"1a": 1, "": 2}}, ["#/settings/1a", "#/settings/"]),
    ("v2", "settings", {"settings": {f"k{number}": 1 for number in range(501)}}, ["#/settings"]),
    ("v1", "settings", {"settings": {}, "updated_at": None}, ["#/updated_at"]),
    ("v2", "translations/en", {}, ["#/messages"]),
    ("v2", "translations/en", {"messages": {"a": 1}}, ["#/messages/a"]),
    ("v2", "translations/en", {"messages": {"": "a"}}, ["#/messages/"]),
    ("v2", "translations/en", {"messages": {"a": "x" * 10_001}}, ["#/messages/a"]),
    ("v2", "translations/en", {"messages": {}, "locale": "de"}, ["#/locale"]),
    ("v2", "translations/en", {"messages": {}, "locale": "?"}, ["#/locale"]),
    ("v2", "translations/en", {"messages": {}, "locale": 1}, ["#/locale"]),
    ("v2", "translations/en", {"messages": {f"k{number}": "" for number in range(5001)}}, ["#/messages"]),
    ("v2", "translations/en", {"messages": {f"k{number}": "x" * 5000 for number in range(80)}}, ["#"]),
    ("v1", "translations/en", {"messages": {}, "updated_at": "2026-01-01T00:00:00Z"}, ["#/updated_at"]),
]


@pytest.mark.parametrize(("version", "path", "body", "pointers"), WRONG)
def test_what_is_wrong_is_pointed_to(
    client: Client, version: str, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    """422 with a pointer for each mistake, and nothing is written."""
    answer = client.put(f"/{version}/catalog/{path}", body)
    assert answer.status == 422
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == sorted(pointers)
    assert client.get("/v2/catalog/categories").json() == {"data": [], "updated_at": None}
    assert client.get("/v2/catalog/translations").json()["data"] == []


def test_many_mistakes_are_answered_briefly(client: Client) -> None:
    """Fifty are told, however many there are."""
    answer = client.put("/v2/catalog/categories", {"data": [{}] * 500})
    assert (answer.status, len(answer.json()["errors"])) == (422, 50)
    unknown = client.put("/v2/catalog/settings", {f"k{number}": 1 for number in range(60)})
    assert (unknown.status, len(unknown.json()["errors"])) == (422, 50)


def test_the_deepest_and_the_widest_tree(client: Client) -> None:
    """Eight levels and 2,000 categories fit; slugs of equal names are told apart."""
    assert client.put("/v2/catalog/categories", {"data": [CHAIN["children"][0]]}).status == 200
    wide = client.put("/v2/catalog/categories", {"data": [{"name": "Same"} for _ in range(2000)]})
    assert wide.status == 200
    slugs = [node["slug"] for node in wide.json()["data"]]
    assert (slugs[:3], len(set(slugs))) == (["same", "same-2", "same-3"], 2000)


def test_methods_and_parameters(client: Client) -> None:
    """405 with a complete Allow; unknown parameters 400."""
    assert client("PUT", "/v2/catalog/translations", {}).headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.delete("/v2/catalog/categories").headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert client("HEAD", "/v2/catalog/settings").status == 200
    assert client.get("/v2/catalog/categories?depth=1").status == 400
    assert client.get("/v2/catalog/categories?depth=1", if_none_match="*").status == 400
    assert client.get("/v2/catalog/translations?limit=1").status == 400
    assert client.put("/v2/catalog/settings?x=1", {"settings": {}}).status == 400
