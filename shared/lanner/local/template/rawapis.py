"""What REST and HTTP APIs in raw CloudFormation have in common: the API, its stages, its authorizers.

The resources of one API may stand in different stacks of a tree, and may belong to an API that SAM makes (a
`GatewayResponse` or one more `Stage` of an `AWS::Serverless::Api`), so all stacks and all drafts are looked at
together. A stage serves the API as the template has it: deployments are not kept apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lanner.local.plan import RoutePlan
from lanner.local.template.authorizers import raw_http_authorizer, raw_rest_authorizer
from lanner.local.template.cors import http_api_cors
from lanner.local.template.drafts import IAM, ApiDraft
from lanner.local.template.openapi import read_definition
from lanner.local.template.reader import Reader
from lanner.local.template.samapis import definition
from lanner.local.template.stack import Resource, Stack
from lanner.local.template.stages import StageDraft, throttle_of
from lanner.local.template.world import World

NamesByRef = dict[str, str | None]


@dataclass(frozen=True)
class RawResources:
    """The raw API resources of all stacks, and the drafts that they belong to."""

    stacks: list[Stack]
    drafts: dict[str, ApiDraft]
    world: World

    def of_type(self, *types: str) -> Iterator[tuple[Resource, Reader]]:
        """Resources of some types with their properties, over all stacks."""
        for stack in self.stacks:
            for resource in stack.of_type(*types):
                yield resource, stack.properties(resource.logical_id)

    def by_ref(self, type_: str) -> dict[str, Reader]:
        """Properties by what `Ref` of the resource gives."""
        found = {}
        for stack in self.stacks:
            for resource in stack.of_type(type_):
                identity = stack.identity(resource.logical_id, resource.where)
                if identity is not None:
                    found[identity.ref] = stack.properties(resource.logical_id)
        return found

    def draft_of(self, properties: Reader, key: str) -> ApiDraft | None:
        """The API that a resource belongs to; one that is not here is a finding, one not served has had its own."""
        reference = properties.text(key)
        name = self.world.api(reference)
        if name is None:
            message = f"{key} {reference} is not an API of this template"
            properties.findings.unsupported(properties.resource, message, properties.at(key))
            return None
        return self.drafts.get(name)

    def authorizers(self, type_: str, key: str) -> NamesByRef:
        """Authorizers' names by what `Ref` gives; None for one whose function is not here."""
        make = raw_rest_authorizer if type_ == "AWS::ApiGateway::Authorizer" else raw_http_authorizer
        names: NamesByRef = {}
        for reference, properties in self.by_ref(type_).items():
            authorizer = make(properties, self.world)
            draft = self.draft_of(properties, key)
            names[reference] = authorizer.name if authorizer else None
            if authorizer is not None and draft is not None:
                draft.authorizers[authorizer.name] = authorizer
        return names


def open_raw_apis(stack: Stack) -> dict[str, ApiDraft]:
    """A draft for each raw API of the stack by its qualified id, without stages and routes."""
    drafts: dict[str, ApiDraft] = {}
    for resource in stack.of_type("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        properties = stack.properties(resource.logical_id)
        rest = resource.type == "AWS::ApiGateway::RestApi"
        if not rest and properties.text("ProtocolType", "HTTP") != "HTTP":
            message = "WebSocket APIs are not served locally"
            stack.findings.unsupported(properties.resource, message, properties.at("ProtocolType"))
            continue
        draft = ApiDraft(properties.resource, "rest" if rest else "http", resource.where, stack.findings)
        draft.name = properties.text("Name")
        draft.disable_execute_api = properties.flag("DisableExecuteApiEndpoint")
        if rest:
            draft.binary_media_types = tuple(properties.strings("BinaryMediaTypes"))
            draft.key_source(properties, "ApiKeySourceType")
            size = properties.optional_number("MinimumCompressionSize")
            draft.minimum_compression_size = None if size is None else int(size)
        else:
            draft.cors = http_api_cors(properties)
            if "Target" in properties:  # quick create makes this stage, whatever others there are
                draft.open_stage("$default").implied = True
        drafts[properties.resource] = draft
    return drafts


def read_stages(raw: RawResources) -> None:
    """Give every API its stages: those of `Stage` resources, then those that deployments make."""
    deployments = {
        reference: properties.text("RestApiId")
        for reference, properties in raw.by_ref("AWS::ApiGateway::Deployment").items()
    }
    for _, properties in raw.of_type("AWS::ApiGateway::Stage"):
        stage = _stage(properties, raw.draft_of(properties, "RestApiId"), "rest")
        if stage is not None:
            _rest_settings(stage, properties)
            deployment = properties.text("DeploymentId")
            if deployments.get(deployment, properties.text("RestApiId")) != properties.text("RestApiId"):
                message = f"DeploymentId {deployment} is a deployment of another API"
                properties.findings.error(properties.resource, message, properties.at("DeploymentId"))
    for _, properties in raw.of_type("AWS::ApiGatewayV2::Stage"):
        stage = _stage(properties, raw.draft_of(properties, "ApiId"), "http")
        if stage is not None:
            stage.variables = properties.texts("StageVariables")
            stage.route_settings(properties)
    for _, properties in raw.of_type("AWS::ApiGateway::Deployment"):
        _stage_of_deployment(properties, raw.draft_of(properties, "RestApiId"))
    for name, draft in raw.drafts.items():
        if not draft.stages:
            draft.open_stage("$default" if draft.kind == "http" else "prod")
            if draft.kind == "rest":
                message = "no AWS::ApiGateway::Stage deploys this API; it is served as stage 'prod'"
                draft.findings.error(name, message, draft.where)


def _stage(properties: Reader, draft: ApiDraft | None, kind: str) -> StageDraft | None:
    """The stage of a `Stage` resource, None where its API is not here, of the other kind, or has it already."""
    if draft is None:
        return None
    if draft.kind != kind:
        right = "AWS::ApiGateway::Stage" if draft.kind == "rest" else "AWS::ApiGatewayV2::Stage"
        message = f"{draft.logical_id} is {'a REST' if draft.kind == 'rest' else 'an HTTP'} API: its stages are {right}"
        properties.findings.error(properties.resource, message, properties.at("RestApiId", "ApiId"))
        return None
    name = properties.text("StageName", "default")
    if name in draft.stages and not draft.stages[name].implied:
        message = f"{draft.logical_id} has the stage '{name}' already"
        properties.findings.error(properties.resource, message, properties.at("StageName"))
        return None
    stage = draft.open_stage(name)
    stage.implied = False
    return stage


def _rest_settings(stage: StageDraft, properties: Reader) -> None:
    stage.variables = properties.texts("Variables")
    for settings in properties.children("MethodSettings"):
        stage.method_settings(settings)


def _stage_of_deployment(properties: Reader, draft: ApiDraft | None) -> None:
    """A deployment with a StageName makes that stage; where there is one already, it deploys to it."""
    name = properties.text("StageName")
    if draft is None or not name or name in draft.stages:
        return
    stage = draft.open_stage(name)
    description = properties.child("StageDescription")
    stage.throttle = throttle_of(description)
    _rest_settings(stage, description)


def read_definitions(stack: Stack, raw: RawResources) -> None:
    """Add the routes of the stack's OpenAPI bodies, and of HTTP APIs that are made by `Target`."""
    for resource in stack.of_type("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        properties = stack.properties(resource.logical_id)
        draft = raw.drafts.get(properties.resource)
        if draft is None:
            continue
        document = definition(properties, stack)
        if document is not None:
            read_definition(document, draft, properties.resource, raw.world)
        function = raw.world.function(properties.text("Target")) if draft.kind == "http" else None
        if function is not None:
            method, _, path = properties.text("RouteKey", "$default").rpartition(" ")
            route = RoutePlan(method or "ANY", path, function, payload_version="2.0")
            draft.add(replace(route, where=properties.at("Target")), properties.resource)


def route_authorizer(properties: Reader, draft: ApiDraft, authorizers: NamesByRef, shown: str) -> str | None:
    """The authorizer of a `Method` or a `Route`; an id that means none is a finding."""
    kind = properties.text("AuthorizationType", "NONE").upper()
    where = properties.at("AuthorizerId", "AuthorizationType")
    if kind in (IAM, "NONE"):
        return draft.authorizer(kind, properties.resource, where)
    reference = properties.text("AuthorizerId")
    if reference not in authorizers:
        message = f"{shown}: AuthorizerId {reference or '(none)'} is not an authorizer of this API"
        draft.findings.error(properties.resource, message, where)
    return draft.authorizer(authorizers.get(reference), properties.resource, where)
