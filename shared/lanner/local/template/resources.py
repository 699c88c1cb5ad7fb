"""All other resources, resolved and in dependency order, for the engine to create.

A cycle among them ends the reading, as it ends a deployment. Source: AWS CloudFormation User Guide, "DependsOn".
"""

from __future__ import annotations

from lanner.local.plan import ResourcePlan
from lanner.local.template.declared import SECRET, secret_string
from lanner.local.template.findings import fatal
from lanner.local.template.reader import Reader
from lanner.local.template.source import plain
from lanner.local.template.stack import NESTED, Stack
from lanner.local.template.world import FUNCTIONS, LAYERS

# Read by the other modules of this package; everything else becomes a `ResourcePlan`, so that nothing is lost.
_READ_ELSEWHERE = {
    *FUNCTIONS,
    *LAYERS,
    *NESTED,
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::BasePathMappingV2",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::DomainNameV2",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RoutingRule",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
}


def resource_plans(stack: Stack) -> dict[str, ResourcePlan]:
    """Plans of the resources that are neither functions, layers, APIs nor nested stacks."""
    plans = {}
    for logical_id in in_dependency_order(stack):
        resource = stack.resources[logical_id]
        if resource.type in _READ_ELSEWHERE or logical_id in stack.mistyped:
            continue
        properties = stack.properties(logical_id)
        values = plain(properties.section)
        if resource.type == SECRET:  # what functions were told and what the engine holds is one value
            values["SecretString"] = secret_string(properties, f"{stack.place.stack}/{logical_id}")
        plans[properties.resource] = ResourcePlan(properties.resource, resource.type, values, resource.where)
    return plans


def in_dependency_order(stack: Stack) -> list[str]:
    """Logical ids, each after what it refers to or names in DependsOn. Raises `TemplateError` on a cycle."""
    needs: dict[str, set[str]] = {}
    for logical_id, resource in stack.resources.items():
        stack.properties(logical_id)
        depends = Reader(resource.section, stack.prefix + logical_id, stack.findings).strings("DependsOn")
        for name in depends:
            if name not in stack.resources and name not in stack.left_out:
                message = f"DependsOn names '{name}', which is not a resource of this template"
                stack.findings.error(stack.prefix + logical_id, message, resource.section.at("DependsOn"))
        used = stack.uses.get(stack.prefix + logical_id, set()) | set(depends)
        needs[logical_id] = {name for name in used if name in stack.resources and name != logical_id}
    ordered: dict[str, None] = {}
    path: list[str] = []

    def visit(logical_id: str) -> None:
        if logical_id in ordered:
            return
        if logical_id in path:
            cycle = [*path[path.index(logical_id) :], logical_id]
            where = stack.resources[logical_id].where
            raise fatal(f"resources depend on each other in a circle: {' -> '.join(cycle)}", where, logical_id)
        path.append(logical_id)
        for name in sorted(needs[logical_id]):
            visit(name)
        path.pop()
        ordered[logical_id] = None

    for logical_id in stack.resources:
        visit(logical_id)
    return list(ordered)
