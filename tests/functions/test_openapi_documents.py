"""The OpenAPI documents that are served are what the code says, and hold together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.versions import REGISTRY
from lanner.export.commands.openapi import documents
from lanner.export.openapi import METHODS
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


def _references(value: Any) -> list[str]:  # Any: JSON
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for item in value.values() for each in _references(item)]
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    return []
