"""The resources that SAM generates from a template, by the logical ids that it documents.

A template may refer to them (`!Ref ServerlessRestApi`, `!GetAtt HelloRole.Arn`, `${Hello.Alias}`) though none of them
is written in it. Source: AWS SAM Developer Guide, "Generated CloudFormation resources".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lanner.local.template.source import Node, Section

if TYPE_CHECKING:
    from lanner.local.template.stack import Resource, Stack

IMPLICIT_REST = "ServerlessRestApi"
IMPLICIT_HTTP = "ServerlessHttpApi"
IMPLICIT_STAGE = "Prod"
_EVENT_RESOURCES = {
    "SQS": "AWS::Lambda::EventSourceMapping",
    "DynamoDB": "AWS::Lambda::EventSourceMapping",
    "Kinesis": "AWS::Lambda::EventSourceMapping",
    "MSK": "AWS::Lambda::EventSourceMapping",
    "MQ": "AWS::Lambda::EventSourceMapping",
    "SNS": "AWS::SNS::Subscription",
    "Schedule": "AWS::Events::Rule",
    "ScheduleV2": "AWS::Scheduler::Schedule",
    "CloudWatchEvent": "AWS::Events::Rule",
    "EventBridgeRule": "AWS::Events::Rule",
}


def generated_names(stack: Stack) -> dict[str, str]:
    """Every generated logical id with its type; `alias F live`, `version F 1` and `stage Prod` are special."""
    names: dict[str, str] = {}
    for resource in stack.resources.values():
        if resource.type == "AWS::Serverless::Function":
            names.update(_of_function(resource, stack))
        elif resource.type == "AWS::Serverless::StateMachine":
            names[f"{resource.logical_id}Role"] = "AWS::IAM::Role"
        elif resource.type == "AWS::Serverless::Api":
            names.update(_of_stage(resource.logical_id, _stage_name(resource, stack, ""), "Stage"))
            names[f"{resource.logical_id}.Deployment"] = "AWS::ApiGateway::Deployment"
        elif resource.type == "AWS::Serverless::HttpApi":
            names.update(_of_http_stage(resource.logical_id, _stage_name(resource, stack, "$default")))
        elif resource.type == "AWS::Serverless::LayerVersion":
            names[f"{resource.logical_id}.Version"] = "AWS::Lambda::LayerVersion"
    return names


def _of_function(resource: Resource, stack: Stack) -> Iterator[tuple[str, str]]:
    logical_id, raw = resource.logical_id, resource.raw
    if "Role" not in raw:
        yield f"{logical_id}Role", "AWS::IAM::Role"
    if "AutoPublishAlias" in raw:
        value = stack.resolver.for_resource(logical_id).value(raw["AutoPublishAlias"], raw.at("AutoPublishAlias"))
        alias = str(value)
        yield f"{logical_id}Alias{re.sub('[^A-Za-z0-9]', '', alias)}", f"alias {logical_id} {alias}"
        yield f"{logical_id}.Alias", f"alias {logical_id} {alias}"
        yield f"{logical_id}.Version", f"version {logical_id} 1"
    if "FunctionUrlConfig" in raw:
        yield f"{logical_id}Url", "AWS::Lambda::Url"
    if raw.get("DeploymentPreference"):
        yield "ServerlessDeploymentApplication", "AWS::CodeDeploy::Application"
        yield f"{logical_id}DeploymentGroup", "AWS::CodeDeploy::DeploymentGroup"
        yield "CodeDeployServiceRole", "AWS::IAM::Role"
    events = raw.get("Events")
    for name, event in events.items() if isinstance(events, Section) else ():
        kind = str(event.get("Type")) if isinstance(event, Section) else ""
        own: Node = event.get("Properties") if isinstance(event, Section) else None
        own = own if isinstance(own, dict) else {}
        if kind in _EVENT_RESOURCES:
            yield f"{logical_id}{name}", _EVENT_RESOURCES[kind]
        elif kind == "Api":
            yield from () if "RestApiId" in own else _implicit_rest()
            yield f"{logical_id}{name}Permission{IMPLICIT_STAGE}", "AWS::Lambda::Permission"
        elif kind == "HttpApi":
            yield from () if "ApiId" in own else _implicit_http()
            yield f"{logical_id}{name}Permission", "AWS::Lambda::Permission"


def _implicit_rest() -> Iterator[tuple[str, str]]:
    yield IMPLICIT_REST, "AWS::Serverless::Api"
    yield f"{IMPLICIT_REST}.Deployment", "AWS::ApiGateway::Deployment"
    yield from _of_stage(IMPLICIT_REST, IMPLICIT_STAGE, "Stage")


def _implicit_http() -> Iterator[tuple[str, str]]:
    yield IMPLICIT_HTTP, "AWS::Serverless::HttpApi"
    yield from _of_http_stage(IMPLICIT_HTTP, "$default")


def _stage_name(resource: Resource, stack: Stack, default: str) -> str:
    raw = resource.raw.get("StageName", default)
    return str(stack.resolver.for_resource(resource.logical_id).value(raw, resource.raw.at("StageName")))


def _of_stage(api: str, stage: str, suffix: str) -> Iterator[tuple[str, str]]:
    yield f"{api}{re.sub('[^A-Za-z0-9]', '', stage)}{suffix}", f"stage {stage}"
    yield f"{api}{suffix}", f"stage {stage}"
    yield f"{api}.Stage", f"stage {stage}"


def _of_http_stage(api: str, stage: str) -> Iterator[tuple[str, str]]:
    if stage == "$default":
        yield f"{api}ApiGatewayDefaultStage", "stage $default"
    yield from _of_stage(api, stage, "Stage")
