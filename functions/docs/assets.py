"""The files of the documentation pages: Swagger UI from its Python package, style and start script from this folder.

Names carry a tag made of all contents, so a file may be cached for ever. A page of one deployed version may ask
another for its files while traffic moves: an outdated tag is answered with today's file, to be revalidated.

Swagger UI is read where its package is installed, without importing the package (which would import FastAPI).
"""

from __future__ import annotations

import os
from hashlib import blake2b
from importlib.util import find_spec

from lanner.http.message import Request, Response
from lanner.http.problems import NotFound

PACKAGE = "fastapi_swagger"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}
FOREVER = "public, max-age=31536000, immutable"

_OURS = ("start.js", "style.css")
_SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_contents: dict[str, bytes] = {}
_tag = ""


def asset(request: Request) -> Response:
    """One file. Raises `NotFound` for a name that the pages do not use."""
    name = request.path_params["name"]
    body = read(name)
    if body is None:
        raise NotFound(f"The documentation has no file {name!r}")
    current = tag()
    headers = {
        "content-type": TYPES[os.path.splitext(name)[1]],  # noqa: PTH122 (pathlib costs 5 ms of a cold start)
        "cache-control": FOREVER if request.path_params["tag"] == current else "no-cache",
        "etag": f'"{current}-{name}"',
        "x-content-type-options": "nosniff",
    }
    return Response(200, headers, body)


def tag() -> str:
    """A digest over all files: it changes when one of them does."""
    global _tag
    if not _tag:
        digest = blake2b(digest_size=6)
        for name in (*_OURS, *_SWAGGER):
            digest.update(read(name) or b"")
        _tag = digest.hexdigest()
    return _tag


def read(name: str) -> bytes | None:
    """The bytes of a file that the pages use, or None. Raises `LookupError` where Swagger UI is not installed."""
    found = _contents.get(name)
    if found is None:
        if name in _OURS:
            folder = os.path.join(os.path.dirname(__file__), "assets")  # noqa: PTH118, PTH120
        elif name in _SWAGGER:
            folder = _swagger_folder()
        else:
            return None
        with open(os.path.join(folder, name), "rb") as file:  # noqa: PTH118, PTH123
            found = _contents[name] = file.read()
    return found


def _swagger_folder() -> str:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("fastapi-swagger is not installed: functions/docs/requirements.txt has it")
    return os.path.join(spec.submodule_search_locations[0], "resources")  # noqa: PTH118
