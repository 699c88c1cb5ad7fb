"""`AWS::Serverless::Api` and `AWS::Serverless::HttpApi`, written or implicit, and the events that add routes to them.

Source: AWS SAM Developer Guide, "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "Api" and "HttpApi" events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from lanner.local.plan import GatewayResponsePlan, RoutePlan
from lanner.local.template.authorizers import sam_http_authorizer, sam_rest_authorizer
from lanner.local.template.cors import http_api_cors, preflight_routes, rest_cors_headers
from lanner.local.template.drafts import ApiDraft
from lanner.local.template.generated import IMPLICIT_HTTP, IMPLICIT_REST, IMPLICIT_STAGE
from lanner.local.template.openapi import read_definition
from lanner.local.template.reader import Reader
from lanner.local.template.source import Section, load
from lanner.local.template.stack import Stack
from lanner.local.template.stages import canonical, throttle_of
from lanner.local.template.substitution import text_of
from lanner.local.template.world import World

SAM_APIS: dict[str, Literal["rest", "http"]] = {"AWS::Serverless::Api": "rest", "AWS::Serverless::HttpApi": "http"}
_IMPLICIT: dict[str, tuple[str, str]] = {
    IMPLICIT_REST: ("AWS::Serverless::Api", IMPLICIT_STAGE),
    IMPLICIT_HTTP: ("AWS::Serverless::HttpApi", "$default"),
}
REST_TIMEOUT_MS, HTTP_TIMEOUT_MS = 29_000, 30_000  # API Gateway's defaults


def sam_api_drafts(stack: Stack, world: World) -> dict[str, ApiDraft]:
    """A draft for each SAM API of the stack by its qualified id, OpenAPI routes included."""
    drafts: dict[str, ApiDraft] = {}
    for logical_id, (type_, stage) in _IMPLICIT.items():
        if logical_id in stack.generated and logical_id not in stack.resources:
            reader = _implicit_properties(logical_id, stack)
            drafts[reader.resource] = _draft(SAM_APIS[type_], reader, stage, stack, world)
    for resource in stack.of_type(*SAM_APIS):
        reader = stack.properties(resource.logical_id)
        kind = SAM_APIS[resource.type]
        if kind == "rest" and "StageName" not in reader:
            stack.findings.error(reader.resource, "a REST API needs a StageName", resource.where)
        stage = reader.text("StageName", "$default" if kind == "http" else IMPLICIT_STAGE)
        drafts[reader.resource] = replace(_draft(kind, reader, stage, stack, world), where=resource.where)
    return drafts


def _draft(kind: Literal["rest", "http"], properties: Reader, stage: str, stack: Stack, world: World) -> ApiDraft:
    draft = ApiDraft(properties.resource, kind, properties.section.where, stack.findings)
    own = draft.open_stage(stage)
    draft.name = properties.text("Name")
    draft.disable_execute_api = properties.flag("DisableExecuteApiEndpoint")
    own.variables = properties.texts("Variables" if kind == "rest" else "StageVariables")
    _authorizers(draft, properties, world)
    if kind == "rest":
        _rest_settings(draft, properties)
    else:
        draft.cors = http_api_cors(properties)
        own.route_settings(properties)
    document = definition(properties, stack)
    if document is not None:
        read_definition(document, draft, properties.resource, world)
        draft.defined = not properties.flag("MergeDefinitions")
    return draft


def _authorizers(draft: ApiDraft, properties: Reader, world: World) -> None:
    auth = properties.child("Auth")
    make = sam_rest_authorizer if draft.kind == "rest" else sam_http_authorizer
    for name, given in auth.named("Authorizers"):
        authorizer = make(name, given, world)
        if authorizer is not None:
            draft.authorizers[name] = authorizer
            draft.default_scopes[name] = given.strings("AuthorizationScopes")
        else:
            draft.unreachable.add(name)
    if "ResourcePolicy" in auth:
        message = "ResourcePolicy: resource policies are not evaluated locally"
        properties.findings.unsupported(properties.resource, message, auth.at("ResourcePolicy"))
    draft.api_key_required = auth.flag("ApiKeyRequired")
    default = auth.text("DefaultAuthorizer")
    draft.default_authorizer = draft.authorizer(default, properties.resource, auth.at("DefaultAuthorizer"))


def _rest_settings(draft: ApiDraft, properties: Reader) -> None:
    draft.binary_media_types = tuple(each.replace("~1", "/") for each in properties.strings("BinaryMediaTypes"))
    draft.key_source(properties, "ApiKeySourceType")
    size = properties.optional_number("MinimumCompressionSize")
    draft.minimum_compression_size = None if size is None else int(size)
    for type_, given in properties.named("GatewayResponses"):
        status = given.optional_number("StatusCode")
        draft.gateway_responses[type_] = GatewayResponsePlan(
            response_type=type_,
            status=None if status is None else int(status),
            headers=given.child("ResponseParameters").texts("Headers"),
            templates=given.texts("ResponseTemplates"),
        )
    for settings in properties.children("MethodSettings"):
        draft.stage.method_settings(settings)


def definition(properties: Reader, stack: Stack) -> Section | None:
    """An API's OpenAPI document: `DefinitionBody` (or `Body`), or the file that `DefinitionUri` names."""
    for key in ("DefinitionBody", "Body"):
        body = properties.get(key)
        if isinstance(body, Section):
            return body
        if body is not None:
            properties.wrong(key, "an OpenAPI document")
    for key in ("DefinitionUri", "BodyS3Location"):
        location = properties.get(key)
        if location is None:
            continue
        if not isinstance(location, str) or location.startswith(("s3://", "http")):
            message = f"{key} is not a local file: its routes are skipped"
            stack.findings.unsupported(properties.resource, message, properties.at(key))
            return None
        file = (stack.file.parent / location).resolve()
        if not file.is_file():
            stack.findings.error(properties.resource, f"{key}: there is no file {file}", properties.at(key))
            return None
        stack.files.append(file)
        # CloudFormation does not see this file, so functions in it stay text, as in AWS.
        document = load(file, stack.findings)
        return document if isinstance(document, Section) else None
    return None


def add_events(stack: Stack, drafts: dict[str, ApiDraft], world: World, runnable: set[str]) -> None:
    """Add the routes of the functions' `Api` and `HttpApi` events; those of functions that cannot run are left out."""
    for resource in stack.of_type("AWS::Serverless::Function"):
        properties = stack.properties(resource.logical_id)
        for name, event in properties.named("Events"):
            kind = event.text("Type")
            if kind in ("Api", "HttpApi") and properties.resource in runnable:
                where = properties.child("Events").at(name)
                draft = _api_of(event, kind, stack, drafts, world)
                if draft is not None:
                    route = (_rest_route if kind == "Api" else _http_route)(event, properties.resource, draft)
                    _add(draft, replace(route, where=where), properties.resource)


def _api_of(event: Reader, kind: str, stack: Stack, drafts: dict[str, ApiDraft], world: World) -> ApiDraft | None:
    key, implicit = ("RestApiId", IMPLICIT_REST) if kind == "Api" else ("ApiId", IMPLICIT_HTTP)
    properties = event.child("Properties")
    if key not in properties:
        return drafts.get(stack.prefix + implicit)
    reference = properties.text(key)
    draft = drafts.get(world.api(reference) or stack.prefix + reference)
    wanted = "rest" if kind == "Api" else "http"
    if draft is None or draft.kind != wanted:
        message = f"{key} '{reference}' is not {'a REST' if kind == 'Api' else 'an HTTP'} API of this template"
        event.findings.error(event.resource, message, properties.at(key))
        return None
    return draft


def _add(draft: ApiDraft, route: RoutePlan, resource: str) -> None:
    if not draft.defined:
        draft.add(route, resource)
        return
    paths = {(each.method, each.path) for each in draft.routes.values()}
    if not {(route.method, route.path), ("ANY", route.path)} & paths:
        message = f"the definition of {draft.logical_id} has no {route.method} {route.path}: this event adds no route"
        draft.findings.error(resource, message, route.where)


def _rest_route(event: Reader, function: str, draft: ApiDraft) -> RoutePlan:
    properties = event.child("Properties")
    for key in ("Path", "Method"):
        if key not in properties:
            event.findings.error(function, f"an Api event needs a {key}", event.at("Properties", "Type"))
    auth = properties.child("Auth")
    authorizer, scopes = _route_auth(auth, draft, function)
    return RoutePlan(
        method=properties.text("Method", "ANY").upper(),
        path=properties.text("Path", "/"),
        function=function,
        authorizer=authorizer,
        scopes=scopes,
        api_key_required=auth.flag("ApiKeyRequired", draft.api_key_required),
        timeout_ms=properties.number("TimeoutInMillis", REST_TIMEOUT_MS),
        required_parameters=tuple(_required(properties)),
    )


def _http_route(event: Reader, function: str, draft: ApiDraft) -> RoutePlan:
    properties = event.child("Properties")
    authorizer, scopes = _route_auth(properties.child("Auth"), draft, function)
    if "Path" in properties and "Method" not in properties:
        event.findings.error(function, "an HttpApi event with a Path needs a Method", properties.at("Path"))
    method = properties.text("Method", "ANY").upper()
    method = "ANY" if method in ("*", "X-AMAZON-APIGATEWAY-ANY-METHOD") else method
    path = properties.text("Path", "$default")
    if "RouteSettings" in properties:  # SAM writes them into the stage that it makes, where they win over the API's
        draft.stage.throttles[method, canonical(path)] = throttle_of(properties.child("RouteSettings"))
    return RoutePlan(
        method=method,
        path=path,
        function=function,
        authorizer=authorizer,
        scopes=scopes,
        payload_version="1.0" if properties.text("PayloadFormatVersion", "2.0") == "1.0" else "2.0",
        timeout_ms=properties.number("TimeoutInMillis", HTTP_TIMEOUT_MS),
    )


def _route_auth(auth: Reader, draft: ApiDraft, function: str) -> tuple[str | None, tuple[str, ...]]:
    chosen = auth.optional("Authorizer")
    scopes = auth.strings("AuthorizationScopes")
    name = draft.authorizer(chosen, function, auth.at("Authorizer")) if chosen else draft.default_authorizer
    if name and not scopes:
        scopes = draft.default_scopes.get(name, ())
    return name, scopes


def _required(properties: Reader) -> Iterator[str]:
    """`RequestParameters` that are required; API Gateway checks them only where a validator is asked for."""
    model = properties.child("RequestModel")
    if model.flag("ValidateBody"):
        message = "ValidateBody: request bodies are not validated against models locally"
        properties.findings.unsupported(properties.resource, message, model.at("ValidateBody"))
    if not model.flag("ValidateParameters"):
        return
    parameters = properties.items("RequestParameters")
    for item in parameters:
        for name, given in item.items() if isinstance(item, dict) else ():
            if isinstance(given, dict) and text_of(given.get("Required")).lower() == "true":
                yield name


def add_rest_cors(drafts: dict[str, ApiDraft], stack: Stack) -> None:
    """Add SAM's MOCK preflight routes to each REST API with `Cors`, after all its other routes are there."""
    for name, draft in drafts.items():
        properties = _properties_of(name.removeprefix(stack.prefix), stack)
        headers = rest_cors_headers(properties) if draft.kind == "rest" else None
        if headers is None:
            continue
        auth = properties.child("Auth")
        authorizer = draft.default_authorizer if auth.flag("AddDefaultAuthorizerToCorsPreflight", True) else None
        api_key = draft.api_key_required and auth.flag("AddApiKeyRequiredToCorsPreflight", True)
        for route in preflight_routes(list(draft.routes.values()), headers):
            draft.add(replace(route, authorizer=authorizer, api_key_required=api_key), name)


def _properties_of(logical_id: str, stack: Stack) -> Reader:
    if logical_id in stack.resources:
        return stack.properties(logical_id)
    return _implicit_properties(logical_id, stack)


def _implicit_properties(logical_id: str, stack: Stack) -> Reader:
    """An implicit API has the properties that `Globals` gives to its type."""
    globals_ = stack.globals.of_type(_IMPLICIT[logical_id][0]) or Section(stack.document.where)
    resolved = stack.resolver.value(globals_, globals_.where)
    section = resolved if isinstance(resolved, Section) else Section(globals_.where)
    return Reader(section, stack.prefix + logical_id, stack.findings)
