"""Users as v1 has them."""

from __future__ import annotations

from domain.browsers import CORS
from domain.caching import USER, USERS
from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.idempotency.policy import IdempotencyPolicy

GROUP = RouteGroup(
    "users",
    registry=REGISTRY,
    cors=CORS,
    idempotency=IdempotencyPolicy(),
    accept_patch="application/merge-patch+json",
    versions=("v1",),
    paths={"/users": "GET POST", "/users/{id}": "GET PUT PATCH DELETE"},
    routes="users_v1.routes:router",
    edge={"GET /users/{id}": "domain.users.edge:read"},
    cache={"/users": USERS, "/users/{id}": USER},
)
lambda_handler = GROUP.handler()
