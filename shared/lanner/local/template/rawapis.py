"""APIs written in raw CloudFormation: `AWS::ApiGateway::*` (REST) and `AWS::ApiGatewayV2::*` (HTTP).

REST: a `Method`'s path is its chain of `Resource`s up to the root. One stage is served: the first `Stage` of the API,
or the `StageName` of its `Deployment`. HTTP: a `Route`'s key is `METHOD /path` or `$default`; its target is an
`Integration`.
"""

from __future__ import annotations

from dataclasses import replace

from lanner.local.plan import GatewayResponsePlan, RoutePlan
from lanner.local.template.authorizers import raw_http_authorizer, raw_rest_authorizer
from lanner.local.template.cors import http_api_cors
from lanner.local.template.drafts import IAM, ApiDraft, throttle_of
from lanner.local.template.openapi import mock_response, openapi_gateway_response, read_definition, with_stage_variables
from lanner.local.template.reader import Reader
from lanner.local.template.samapis import HTTP_TIMEOUT_MS, REST_TIMEOUT_MS, definition
from lanner.local.template.stack import Resource, Stack
from lanner.local.template.world import World


def raw_api_drafts(stack: Stack, world: World) -> dict[str, ApiDraft]:
    """A draft for each raw API of the stack by its qualified id, OpenAPI routes included."""
    drafts: dict[str, ApiDraft] = {}
    for resource in stack.of_type("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        properties = stack.properties(resource.logical_id)
        rest = resource.type == "AWS::ApiGateway::RestApi"
        if not rest and properties.text("ProtocolType", "HTTP") != "HTTP":
            message = "WebSocket APIs are not served locally"
            stack.findings.unsupported(properties.resource, message, properties.at("ProtocolType"))
            continue
        kind = "rest" if rest else "http"
        draft = ApiDraft(
            properties.resource, "rest" if rest else "http", "", resource.where, stack.findings
        )  # fmt: skip
        draft.name = properties.text("Name")
        draft.disable_execute_api = properties.flag("DisableExecuteApiEndpoint")
        if kind == "rest":
            draft.binary_media_types = tuple(properties.strings("BinaryMediaTypes"))
            size = properties.optional_number("MinimumCompressionSize")
            draft.minimum_compression_size = None if size is None else int(size)
        else:
            draft.cors = http_api_cors(properties)
        drafts[properties.resource] = draft
    _stages(stack, drafts, world)
    for name, draft in drafts.items():
        properties = stack.properties(name.removeprefix(stack.prefix))
        document = definition(properties, stack)
        if document is not None:
            read_definition(document, draft, name, world)
        _quick_create(properties, draft, world)
    _rest_methods(stack, drafts, world)
    _http_routes(stack, drafts, world)
    return drafts


def _stages(stack: Stack, drafts: dict[str, ApiDraft], world: World) -> None:
    for resource in stack.of_type("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"):
        properties = stack.properties(resource.logical_id)
        key = "RestApiId" if resource.type == "AWS::ApiGateway::Stage" else "ApiId"
        draft = _draft_of(properties, key, drafts, world)
        if draft is None:
            continue
        stage = properties.text("StageName", "default")
        if draft.stage:
            message = f"{draft.logical_id} has the stage '{draft.stage}' already; stage '{stage}' is not served"
            stack.findings.unsupported(properties.resource, message, resource.where)
            continue
        draft.stage = stage
        draft.stage_variables = properties.texts("Variables" if key == "RestApiId" else "StageVariables")
        draft.throttle = throttle_of(properties.child("DefaultRouteSettings"))
        for settings in properties.children("MethodSettings"):
            if settings.text("ResourcePath") in ("/*", "*") and settings.text("HttpMethod", "*") == "*":
                draft.throttle = throttle_of(settings)
    for resource in stack.of_type("AWS::ApiGateway::Deployment"):
        properties = stack.properties(resource.logical_id)
        draft = _draft_of(properties, "RestApiId", drafts, world)
        if draft is not None and not draft.stage:
            draft.stage = properties.text("StageName")
    for name, draft in drafts.items():
        if not draft.stage:
            draft.stage = "$default" if draft.kind == "http" else "prod"
            if draft.kind == "rest":
                message = "no AWS::ApiGateway::Stage deploys this API; it is served as stage 'prod'"
                stack.findings.error(name, message, draft.where)


def _draft_of(properties: Reader, key: str, drafts: dict[str, ApiDraft], world: World) -> ApiDraft | None:
    reference = properties.text(key)
    draft = drafts.get(world.api(reference) or "")
    if draft is None and world.api(reference) is None:
        message = f"{key} {reference} is not an API of this template"
        properties.findings.unsupported(properties.resource, message, properties.at(key))
    return draft


def _quick_create(properties: Reader, draft: ApiDraft, world: World) -> None:
    """`Target` of an HTTP API: a `$default` route to one function."""
    if draft.kind == "http" and "Target" in properties:
        function = world.function(properties.text("Target"))
        if function is not None:
            path = properties.text("RouteKey", "$default")
            method, _, rest = path.partition(" ")
            route = RoutePlan(method if rest else "ANY", rest or path, function, payload_version="2.0")
            draft.add(replace(route, where=properties.at("Target")), properties.resource)


def _authorizers(stack: Stack, type_: str, drafts: dict[str, ApiDraft], world: World) -> dict[str, str | None]:
    """Authorizers' names by what `Ref` gives; None for one whose function is not here."""
    names: dict[str, str | None] = {}
    for resource in stack.of_type(type_):
        properties = stack.properties(resource.logical_id)
        rest = type_ == "AWS::ApiGateway::Authorizer"
        authorizer = (raw_rest_authorizer if rest else raw_http_authorizer)(properties, world)
        draft = _draft_of(properties, "RestApiId" if rest else "ApiId", drafts, world)
        names[_ref(stack, resource)] = authorizer.name if authorizer else None
        if authorizer is not None and draft is not None:
            draft.authorizers[authorizer.name] = authorizer
    return names


def _route_authorizer(
    properties: Reader, draft: ApiDraft, authorizers: dict[str, str | None], shown: str
) -> str | None:
    kind = properties.text("AuthorizationType", "NONE").upper()
    where = properties.at("AuthorizerId", "AuthorizationType")
    if kind in (IAM, "NONE"):
        return draft.authorizer(kind, properties.resource, where)
    reference = properties.text("AuthorizerId")
    if reference not in authorizers:
        message = f"{shown}: AuthorizerId {reference or '(none)'} is not an authorizer of this API"
        draft.findings.error(properties.resource, message, where)
    return draft.authorizer(authorizers.get(reference), properties.resource, where)


def _rest_methods(stack: Stack, drafts: dict[str, ApiDraft], world: World) -> None:
    authorizers = _authorizers(stack, "AWS::ApiGateway::Authorizer", drafts, world)
    for resource in stack.of_type("AWS::ApiGateway::GatewayResponse"):
        properties = stack.properties(resource.logical_id)
        draft = _draft_of(properties, "RestApiId", drafts, world)
        if draft is not None:
            draft.gateway_responses[properties.text("ResponseType")] = _gateway_response(properties)
    paths = _rest_paths(stack)
    validators = {
        _ref(stack, resource)
        for resource in stack.of_type("AWS::ApiGateway::RequestValidator")
        if stack.properties(resource.logical_id).flag("ValidateRequestParameters")
    }
    for resource in stack.of_type("AWS::ApiGateway::Method"):
        properties = stack.properties(resource.logical_id)
        draft = _draft_of(properties, "RestApiId", drafts, world)
        if draft is not None:
            _rest_method(resource, properties, draft, paths, authorizers, world, validators)


def _gateway_response(properties: Reader) -> GatewayResponsePlan:
    section = properties.section
    for name in ("responseParameters", "responseTemplates", "statusCode"):
        source = name[0].upper() + name[1:]
        if source in section:
            section.put(name, section[source], section.at(source))
    return openapi_gateway_response(properties.text("ResponseType"), properties)


def _ref(stack: Stack, resource: Resource) -> str:
    identity = stack.identity(resource.logical_id, resource.where)
    assert identity is not None
    return identity.ref


def _rest_paths(stack: Stack) -> dict[str, str]:
    """Full paths by what `Ref` of an `AWS::ApiGateway::Resource` gives; a root's id gives ''."""
    parents: dict[str, tuple[str, str]] = {}
    for resource in stack.of_type("AWS::ApiGateway::Resource"):
        properties = stack.properties(resource.logical_id)
        parents[_ref(stack, resource)] = (properties.text("ParentId"), properties.text("PathPart"))
    paths: dict[str, str] = {}
    for resource_id in parents:
        parts: list[str] = []
        current = resource_id
        while current in parents and len(parts) <= len(parents):
            current, part = parents[current]
            parts.append(part)
        paths[resource_id] = "/" + "/".join(reversed(parts))
    return paths


def _rest_method(
    resource: Resource,
    properties: Reader,
    draft: ApiDraft,
    paths: dict[str, str],
    authorizers: dict[str, str | None],
    world: World,
    validators: set[str],
) -> None:
    resource_id = properties.text("ResourceId")
    path = paths.get(resource_id, "/")
    if resource_id not in paths and not resource_id.endswith("root"):
        message = f"ResourceId {resource_id} is not a resource of this template"
        draft.findings.error(properties.resource, message, properties.at("ResourceId"))
        return
    method = properties.text("HttpMethod", "ANY").upper()
    integration = properties.child("Integration")
    kind = integration.text("Type").upper()
    function, mock = None, None
    if kind == "MOCK":
        mock = mock_response(
            integration, "IntegrationResponses", "StatusCode", "ResponseParameters", "ResponseTemplates"
        )  # fmt: skip
    elif kind == "AWS_PROXY":
        function = world.function(with_stage_variables(integration.text("Uri"), draft))
    if function is None and mock is None:
        what = integration.text("Uri") if kind == "AWS_PROXY" else f"an integration of type '{kind}'"
        message = f"{method} {path}: {what} is not served locally, only functions of this template and MOCK are"
        draft.findings.unsupported(properties.resource, message, properties.at("Integration"))
        return
    draft.add(
        RoutePlan(
            method=method,
            path=path,
            function=function,
            mock=mock,
            authorizer=_route_authorizer(properties, draft, authorizers, f"{method} {path}"),
            scopes=properties.strings("AuthorizationScopes"),
            api_key_required=properties.flag("ApiKeyRequired"),
            timeout_ms=integration.number("TimeoutInMillis", REST_TIMEOUT_MS),
            content_handling=integration.optional("ContentHandling"),
            required_parameters=_required(properties, validators),
            where=resource.where,
        ),
        properties.resource,
    )


def _required(properties: Reader, validators: set[str]) -> tuple[str, ...]:
    """Parameters that API Gateway insists on: those marked true, where a validator is asked for."""
    if properties.text("RequestValidatorId") not in validators:
        return ()
    parameters = properties.child("RequestParameters")
    return tuple(name for name in parameters if parameters.flag(name))


def _http_routes(stack: Stack, drafts: dict[str, ApiDraft], world: World) -> None:
    authorizers = _authorizers(stack, "AWS::ApiGatewayV2::Authorizer", drafts, world)
    integrations = {
        _ref(stack, resource): stack.properties(resource.logical_id)
        for resource in stack.of_type("AWS::ApiGatewayV2::Integration")
    }
    for resource in stack.of_type("AWS::ApiGatewayV2::Route"):
        properties = stack.properties(resource.logical_id)
        draft = _draft_of(properties, "ApiId", drafts, world)
        if draft is None or draft.kind != "http":
            continue
        target = properties.text("Target").removeprefix("integrations/")
        integration = integrations.get(target)
        uri = with_stage_variables(integration.text("IntegrationUri"), draft) if integration else ""
        function = world.function(uri)
        key = properties.text("RouteKey")
        if integration is None or function is None:
            message = f"route '{key}': its target {target or '(none)'} is not a function of this template"
            stack.findings.unsupported(properties.resource, message, properties.at("Target"))
            continue
        method, _, path = key.partition(" ")
        version = integration.text("PayloadFormatVersion", "1.0")
        draft.add(
            RoutePlan(
                method=method if path else "ANY",
                path=path or key,
                function=function,
                authorizer=_route_authorizer(properties, draft, authorizers, f"route '{key}'"),
                scopes=properties.strings("AuthorizationScopes"),
                payload_version="2.0" if version == "2.0" else "1.0",
                timeout_ms=integration.number("TimeoutInMillis", HTTP_TIMEOUT_MS),
                where=resource.where,
            ),
            properties.resource,
        )
