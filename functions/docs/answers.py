"""Answers for programs: where to begin, which versions there are, and OpenAPI of the addressed version."""

from __future__ import annotations

import os

import orjson

from domain.versions import REGISTRY
from lanner.http.message import Request, Response

# Long enough to spare us the question, short enough that a new version is known soon.
CACHED = "public, max-age=300"

_INDEX = {
    "versions": "/versions",
    "openapi": "/openapi.json",
    "documentation": "/docs",
    "changes": "/docs/changes",
    "problems": "/problems",
    "health": "/health",
}
_documents: dict[str, bytes] = {}


def now() -> float:
    """Epoch seconds by the clock of the group: what the pages say of a version is what the edge does with it."""
    from docs.app import GROUP  # which names this module

    return GROUP.clock.now()


def index(request: Request) -> Response:
    """Where everything that describes the API is, under the base that was addressed."""
    base = f"/{request.path_version}" if request.path_version else ""
    return _json(orjson.dumps({"links": {name: base + path for name, path in _INDEX.items()}}))


def versions(_request: Request) -> Response:
    """Every version: status, dates, links, and what changed."""
    return _json(orjson.dumps(REGISTRY.document(now())))


def openapi(request: Request) -> Response:
    """OpenAPI 3.1 of the addressed version, as `lanner openapi` wrote it."""
    return _json(document(request.version.name if request.version else REGISTRY.default.name))


def document(version: str) -> bytes:
    """The bytes of one version's OpenAPI document; kept. Raises `OSError` where it was not built."""
    found = _documents.get(version)
    if found is None:
        with open(os.path.join(os.path.dirname(__file__), "openapi", f"{version}.json"), "rb") as file:  # noqa: PTH118, PTH120, PTH123 (pathlib costs 5 ms of a cold start)
            found = _documents[version] = file.read()
    return found


def _json(body: bytes) -> Response:
    return Response(200, {"content-type": "application/json", "cache-control": CACHED}, body)
