"""Slugs: what names a category in a URL. Unique among siblings; made from the name where a client gives none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LENGTH = 100
FALLBACK = "category"

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")

Node = dict[str, Any]  # Any: JSON values


def is_slug(text: str) -> bool:
    """Lower-case ASCII letters and digits in words joined by single hyphens, at most `MAX_LENGTH` characters."""
    return len(text) <= MAX_LENGTH and all(word and _LETTERS.issuperset(word) for word in text.split("-"))


def from_name(name: str) -> str:
    """A slug made from a name: accents dropped, everything but letters and digits a hyphen."""
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "".join(letter if letter in _LETTERS else " " for letter in plain).split()
    return "-".join(words)[:MAX_LENGTH].rstrip("-") or FALLBACK


def assign(nodes: Sequence[Mapping[str, Any]], stored: Mapping[str, str]) -> list[Node]:
    """The nodes with a slug each, all the way down.

    A slug that a node has stays, then comes the one that `stored` has for its id, then one made from its name. Where
    a sibling has it already it gets a number, the given and stored ones being served first.
    """
    slugs: dict[int, str] = {}
    taken: dict[str, int] = {}
    for source in (_given, _stored, _made):
        for at, node in enumerate(nodes):
            if at in slugs:
                continue
            wanted = source(node, stored)
            if wanted is not None:
                slugs[at] = _claim(wanted, taken)
    return [
        {"id": node["id"], "slug": slugs[at], "name": node["name"], "children": assign(node["children"], stored)}
        for at, node in enumerate(nodes)
    ]


def by_id(nodes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The slug of every category in a tree, by id."""
    found: dict[str, str] = {}
    for node in nodes:
        found[node["id"]] = node["slug"]
        found.update(by_id(node["children"]))
    return found


def _given(node: Mapping[str, Any], _stored: Mapping[str, str]) -> str | None:
    return node.get("slug")


def _stored(node: Mapping[str, Any], stored: Mapping[str, str]) -> str | None:
    return stored.get(node["id"])


def _made(node: Mapping[str, Any], _stored: Mapping[str, str]) -> str:
    return from_name(node["name"])


def _claim(wanted: str, taken: dict[str, int]) -> str:
    """`wanted`, or with the first free number behind it; `taken` knows the number that each slug has come to."""
    if wanted not in taken:
        taken[wanted] = 2
        return wanted
    while True:
        suffix = f"-{taken[wanted]}"
        taken[wanted] += 1
        candidate = wanted[: MAX_LENGTH - len(suffix)].rstrip("-") + suffix
        if candidate not in taken:
            taken[candidate] = 2
            return candidate
