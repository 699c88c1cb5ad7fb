"""Slugs, the version changes of the catalog, and who may write it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import categories, slugs
from domain.catalog.policy import WRITE_SCOPE, check_may_write
from domain.versions import REGISTRY
from lanner.http.message import ANONYMOUS, Principal
from lanner.http.problems import Forbidden
from lanner.versioning.changes import migrate

NAMES = st.text("Ab é-王", min_size=1, max_size=6).filter(lambda text: text.strip() != "").map(str.strip)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Books", "books"),
        ("  Science & Fiction!  ", "science-fiction"),
        ("Ängström's Éclairs", "angstrom-s-eclairs"),
        ("ﬁne ½", "fine-12"),
        ("王小明", "category"),
        ("-", "category"),
        ("x" * 150, "x" * 100),
    ],
)
def test_slugs_of_names(name: str, slug: str) -> None:
    """ASCII words; what has none gets a word all the same."""
    assert slugs.from_name(name) == slug
    assert slugs.is_slug(slug)


@given(st.text(max_size=150))
def test_every_name_has_a_slug(name: str) -> None:
    """Whatever the name, its slug is one."""
    assert slugs.is_slug(slugs.from_name(name))


@pytest.mark.parametrize("text", ["", "A", "a--b", "-a", "a-", "a b", "é", "a_b", "x" * 101])
def test_what_is_no_slug(text: str) -> None:
    """No capitals, nothing but ASCII, no hyphen without a word on each side."""
    assert not slugs.is_slug(text)


@st.composite
def trees(draw: Any) -> list[dict[str, Any]]:  # Any: DrawFn takes one type only
    """v2 trees with unique ids and slugs that are unique among siblings."""
    count = iter(range(1000))

    def level(depth: int) -> list[dict[str, Any]]:
        names = draw(st.lists(NAMES, max_size=3 if depth < 3 else 0))
        wanted: list[dict[str, Any]] = [
            {"id": f"n{next(count)}", "name": name, "children": level(depth + 1)} for name in names
        ]
        return slugs.assign(wanted, {wanted[0]["id"]: "given"} if wanted and draw(st.booleans()) else {})

    return level(0)


def never() -> str:
    raise AssertionError("no id is missing")


@given(trees())
def test_siblings_have_different_slugs(tree: list[dict[str, Any]]) -> None:
    """All the way down, and each of them is one."""

    def check(nodes: list[dict[str, Any]]) -> None:
        found = [node["slug"] for node in nodes]
        assert len(set(found)) == len(found)
        assert all(slugs.is_slug(slug) for slug in found)
        for node in nodes:
            check(node["children"])

    check(tree)


@given(trees())
def test_v1_loses_nothing_that_v2_knows(tree: list[dict[str, Any]]) -> None:
    """A v1 PUT of the v1 GET stores the very same document; so does v2's own."""
    stored = {"data": tree, "updated_at": "2026-11-23T03:52:11.123Z"}
    shown = migrate(REGISTRY, stored, "categories", "v2", "v1")
    assert set(shown) == {"data"}
    assert categories.read_v1(shown, stored, never) == {"data": tree}
    assert categories.read_v2(stored, {"data": []}, never) == {"data": tree}


@given(trees(), trees())
def test_reading_a_tree_never_depends_on_another(tree: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """v2 says everything, so what was stored before makes no difference."""
    assert categories.read_v2({"data": tree}, {"data": other}, never) == {"data": tree}


@pytest.mark.parametrize("resource", ["categories", "settings", "translations"])
def test_changes_go_up_and_come_down(resource: str) -> None:
    """Up adds what v2 has, down takes it away again."""
    documents: dict[str, dict[str, Any]] = {
        "categories": {"data": [{"id": "a", "name": "A", "children": []}]},
        "settings": {"settings": {"a": 1}},
        "translations": {"locale": "en", "messages": {"a": "A"}},
    }
    document = documents[resource]
    up = migrate(REGISTRY, document, resource, "v1", "v2")
    assert up["updated_at"] is None
    assert resource != "categories" or up["data"][0]["slug"] == "a"
    assert migrate(REGISTRY, up, resource, "v2", "v1") == document


def test_who_may_write() -> None:
    """Nobody in particular may, as long as nobody is known; who is known needs the scope."""
    check_may_write(ANONYMOUS)
    check_may_write(Principal("u1", "app", frozenset({WRITE_SCOPE, "other"})))
    with pytest.raises(Forbidden, match=WRITE_SCOPE):
        check_may_write(Principal("u1", "app", frozenset({"other"})))
