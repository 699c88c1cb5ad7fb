"""Ours with nothing kept and nothing answered at the edge: through FastAPI's route to DynamoDB, every step on."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup

GROUP = RouteGroup(
    "users",
    registry=REGISTRY,
    cors=CORS,
    versions=("v2",),
    paths={"/users/{id}": "GET"},
    routes="users_v2.routes:router",
)
handler = GROUP.handler()
