"""Reports: accepted here, made by a job, downloaded from S3. New in v2."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.idempotency.policy import IdempotencyPolicy

GROUP = RouteGroup(
    "reports",
    registry=REGISTRY,
    cors=CORS,
    idempotency=IdempotencyPolicy(),
    versions=("v2",),
    paths={"/reports": "POST", "/reports/{id}": "GET"},
    routes="reports.routes:router",
    edge={"GET /reports/{id}": "domain.reports.edge:read"},
)
lambda_handler = GROUP.handler()
