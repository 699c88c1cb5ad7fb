"""The OpenAPI documents that are served are what the code says, and hold together."""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType
from typing import Any

import pytest
from fastapi import APIRouter

from domain.versions import REGISTRY
from lanner.export.commands.openapi import documents
from lanner.export.openapi import METHODS, document
from lanner.group import RouteGroup
from lanner.pipeline.asgi import LannerRoute
from tests.architecture.source_tree import ROOT, function_packages

FOLDER = ROOT / "functions" / "docs" / "openapi"


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The documents as the code gives them now."""
    return documents(ROOT / "functions", "Lanner API")


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return found


@pytest.mark.parametrize("name", REGISTRY.names)
def test_the_committed_document_is_current(made: dict[str, bytes], name: str) -> None:
    """`make openapi` was run after the last change of a route."""
    assert (FOLDER / f"{name}.json").read_bytes() == made[name], "run `make openapi` and commit what it writes"


def test_there_is_one_document_per_version() -> None:
    """A version that is gone takes its document along."""
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == sorted(REGISTRY.names)


@pytest.mark.parametrize("name", REGISTRY.names)
def test_references_lead_to_components(name: str) -> None:
    """Every $ref is there, and every schema is used."""
    document = load(name)
    text = json.dumps(document)
    references = set(_references(document))
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]
    unused = [schema for schema in document["components"]["schemas"] if f'"#/components/schemas/{schema}"' not in text]
    assert not unused


@pytest.mark.parametrize("name", REGISTRY.names)
def test_every_operation_is_complete(name: str) -> None:
    """An id of its own, a summary, an answer for errors, the version's header, deprecation where it is due."""
    version = REGISTRY[name]
    document = load(name)
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": f"/{name}"}]
    identifiers = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert method in METHODS
            place = f"{method} {path}"
            identifiers.append(operation["operationId"])
            assert operation["summary"], place
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, place
            assert operation.get("deprecated", False) is (version.deprecated_at is not None), place
            for status, response in operation["responses"].items():
                assert "$ref" in response or "X-API-Version" in response["headers"], f"{place} {status}"
    assert len(identifiers) == len(set(identifiers))
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.mark.parametrize("name", REGISTRY.names)
def test_every_path_of_every_group_is_described(name: str) -> None:
    """What a group serves is in the document, but for the files and pages of the documentation itself."""
    from importlib import import_module

    described = load(name)["paths"]
    for package in function_packages():
        group = getattr(import_module(f"{package}.app"), "GROUP", None)
        if group is None or name not in group.versions:
            continue
        for path, methods in group.table.methods.items():
            if path.startswith(("/docs/assets", "/problems")):
                continue
            for method in set(methods) - {"HEAD", "OPTIONS"}:
                assert method.lower() in described.get(path, {}), f"{method} {path} of {package}"


@pytest.mark.parametrize("name", REGISTRY.names)
def test_every_parameter_of_a_path_is_declared(name: str) -> None:
    """OpenAPI 3.1, path templating: each expression of a path has its parameter, and no parameter is without one."""
    for path, operations in load(name)["paths"].items():
        for method, operation in operations.items():
            declared = [each for each in operation.get("parameters", []) if each["in"] == "path"]
            assert sorted(each["name"] for each in declared) == sorted(re.findall(r"\{(\w+)\}", path)), (
                f"{method} {path}"
            )
            assert all(each["required"] is True for each in declared), f"{method} {path}"


@pytest.mark.parametrize("name", REGISTRY.names)
def test_a_default_fits_its_schema(name: str) -> None:
    """A generated client sends defaults: an empty id, or a null that a merge patch takes for a removal."""
    document = load(name)
    for schema in _schemas(document):
        if "default" in schema:
            assert not (schema["default"] == "" and {"minLength", "format", "pattern"} & set(schema)), schema
    patches = [
        content["application/merge-patch+json"]["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "application/merge-patch+json" in (content := operation.get("requestBody", {}).get("content", {}))
    ]
    assert patches
    assert not [schema for patch in patches for schema in _schemas(patch) if "default" in schema]


def test_a_route_is_called_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`operation_id` where a route has one, the name of its function otherwise; a path is declared in either case."""
    router = APIRouter(route_class=LannerRoute)
    router.add_api_route(
        "/things/{id}", lambda request: request, methods=["GET"], operation_id="readThing", name="read"
    )
    router.add_api_route("/things/{id}", lambda request: request, methods=["PUT"], name="replace")
    module = ModuleType("called_routes")
    module.__dict__["router"] = router
    monkeypatch.setitem(sys.modules, "called_routes", module)
    group = RouteGroup(
        "things", registry=REGISTRY, paths={"/things/{id}": "GET PUT"}, routes="called_routes:router", versions=("v2",)
    )
    path = document(REGISTRY, REGISTRY["v2"], [group], "Things")["paths"]["/things/{id}"]
    assert (path["get"]["operationId"], path["put"]["operationId"]) == ("readThing", "replace")
    assert [each["name"] for each in path["get"]["parameters"] if each["in"] == "path"] == ["id"]


def _schemas(value: Any) -> list[dict[str, Any]]:  # Any: JSON
    """Every object in a document that has a type or alternatives, which is what a schema has."""
    if isinstance(value, list):
        return [each for item in value for each in _schemas(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if {"type", "anyOf", "$ref"} & set(value) else []
    return own + [each for item in value.values() for each in _schemas(item)]


def _references(value: Any) -> list[str]:  # Any: JSON
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for item in value.values() for each in _references(item)]
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    return []
