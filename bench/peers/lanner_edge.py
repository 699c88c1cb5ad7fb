"""Ours: every step on; the ETag match, health and a retired version are answered at the edge, the read by FastAPI."""

from __future__ import annotations

from bench.user import ETAG
from lanner.group import RouteGroup
from lanner.http.cors import CorsPolicy
from lanner.http.message import Request, Response
from lanner.versioning.registry import ApiVersion, VersionRegistry

REGISTRY = VersionRegistry(
    (
        ApiVersion(
            "v1",
            released_at="2020-01-01T00:00:00Z",
            deprecated_at="2021-01-01T00:00:00Z",
            sunset_at="2022-01-01T00:00:00Z",
        ),
        ApiVersion("v2", released_at="2021-01-01T00:00:00Z"),
    ),
    default="v2",
)


def current_etag(_request: Request) -> str:
    return ETAG


def live(_request: Request) -> Response:
    return Response(200, {"content-type": "application/json", "cache-control": "no-store"}, b'{"status":"OK"}')


GROUP = RouteGroup(
    "users",
    registry=REGISTRY,
    cors=CorsPolicy(["*"]),
    paths={"/users/{id}": "GET", "/health": "GET"},
    routes="bench.peers.lanner_routes:router",
    validators={"/users/{id}": "bench.peers.lanner_edge:current_etag"},
    edge={"GET /health": "bench.peers.lanner_edge:live"},
)
handler = GROUP.handler()
