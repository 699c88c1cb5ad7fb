"""Versions, OpenAPI and documentation, in every version; and 404 for every path that no other function has."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup

GROUP = RouteGroup(
    "docs",
    registry=REGISTRY,
    cors=CORS,
    lifecycle=False,
    paths={
        "/": "GET",
        "/versions": "GET",
        "/openapi.json": "GET",
        "/docs": "GET",
        "/docs/changes": "GET",
        "/docs/assets/{tag}/{name}": "GET",
        "/problems": "GET",
        "/problems/{slug}": "GET",
    },
    edge={
        "GET /": "docs.answers:index",
        "GET /versions": "docs.answers:versions",
        "GET /openapi.json": "docs.answers:openapi",
        "GET /docs": "docs.pages:reference",
        "GET /docs/changes": "docs.pages:changes",
        "GET /docs/assets/{tag}/{name}": "docs.assets:asset",
        "GET /problems": "docs.pages:problems",
        "GET /problems/{slug}": "docs.pages:problem",
    },
)
lambda_handler = GROUP.handler()
