"""Jobs of the caller, one function for every version: a status monitor answers whatever version asks."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup

GROUP = RouteGroup(
    "jobs",
    registry=REGISTRY,
    cors=CORS,
    lifecycle=False,
    paths={"/jobs": "GET", "/jobs/{id}": "GET DELETE"},
    routes="jobs.routes:router",
    edge={
        "GET /jobs": "lanner.jobs.answers:page",
        "GET /jobs/{id}": "lanner.jobs.answers:read",
        "DELETE /jobs/{id}": "lanner.jobs.answers:cancel",
    },
)
lambda_handler = GROUP.handler()
