"""What aws-sam-translator makes of a template: the oracle that our reading is held against.

The translator expands SAM into CloudFormation as the service does. `routes` and `functions` take from its output what a
plan says of the same template.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lanner.local.template.findings import Findings
from lanner.local.template.source import load, plain

Json = dict[str, Any]
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "x-amazon-apigateway-any-method")


class _NoPolicies:
    """The translator asks for AWS-managed policies by name; there is no AWS here."""

    def load(self) -> dict[str, str]:
        return {}


def expand(template: Path, parameters: dict[str, str] | None = None) -> Json:
    """The template as CloudFormation, after SAM's transform."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    from samtranslator.translator.transform import transform

    document = _packaged(plain(load(template, Findings())))
    expanded: Json = transform(document, parameters or {}, _NoPolicies())
    return expanded


def _packaged(node: Any) -> Any:
    """Local folders as `sam package` leaves them: the translator takes only what is in S3."""
    if isinstance(node, list):
        return [_packaged(item) for item in node]
    if not isinstance(node, dict):
        return node
    packaged = {key: _packaged(value) for key, value in node.items()}
    for key in ("CodeUri", "ContentUri", "Location"):
        if isinstance(packaged.get(key), str) and packaged[key] != "openapi.yaml":
            packaged[key] = "s3://bucket/key"
    return packaged


def functions(expanded: Json) -> dict[str, Json]:
    """Lambda functions by logical id, with their properties."""
    return {
        name: resource["Properties"]
        for name, resource in expanded["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def routes(expanded: Json) -> set[tuple[str, str, str, str]]:
    """(api, METHOD, path, function or `mock`) of every API's OpenAPI body."""
    found = set()
    for name, resource in expanded["Resources"].items():
        if resource["Type"] in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
            found |= {(name, *route) for route in _body_routes(resource["Properties"].get("Body", {}))}
    return found


def _body_routes(body: Json) -> Iterator[tuple[str, str, str]]:
    for path, item in body.get("paths", {}).items():
        if "Fn::If" in item:
            item = item["Fn::If"][1]
        for method, operation in item.items():
            if method in _METHODS:
                verb = "ANY" if method.startswith("x-") else method.upper()
                shown = "$default" if path == "/$default" else path
                yield verb, shown, _target(operation["x-amazon-apigateway-integration"])


def _target(integration: Json) -> str:
    if integration["type"] == "mock":
        return "mock"
    found = re.search(r"\$\{(\w+)\.(?:Arn|Alias)\}|\$\{(\w+?)Aliaslive\}", str(integration["uri"]))
    assert found, integration
    return found[1] or found[2]


def security(expanded: Json) -> set[tuple[str, str, str, frozenset[str]]]:
    """(api, METHOD, path, names of its security requirements), where there are any."""
    found = set()
    for name, resource in expanded["Resources"].items():
        if resource["Type"] not in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
            continue
        for path, item in resource["Properties"].get("Body", {}).get("paths", {}).items():
            for method, operation in item.items():
                names = frozenset(key for each in operation.get("security", ()) for key in each) - {"NONE"}
                if method in _METHODS and names:
                    verb = "ANY" if method.startswith("x-") else method.upper()
                    found.add((name, verb, path, names))
    return found
