"""The catalog: categories, translations and settings, one function for every version."""

from __future__ import annotations

from domain.browsers import CORS
from domain.caching import CATALOG
from domain.versions import REGISTRY
from lanner.group import RouteGroup

GROUP = RouteGroup(
    "catalog",
    registry=REGISTRY,
    cors=CORS,
    paths={
        "/catalog/categories": "GET PUT",
        "/catalog/translations": "GET",
        "/catalog/translations/{locale}": "GET PUT",
        "/catalog/settings": "GET PUT",
    },
    routes={"v1": "catalog.routes_v1:router", "v2": "catalog.routes_v2:router"},
    edge={
        "GET /catalog/categories": "domain.catalog.edge:categories",
        "GET /catalog/translations": "domain.catalog.edge:locales",
        "GET /catalog/translations/{locale}": "domain.catalog.edge:translations",
        "GET /catalog/settings": "domain.catalog.edge:settings",
    },
    cache={
        "/catalog/categories": CATALOG,
        "/catalog/translations": CATALOG,
        "/catalog/translations/{locale}": CATALOG,
        "/catalog/settings": CATALOG,
    },
    refresh="domain.rendering.refresh:enqueue",
)
lambda_handler = GROUP.handler()
