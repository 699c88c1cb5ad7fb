"""Ours: the response cache in memory behind every other step; the origin is the read through FastAPI."""

from __future__ import annotations

import os

from bench.peers.lanner_edge import REGISTRY
from lanner.cache.policy import CachePolicy
from lanner.group import RouteGroup
from lanner.http.cors import CorsPolicy

GROUP = RouteGroup(
    "users",
    registry=REGISTRY,
    cors=CorsPolicy(["*"]),
    paths={"/users/{id}": "GET"},
    routes="bench.peers.lanner_routes:router",
    cache={"/users/{id}": CachePolicy(3600, tags=("users", "user:{id}"))},
)
# Memory only: tags are counted there too, and believed for a second as in production.
os.environ.setdefault("LANNER_CACHE", "memory://")
handler = GROUP.handler()
