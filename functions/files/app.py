"""Files: announced here, uploaded straight to S3, processed by a job. New in v2."""

from __future__ import annotations

from domain.browsers import CORS
from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.idempotency.policy import IdempotencyPolicy

GROUP = RouteGroup(
    "files",
    registry=REGISTRY,
    cors=CORS,
    idempotency=IdempotencyPolicy(),
    versions=("v2",),
    paths={"/files": "POST", "/files/{id}": "GET"},
    routes="files.routes:router",
    edge={"GET /files/{id}": "domain.files.edge:read"},
)
lambda_handler = GROUP.handler()
