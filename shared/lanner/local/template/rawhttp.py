"""`AWS::ApiGatewayV2::Route`: its key is `METHOD /path` or `$default`, its target an `Integration`.

Source: AWS CloudFormation, "Amazon API Gateway V2 resource type reference".
"""

from __future__ import annotations

from lanner.local.plan import RoutePlan
from lanner.local.template.openapi import say_mapped
from lanner.local.template.rawapis import RawResources, route_authorizer
from lanner.local.template.samapis import HTTP_TIMEOUT_MS
from lanner.local.template.stages import varies


def add_http_routes(raw: RawResources) -> None:
    """Add every raw route to its API."""
    authorizers = raw.authorizers("AWS::ApiGatewayV2::Authorizer", "ApiId")
    integrations = raw.by_ref("AWS::ApiGatewayV2::Integration")
    for each in integrations.values():
        say_mapped(each, "RequestParameters", "ResponseParameters")
    for resource, properties in raw.of_type("AWS::ApiGatewayV2::Route"):
        draft = raw.draft_of(properties, "ApiId")
        if draft is None or draft.kind != "http":
            continue
        key = properties.text("RouteKey")
        target = properties.text("Target").removeprefix("integrations/")
        integration = integrations.get(target)
        uri = integration.text("IntegrationUri") if integration else ""
        function = uri if varies(uri) else raw.world.function(uri)
        if integration is None or function is None:
            message = f"route '{key}': its target {uri or target or '(none)'} is not a function of this template"
            properties.findings.unsupported(properties.resource, message, properties.at("Target"))
            continue
        method, _, path = key.rpartition(" ")
        route = RoutePlan(
            method=method or "ANY",
            path=path,
            function=function,
            authorizer=route_authorizer(properties, draft, authorizers, f"route '{key}'"),
            scopes=properties.strings("AuthorizationScopes"),
            payload_version="2.0" if integration.text("PayloadFormatVersion") == "2.0" else "1.0",
            timeout_ms=integration.number("TimeoutInMillis", HTTP_TIMEOUT_MS),
            where=resource.where,
        )
        draft.add(route, properties.resource)
