"""`AWS::ApiGateway::Method` and what it refers to: a method's path is its chain of `Resource`s up to the root.

Source: AWS CloudFormation, "Amazon API Gateway resource type reference".
"""

from __future__ import annotations

from dataclasses import dataclass

from lanner.local.plan import GatewayResponsePlan, MockResponse, RoutePlan, Where
from lanner.local.template.drafts import ApiDraft
from lanner.local.template.openapi import mock_response, openapi_gateway_response
from lanner.local.template.rawapis import NamesByRef, RawResources, route_authorizer
from lanner.local.template.reader import Reader
from lanner.local.template.samapis import REST_TIMEOUT_MS
from lanner.local.template.stages import varies
from lanner.local.template.world import World


@dataclass(frozen=True)
class _Validators:
    """Request validators by what they check."""

    parameters: set[str]
    bodies: set[str]


@dataclass(frozen=True)
class _References:
    """What methods refer to by id."""

    paths: dict[str, str]
    authorizers: NamesByRef
    validators: _Validators
    world: World


def add_rest_methods(raw: RawResources) -> None:
    """Add every raw method and gateway response to its API."""
    for _, properties in raw.of_type("AWS::ApiGateway::GatewayResponse"):
        draft = raw.draft_of(properties, "RestApiId")
        if draft is not None:
            draft.gateway_responses[properties.text("ResponseType")] = _gateway_response(properties)
    given = raw.by_ref("AWS::ApiGateway::RequestValidator").items()
    checking = _Validators(
        parameters={reference for reference, properties in given if properties.flag("ValidateRequestParameters")},
        bodies={reference for reference, properties in given if properties.flag("ValidateRequestBody")},
    )
    authorizers = raw.authorizers("AWS::ApiGateway::Authorizer", "RestApiId")
    references = _References(_paths(raw), authorizers, checking, raw.world)
    for resource, properties in raw.of_type("AWS::ApiGateway::Method"):
        draft = raw.draft_of(properties, "RestApiId")
        if draft is not None:
            _add_method(properties, draft, references, resource.where)


def _gateway_response(properties: Reader) -> GatewayResponsePlan:
    section = properties.section
    for name in ("responseParameters", "responseTemplates", "statusCode"):
        source = name[0].upper() + name[1:]
        if source in section:
            section.put(name, section[source], section.at(source))
    return openapi_gateway_response(properties.text("ResponseType"), properties)


def _paths(raw: RawResources) -> dict[str, str]:
    """Full paths by what `Ref` of an `AWS::ApiGateway::Resource` gives."""
    parents = {
        reference: (properties.text("ParentId"), properties.text("PathPart"))
        for reference, properties in raw.by_ref("AWS::ApiGateway::Resource").items()
    }
    paths: dict[str, str] = {}
    for resource_id in parents:
        parts: list[str] = []
        current = resource_id
        while current in parents and len(parts) <= len(parents):
            current, part = parents[current]
            parts.append(part)
        paths[resource_id] = "/" + "/".join(reversed(parts))
    return paths


def _add_method(properties: Reader, draft: ApiDraft, references: _References, where: Where) -> None:
    resource_id = properties.text("ResourceId")
    path = references.paths.get(resource_id, "/")
    if resource_id not in references.paths and not resource_id.endswith("root"):  # RootResourceId ends so here
        message = f"ResourceId {resource_id} is not a resource of this template"
        draft.findings.error(properties.resource, message, properties.at("ResourceId"))
        return
    method = properties.text("HttpMethod", "ANY").upper()
    integration = properties.child("Integration")
    function, mock = _integration(properties, integration, draft, references.world, f"{method} {path}")
    if function is None and mock is None:
        return
    route = RoutePlan(
        method=method,
        path=path,
        function=function,
        mock=mock,
        authorizer=route_authorizer(properties, draft, references.authorizers, f"{method} {path}"),
        scopes=properties.strings("AuthorizationScopes"),
        api_key_required=properties.flag("ApiKeyRequired"),
        timeout_ms=integration.number("TimeoutInMillis", REST_TIMEOUT_MS),
        content_handling=integration.optional("ContentHandling"),
        required_parameters=_required(properties, references.validators),
        where=where,
    )
    draft.add(route, properties.resource)


def _integration(
    properties: Reader, integration: Reader, draft: ApiDraft, world: World, shown: str
) -> tuple[str | None, MockResponse | None]:
    kind = integration.text("Type").upper()
    if kind == "MOCK":
        names = ("IntegrationResponses", "StatusCode", "ResponseParameters", "ResponseTemplates")
        return None, mock_response(integration, *names)
    uri = integration.text("Uri")
    if kind == "AWS_PROXY" and varies(uri):
        return uri, None
    function = world.function(uri) if kind == "AWS_PROXY" else None
    if function is None:
        what = uri if kind == "AWS_PROXY" else f"an integration of type '{kind}'"
        message = f"{shown}: {what} is not served locally, only functions of this template and MOCK are"
        draft.findings.unsupported(properties.resource, message, properties.at("Integration"))
    return function, None


def _required(properties: Reader, validators: _Validators) -> tuple[str, ...]:
    """Parameters that API Gateway insists on: those marked true, where a validator is asked for."""
    if properties.text("RequestValidatorId") in validators.bodies and "RequestModels" in properties:
        message = "RequestModels: request bodies are not validated against models locally"
        properties.findings.unsupported(properties.resource, message, properties.at("RequestModels"))
    if properties.text("RequestValidatorId") not in validators.parameters:
        return ()
    parameters = properties.child("RequestParameters")
    return tuple(name for name in parameters if parameters.flag(name))
