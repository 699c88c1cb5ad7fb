"""`/health` and `/health/ready`, in every version; answered at the edge."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup

GROUP = RouteGroup(
    "health",
    registry=REGISTRY,
    cors=CORS,
    lifecycle=False,
    paths={"/health": "GET", "/health/ready": "GET"},
    edge={"GET /health": "health.answers:live", "GET /health/ready": "health.answers:ready"},
)
lambda_handler = GROUP.handler()
