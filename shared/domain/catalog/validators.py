"""The current ETag of a catalog document, from its tag alone: lets the edge answer 304 without the framework.

    "v2.1-7-0f3a91c2"     the state tagged 7-0f3a91c2 (`store`) as v2 shows it

Strong (RFC 9110 section 8.8.1); the number behind the version counts changes in how that version writes documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import locales
from domain.catalog import store
from domain.queries import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.http.message import Request

PUBLIC = "public, no-cache"
"""Anybody may keep a copy, and asks about it each time (an answered 304 is cheap)."""

NOT_MODIFIED = {"cache-control": PUBLIC}
"""What a 304 repeats of its 200, besides the ETag (RFC 9110 section 15.4.5)."""

REPRESENTATION = {"v1": "v1.1", "v2": "v2.1"}

_SINGLETONS = {"/catalog/categories": "categories", "/catalog/settings": "settings"}


def current_etag(request: Request) -> str | None:
    """The strong ETag of what a GET would give now; None for everything that the application answers with an error.

    Raises `Unavailable` when the storage is down.
    """
    if request.version is None:
        return None
    if request.has_query and any(name != VERSION for name, _ in request.query):
        return None
    key = _key(request.route, request.path_params)
    if key is None:
        return None
    request.state["not_modified"] = NOT_MODIFIED
    tag = store.read_tag(key)
    if tag is None:
        return etag(request.version.name, store.UNWRITTEN) if request.route in _SINGLETONS else None
    return etag(request.version.name, tag)


def etag(version: str, tag: str) -> str:
    """The entity-tag, in its quotes."""
    return f'"{REPRESENTATION[version]}-{tag}"'


def _key(route: str, parameters: Mapping[str, str]) -> str | None:
    key = _SINGLETONS.get(route)
    if key is not None:
        return key
    try:
        return store.translations_key(locales.canonical(parameters["locale"]))
    except ValueError:
        return None
