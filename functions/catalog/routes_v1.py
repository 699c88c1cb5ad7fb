"""The routes of the catalog in v1. What they do is `domain.catalog`; here they are declared."""

from __future__ import annotations

from fastapi import APIRouter

from catalog.models import CategoriesV1, LocalesV1, SettingsV1, TranslationsV1
from domain.catalog.answers import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, CatalogAnswers
from domain.catalog.service import Catalog
from domain.openapi import (
    IF_MATCH,
    NOT_FOUND,
    STALE,
    UNCHANGED,
    WRONG_BODY,
    WRONG_PARAMETER,
    component,
    query_parameter,
    request_body,
)
from lanner.http.message import Request
from lanner.pipeline.asgi import EdgeResponse, LannerRoute

router = APIRouter(route_class=LannerRoute, tags=["catalog"])
answers = CatalogAnswers("v1", Catalog())


@router.get(
    "/catalog/categories",
    summary="Read the categories",
    response_model=CategoriesV1,
    responses=UNCHANGED,
)
def read_categories(request: Request) -> EdgeResponse:
    """The whole tree of categories."""
    return EdgeResponse(answers.read_categories(request))


@router.put(
    "/catalog/categories",
    summary="Replace the categories",
    response_model=CategoriesV1,
    responses={**WRONG_BODY, **STALE},
    openapi_extra={"parameters": [IF_MATCH], "requestBody": request_body(component("CategoriesV1"))},
)
def replace_categories(request: Request) -> EdgeResponse:
    """Put a whole tree in the place of another. Takes what GET gives."""
    return EdgeResponse(answers.replace_categories(request))


@router.get(
    "/catalog/translations",
    summary="List the locales",
    response_model=LocalesV1,
    responses={**UNCHANGED, **WRONG_PARAMETER},
    openapi_extra={
        "parameters": [
            query_parameter(
                "limit",
                f"Locales on a page; more than {MAX_LIMIT} are not given",
                type="integer",
                minimum=1,
                default=DEFAULT_LIMIT,
            ),
            query_parameter(
                "offset",
                f"Locales to skip, at most {MAX_OFFSET}",
                type="integer",
                minimum=0,
                maximum=MAX_OFFSET,
                default=0,
            ),
        ]
    },
)
def list_translations(request: Request) -> EdgeResponse:
    """The locales that have texts."""
    return EdgeResponse(answers.list_locales(request))


@router.get(
    "/catalog/translations/{locale}",
    summary="Read the texts of a locale",
    response_model=TranslationsV1,
    responses={**UNCHANGED, **NOT_FOUND},
)
def read_translations(locale: str, request: Request) -> EdgeResponse:
    """All texts of one locale."""
    return EdgeResponse(answers.read_translations(request, locale))


@router.put(
    "/catalog/translations/{locale}",
    summary="Replace the texts of a locale",
    response_model=TranslationsV1,
    responses={201: {"description": "The locale had no texts before"}, **WRONG_BODY, **STALE},
    openapi_extra={"parameters": [IF_MATCH], "requestBody": request_body(component("TranslationsV1"))},
)
def replace_translations(locale: str, request: Request) -> EdgeResponse:
    """Put all texts of a locale in the place of others. Takes what GET gives."""
    return EdgeResponse(answers.replace_translations(request, locale))


@router.get(
    "/catalog/settings",
    summary="Read the settings",
    response_model=SettingsV1,
    responses=UNCHANGED,
)
def read_settings(request: Request) -> EdgeResponse:
    """All settings."""
    return EdgeResponse(answers.read_settings(request))


@router.put(
    "/catalog/settings",
    summary="Replace the settings",
    response_model=SettingsV1,
    responses={**WRONG_BODY, **STALE},
    openapi_extra={"parameters": [IF_MATCH], "requestBody": request_body(component("SettingsV1"))},
)
def replace_settings(request: Request) -> EdgeResponse:
    """Put all settings in the place of others. Takes what GET gives."""
    return EdgeResponse(answers.replace_settings(request))
