"""The reads of the catalog from the event itself: the framework would only pass them through.

The routes stand in each version's router too, which is where their documentation comes from; both call
`CatalogAnswers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.catalog.answers import CatalogAnswers
from domain.catalog.service import Catalog

if TYPE_CHECKING:
    from lanner.http.message import Request, Response

_CATALOG = Catalog()
_ANSWERS = {version: CatalogAnswers(version, _CATALOG) for version in ("v1", "v2")}


def _answers(request: Request) -> CatalogAnswers:
    assert request.version is not None  # the version step comes first
    return _ANSWERS[request.version.name]


def categories(request: Request) -> Response:
    """GET `/catalog/categories`."""
    return _answers(request).read_categories(request)


def settings(request: Request) -> Response:
    """GET `/catalog/settings`."""
    return _answers(request).read_settings(request)


def translations(request: Request) -> Response:
    """GET `/catalog/translations/{locale}`."""
    return _answers(request).read_translations(request, request.path_params["locale"])


def locales(request: Request) -> Response:
    """GET `/catalog/translations`."""
    return _answers(request).list_locales(request)
