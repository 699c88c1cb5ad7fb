"""The tree of categories: `{"data": [{"id", "slug", "name", "children": [...]}]}`; v1 has no slugs.

A node's id is the client's or, where it gives none, a new UUIDv7; it is what a node is known by from one PUT to the
next, so a v1 client that moves or renames a category leaves its slug alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.bodies import kind
from domain.catalog import slugs
from domain.reading import Path, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH = 8
MAX_NODES = 2000
NAME_MAX = 200
ID_MAX = 64

V1_NODE = ("id", "name", "children")
V2_NODE = ("id", "slug", "name", "children")

_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-")

Document = dict[str, Any]  # Any: JSON values


def read_v1(document: Mapping[str, Any], stored: Mapping[str, Any], new_id: Callable[[], str]) -> Document:
    """What to store for a v1 PUT: slugs stay with their ids. Raises `Unprocessable`."""
    return _read(document, stored, new_id, ("data",), V1_NODE)


def read_v2(document: Mapping[str, Any], stored: Mapping[str, Any], new_id: Callable[[], str]) -> Document:
    """What to store for a v2 PUT: a slug that is left out stays, or is made from the name. Raises `Unprocessable`."""
    return _read(document, stored, new_id, ("data", "updated_at"), V2_NODE)


def _read(
    document: Mapping[str, Any],
    stored: Mapping[str, Any],
    new_id: Callable[[], str],
    known: tuple[str, ...],
    node_members: tuple[str, ...],
) -> Document:
    tree = _Tree(new_id, node_members)
    tree.members(document, known)
    tree.ignored(document, "updated_at", nullable=True)
    nodes: list[Document] = []
    if "data" in document:
        nodes = tree.nodes(document["data"], ("data",), 1)
    else:
        tree.wrong(("data",), "is required")
    tree.finish()
    return {"data": slugs.assign(nodes, slugs.by_id(stored["data"]))}


class _Tree(Reading):
    def __init__(self, new_id: Callable[[], str], known: tuple[str, ...]) -> None:
        super().__init__()
        self._new_id = new_id
        self._known = known
        self._seen: dict[str, Path] = {}
        self._count = 0

    def nodes(self, value: Any, path: Path, depth: int) -> list[Document]:  # Any: JSON values
        found: list[Document] = []
        given: set[str] = set()
        array = self.array(value, path)
        if array and depth > MAX_DEPTH:
            self.wrong(path, f"is nested deeper than {MAX_DEPTH} levels")
            return found
        for at, element in enumerate(array):
            self._count += 1
            if self._count > MAX_NODES:
                self.wrong((), f"has more than {MAX_NODES} categories")
                self.finish()
            where = (*path, at)
            if not isinstance(element, dict):
                self.wrong(where, f"must be an object, not {kind(element)}")
                continue
            node = self._node(element, where, depth)
            slug = node.get("slug")
            if slug in given:
                self.wrong((*where, "slug"), "is the slug of a sibling already")
            elif slug is not None:
                given.add(slug)
            found.append(node)
        return found

    def _node(self, element: Document, path: Path, depth: int) -> Document:
        self.members(element, self._known, path)
        node: Document = {"id": self._id(element, path)}
        if "name" in element:
            node["name"] = self.line(element["name"], (*path, "name"), NAME_MAX)
        else:
            self.wrong((*path, "name"), "is required")
        if "slug" in element and "slug" in self._known:
            slug = self.text(element["slug"], (*path, "slug"), slugs.MAX_LENGTH)
            if slug is not None and not slugs.is_slug(slug):
                self.wrong((*path, "slug"), "must be lower-case letters and digits in words joined by hyphens")
            node["slug"] = slug
        node["children"] = self.nodes(element.get("children", []), (*path, "children"), depth + 1)
        return node

    def _id(self, element: Document, path: Path) -> str:
        if "id" not in element:
            return self._new_id()
        found = self.text(element["id"], (*path, "id"), ID_MAX)
        if found is None:
            return ""
        if not _ID_LETTERS.issuperset(found):
            self.wrong((*path, "id"), "may hold letters, digits and . _ ~ - only")
        elif found in self._seen:
            self.wrong((*path, "id"), "is the id of another category already")
        self._seen[found] = path
        return found
