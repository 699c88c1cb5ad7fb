"""How the catalog's documents change between versions, as pure functions (`domain.versions` names them)."""

from __future__ import annotations

from typing import Any

from domain.catalog.slugs import assign

Document = dict[str, Any]  # Any: JSON values


def categories_v1_to_v2(document: Document) -> Document:
    """Every category gets a slug, made from its name: what is stored keeps the slugs it has (`categories`)."""
    return {**document, "data": assign(document["data"], {})}


def categories_v2_to_v1(document: Document) -> Document:
    """Categories without their slugs."""
    return {**document, "data": [_without_slug(node) for node in document["data"]]}


def undated_to_dated(document: Document) -> Document:
    """A document with `updated_at`, which v1 does not tell: null until something was written."""
    return {**document, "updated_at": None}


def dated_to_undated(document: Document) -> Document:
    """A document without `updated_at`."""
    return {name: value for name, value in document.items() if name != "updated_at"}


def _without_slug(node: Document) -> Document:
    children = [_without_slug(child) for child in node["children"]]
    return {"id": node["id"], "name": node["name"], "children": children}
