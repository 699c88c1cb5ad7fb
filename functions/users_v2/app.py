"""Users as v2 has them, and requests for `/users` that name no version."""

from __future__ import annotations

from domain.browsers import CORS
from domain.caching import STATISTICS, USER, USERS
from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.idempotency.policy import IdempotencyPolicy

GROUP = RouteGroup(
    "users",
    registry=REGISTRY,
    cors=CORS,
    idempotency=IdempotencyPolicy(),
    accept_patch="application/merge-patch+json",
    versions=("v2",),
    paths={"/users": "GET POST", "/users/statistics": "GET", "/users/{id}": "GET PUT PATCH DELETE"},
    routes="users_v2.routes:router",
    edge={"GET /users/statistics": "domain.users.edge:statistics", "GET /users/{id}": "domain.users.edge:read"},
    cache={"/users": USERS, "/users/statistics": STATISTICS, "/users/{id}": USER},
    refresh="domain.rendering.refresh:enqueue",
)
lambda_handler = GROUP.handler()
