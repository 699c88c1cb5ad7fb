"""Notifications: accepted at once, sent by a job. New in v2."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.idempotency.policy import IdempotencyPolicy

GROUP = RouteGroup(
    "notifications",
    registry=REGISTRY,
    cors=CORS,
    idempotency=IdempotencyPolicy(required=("/notifications",)),
    versions=("v2",),
    paths={"/notifications": "POST"},
    routes="notifications.routes:router",
)
lambda_handler = GROUP.handler()
