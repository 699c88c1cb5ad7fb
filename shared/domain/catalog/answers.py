"""The catalog over HTTP: requests in, answers out, for one version.

Documents are stored as the newest version has them; an older version's answer is made with the `VersionChange`s that
`domain.versions` declares. What an older version writes is read by rules of its own, because of what must stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from domain.bodies import read_document
from domain.catalog import categories, options, store, translations
from domain.catalog.etags import etag
from domain.catalog.service import EMPTY
from domain.queries import check_known
from domain.versions import REGISTRY
from lanner.http.conditional import evaluate
from lanner.http.message import Request, Response
from lanner.http.pagination import offset, page_links, page_size
from lanner.http.problems import NotFound, PreconditionFailed
from lanner.versioning.changes import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.catalog.service import Catalog

STORED_VERSION = "v2"
"""The version whose documents are stored."""

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 1000

Document = dict[str, Any]  # Any: JSON values


class CatalogAnswers:
    """The catalog as one version has it."""

    def __init__(self, version: str, catalog: Catalog) -> None:
        self._version = version
        self._catalog = catalog
        self._dated = version != "v1"

    def read_categories(self, request: Request) -> Response:
        """GET: 200, an empty tree before anything was written."""
        return self._read(request, "categories", "categories")

    def replace_categories(self, request: Request) -> Response:
        """PUT: 200; 412, 422."""
        document = self._document(request)
        read = categories.read_v2 if self._dated else categories.read_v1
        return self._replace(request, "categories", "categories", lambda old: read(document, old, self._catalog.new_id))

    def read_settings(self, request: Request) -> Response:
        """GET: 200, no settings before any were written."""
        return self._read(request, "settings", "settings")

    def replace_settings(self, request: Request) -> Response:
        """PUT: 200; 412, 422."""
        document = self._document(request)
        return self._replace(request, "settings", "settings", lambda _: options.read(document, self._known("settings")))

    def read_translations(self, request: Request, locale: str) -> Response:
        """GET: 200, or 404 for a locale without texts."""
        return self._read(request, "translations", store.translations_key(translations.known_locale(locale)))

    def replace_translations(self, request: Request, locale: str) -> Response:
        """PUT: 200, or 201 for a locale's first texts; 412, 422."""
        known = translations.known_locale(locale)
        document = self._document(request)
        return self._replace(
            request,
            "translations",
            store.translations_key(known),
            lambda _: translations.read(document, known, self._known("locale", "messages")),
        )

    def list_locales(self, request: Request) -> Response:
        """GET: the locales that have texts; v1 by offset, v2 whole, for they are few."""
        if self._dated:
            check_known(request)
            data = [{"locale": locale, "updated_at": updated_at} for locale, updated_at in store.locales()]
            return self._answer(orjson.dumps({"data": data, "next_cursor": None}), {})
        check_known(request, "limit", "offset")
        limit = page_size(request.query_values("limit"), DEFAULT_LIMIT, MAX_LIMIT)
        skipped = offset(request.query_values("offset"), MAX_OFFSET)
        found = store.locales()
        shown = [{"locale": locale} for locale, _ in found[skipped : skipped + limit]]
        links: dict[str, str | None] = {"prev": str(max(0, skipped - limit)) if skipped else None}
        if skipped + limit < len(found):
            links["next"] = str(skipped + limit)
        headers = {"link": page_links(request.public_path, request.query, links, name="offset")}
        return self._answer(orjson.dumps({"data": shown, "limit": limit, "offset": skipped}), headers)

    def _read(self, request: Request, resource: str, key: str) -> Response:
        check_known(request)
        stored = store.read(key)
        if stored is None:
            if key not in EMPTY:
                raise NotFound(f"There are no translations for {key.partition('#')[2]}")
            body, tag = self._shown(resource, orjson.dumps(EMPTY[key])), store.UNWRITTEN
        else:
            body, tag = self._shown(resource, stored.body), stored.tag
        return self._answer(body, {"etag": etag(self._version, tag)})

    def _replace(self, request: Request, resource: str, key: str, make: Callable[[Document], Document]) -> Response:
        def check(stored: store.Stored | None) -> None:
            tag = store.UNWRITTEN if stored is None else stored.tag
            exists = stored is not None or key in EMPTY
            if evaluate(request.method, request.headers, etag(self._version, tag) if exists else None, exists=exists):
                raise PreconditionFailed(
                    "The document is not in the state that the request's conditions name: read it again"
                )

        stored, created = self._catalog.replace(key, make, check, request.principal)
        status = 201 if created and key not in EMPTY else 200
        headers = {"etag": etag(self._version, stored.tag)}
        return self._answer(self._shown(resource, stored.body), headers, status)

    def _document(self, request: Request) -> Document:
        check_known(request)
        return read_document(request)

    def _known(self, *members: str) -> tuple[str, ...]:
        return (*members, "updated_at") if self._dated else members

    def _shown(self, resource: str, body: bytes) -> bytes:
        if self._version == STORED_VERSION:
            return body
        return orjson.dumps(migrate(REGISTRY, orjson.loads(body), resource, STORED_VERSION, self._version))

    def _answer(self, body: bytes, headers: dict[str, str], status: int = 200) -> Response:
        return Response(status, {"content-type": "application/json", **headers}, body)
