"""OpenAPI 3.1 of one version, merged from the route groups that serve it.

What FastAPI knows comes from the routers; what the edge answers by itself comes from a group's `operations` module
(`health.operations`), a mapping of `"GET /health"` to an OpenAPI operation; what is true of every operation is added
here: the problem document as the default answer, the version's headers, deprecation, and the parameters in a path.

The document depends on the code alone, not on today's date, so a committed copy is either current or wrong.
Failure modes: `OpenApiError` for two groups with one operation, and for a route that its group's paths do not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from importlib import import_module
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from lanner.group import RouteGroup
from lanner.http.dates import http_date
from lanner.versioning.instants import readable
from lanner.versioning.registry import ApiVersion, VersionRegistry

Document = dict[str, Any]  # Any: a JSON object, here and below
VERSION_HEADER = "X-API-Version"
_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")
_EMPTY_IS_WRONG = frozenset(("minLength", "format", "pattern", "enum"))
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

PROBLEM_SCHEMA: Document = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "What kind of problem; a page at this path explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened this time."},
        "instance": {"type": "string", "description": "The request's id."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "`#/member`, `?parameter`, `header Name` or `path name`.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class OpenApiError(Exception):
    """The groups cannot be described together; the message names the operation and the group."""


def document(registry: VersionRegistry, version: ApiVersion, groups: Iterable[RouteGroup], title: str) -> Document:
    """The OpenAPI document of `version`, from those `groups` that serve it. Raises `OpenApiError`."""
    serving = [group for group in groups if version.name in group.versions]
    routes = [route for group in serving for route in _routes(group, version)]
    made = get_openapi(
        title=title,
        version=version.name,
        openapi_version="3.1.0",
        description=_description(registry, version),
        routes=routes,
        servers=[{"url": f"/{version.name}"}],
    )
    _name_operations(made, routes)
    paths: Document = made.setdefault("paths", {})
    for group in serving:
        _add_edge_operations(paths, group)
        _tag(paths, group)
    made["paths"] = {path: paths[path] for path in sorted(paths)}
    made["tags"] = [{"name": name} for name in dict.fromkeys(group.name for group in serving)]
    made["externalDocs"] = {"description": "Versions and what they changed", "url": f"/docs/changes#{version.name}"}
    _complete(made, version, {path for group in serving if group.lifecycle for path in group.table.methods})
    _without_placeholders(made["paths"])
    _without_placeholders(made["components"])
    return made


def _routes(group: RouteGroup, version: ApiVersion) -> list[APIRoute]:
    target = group.routes.get(version.name)
    if not target:
        return []
    routes = group.resolve(target)
    router: APIRouter = getattr(routes, "router", routes)
    found = [route for route in router.routes if isinstance(route, APIRoute)]
    for route in found:
        for method in route.methods or ():
            if method not in group.table.methods.get(route.path_format, ()):
                raise OpenApiError(f"group {group.name}: its paths do not have {method} {route.path_format}")
    return found


def _description(registry: VersionRegistry, version: ApiVersion) -> str:
    sentences = [
        f"Ask for this version by path (`/{version.name}/...`), by `X-API-Version: {version.name}`, by `Accept: "
        f"{registry.media_type(version)}` or by `?version={version.number}`."
    ]
    if version is registry.default:
        sentences.append("It also answers requests that name no version.")
    if version.deprecated_at is not None:
        sentences.append(f"Deprecated since {readable(version.deprecated_at)}.")
    if version.sunset_at is not None:
        sentences.append(f"It answers 410 from {readable(version.sunset_at)} on.")
    return " ".join(sentences)


def _name_operations(made: Document, routes: Iterable[APIRoute]) -> None:
    """Operation ids as the routes name them, or as their functions are called: generators make method names of them."""
    for route in routes:
        for method in route.methods or ():
            operation = made["paths"][route.path_format][method.lower()]
            operation["operationId"] = route.operation_id or route.name


def _add_edge_operations(paths: Document, group: RouteGroup) -> None:
    """What the edge answers and no router describes; a route that has both is described by its router."""
    alone = {
        key: target.partition(".")[0]
        for key, target in group.edge.items()
        if key.partition(" ")[0].lower() not in paths.get(key.partition(" ")[2], {})
    }
    for package in dict.fromkeys(alone.values()):
        operations: Mapping[str, Document] = import_module(f"{package}.operations").OPERATIONS
        for key, operation in operations.items():
            method, _, path = key.partition(" ")
            if alone.get(key) != package:
                raise OpenApiError(f"group {group.name}: {package}.operations describes {key}, which its edge has not")
            paths.setdefault(path, {})[method.lower()] = {**operation, "responses": dict(operation["responses"])}


def _tag(paths: Document, group: RouteGroup) -> None:
    for path in group.table.methods:
        for method, operation in paths.get(path, {}).items():
            if method in METHODS:
                operation.setdefault("tags", [group.name])


def _complete(made: Document, version: ApiVersion, ending: Set[str]) -> None:
    """What holds for every operation; only the paths in `ending` send the headers of a version that ends."""
    components = made.setdefault("components", {})
    schemas: Document = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["responses"] = {
        "Problem": {
            "description": "An error.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    components["headers"] = _headers(version)
    every = {name: {"$ref": f"#/components/headers/{name}"} for name in components["headers"]}
    lasting = {VERSION_HEADER: every[VERSION_HEADER]}
    seen: dict[str, str] = {}
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            _declare_path_parameters(path, operation)
            _complete_operation(operation, version, every if path in ending else lasting)
            name, place = operation["operationId"], f"{method.upper()} {path}"
            if seen.setdefault(name, place) != place:
                raise OpenApiError(f"{seen[name]} and {place} are both called {name}: name one of them otherwise")


def _declare_path_parameters(path: str, operation: Document) -> None:
    """Each `{name}` of a path has to be declared; a route that takes the whole request does not name it to FastAPI."""
    parameters: list[Document] = operation.get("parameters", [])
    declared = {parameter["name"] for parameter in parameters if parameter.get("in") == "path"}
    missing = [name for name in _PATH_PARAMETER.findall(path) if name not in declared]
    if missing:
        made = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing]
        operation["parameters"] = [*made, *parameters]


def _without_placeholders(value: Any, patch: bool = False) -> None:  # Any: JSON
    """Drop each `default` that is no default: an empty string where the schema wants more, which only says that a
    member may be left out; and all of a merge patch, where what is left out stays as it is (RFC 7396)."""
    if isinstance(value, list):
        for item in value:
            _without_placeholders(item, patch)
    elif isinstance(value, dict):
        if "default" in value and (patch or (value["default"] == "" and _EMPTY_IS_WRONG.intersection(value))):
            del value["default"]
        for key, item in value.items():
            if key == "properties":  # members, one of which may be called default
                _without_placeholders(list(item.values()), patch)
            elif key not in ("example", "examples"):
                _without_placeholders(item, patch or key == "application/merge-patch+json")


def _complete_operation(operation: Document, version: ApiVersion, headers: Document) -> None:
    responses: Document = operation["responses"]
    if "HTTPValidationError" in repr(responses.get("422")):
        responses["422"] = {"$ref": "#/components/responses/Problem"}
    for response in responses.values():
        if "$ref" not in response:
            response["headers"] = {**headers, **response.get("headers", {})}
    responses.setdefault("default", {"$ref": "#/components/responses/Problem"})
    if version.deprecated_at is not None:
        operation["deprecated"] = True


def _headers(version: ApiVersion) -> Document:
    headers: Document = {
        VERSION_HEADER: {
            "description": "The version that served the request.",
            "schema": {"type": "string", "const": version.name},
        }
    }
    if version.deprecated_at is not None:
        headers["Deprecation"] = {
            "description": "RFC 9745: since when, as a structured-field date.",
            "schema": {"type": "string", "const": f"@{int(version.deprecated_at)}"},
        }
    if version.sunset_at is not None:
        headers["Sunset"] = {
            "description": "RFC 8594: from when on it answers 410.",
            "schema": {"type": "string", "const": http_date(version.sunset_at)},
        }
    return headers
