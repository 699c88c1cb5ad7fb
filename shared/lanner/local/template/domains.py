"""Custom domains: SAM's `Domain:`, raw domain names with base path mappings, and routing rules.

Source: AWS SAM Developer Guide, "DomainConfiguration"; AWS::ApiGateway::BasePathMapping(V2);
AWS::ApiGatewayV2::ApiMapping; AWS::ApiGatewayV2::RoutingRule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from lanner.local.plan import BasePathMapping, DomainPlan, HeaderGlob, RoutingRule
from lanner.local.template.drafts import ApiDraft
from lanner.local.template.reader import Reader
from lanner.local.template.samapis import SAM_APIS
from lanner.local.template.stack import Stack
from lanner.local.template.world import World

_MAPPINGS = (
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::BasePathMappingV2",
    "AWS::ApiGatewayV2::ApiMapping",
)
_DOMAINS = ("AWS::ApiGateway::DomainName", "AWS::ApiGateway::DomainNameV2", "AWS::ApiGatewayV2::DomainName")
_RULE = "AWS::ApiGatewayV2::RoutingRule"
_PRIORITIES = (1, 1_000_000)


@dataclass
class _Draft:
    mappings: list[BasePathMapping] = field(default_factory=list)
    rules: list[RoutingRule] = field(default_factory=list)
    rules_first: bool = False


def domain_plans(stacks: list[Stack], drafts: dict[str, ApiDraft], world: World) -> list[DomainPlan]:
    """Every custom domain of the stacks, rules by priority, mappings with the longest base path first."""
    domains: dict[str, _Draft] = {}
    readers = {
        type_: [stack.properties(each.logical_id) for stack in stacks for each in stack.of_type(type_)]
        for type_ in (*_DOMAINS, *SAM_APIS, *_MAPPINGS, _RULE)
    }
    for properties in (each for type_ in _DOMAINS for each in readers[type_]):
        draft = domains.setdefault(properties.text("DomainName"), _Draft())
        draft.rules_first = properties.text("RoutingMode").startswith("ROUTING_RULE")
    for properties in (each for type_ in SAM_APIS for each in readers[type_]):
        if "Domain" in properties and properties.resource in drafts:
            _sam_domain(properties.child("Domain"), drafts[properties.resource], domains)
    for properties in (each for type_ in _MAPPINGS for each in readers[type_]):
        _mapping(properties, domains, drafts, world)
    for properties in readers[_RULE]:
        _rule(properties, domains, drafts, world)
    return [
        DomainPlan(
            name,
            tuple(sorted(draft.mappings, key=lambda each: -len(each.base_path))),
            tuple(sorted(draft.rules, key=lambda each: each.priority)),
            draft.rules_first,
        )
        for name, draft in domains.items()
    ]


def _sam_domain(domain: Reader, api: ApiDraft, domains: dict[str, _Draft]) -> None:
    name = domain.text("DomainName")
    if not name:
        domain.findings.error(domain.resource, "Domain needs a DomainName", domain.section.where)
        return
    draft = domains.setdefault(name, _Draft())
    paths = domain.strings("BasePath") or ("",)
    for path in paths:
        base = "" if path in ("/", "(none)") else path.strip("/")
        _add(draft, BasePathMapping(base, api.logical_id, api.stage.name), domain)


def _mapping(properties: Reader, domains: dict[str, _Draft], drafts: dict[str, ApiDraft], world: World) -> None:
    name = _domain_name(properties)
    reference = properties.text("RestApiId") or properties.text("ApiId")
    api = world.api(reference)
    if api is None:
        message = f"the API {reference} is not in this template"
        properties.findings.unsupported(properties.resource, message, properties.at("RestApiId", "ApiId"))
        return
    base = (properties.text("BasePath") or properties.text("ApiMappingKey")).strip("/")
    base = "" if base == "(none)" else base
    domain = domains.setdefault(name, _Draft())
    stage = properties.text("Stage")
    if stage in ("", "(none)"):  # callers write the stage behind the base path
        for each in drafts[api].stages if api in drafts else ():
            _add(domain, BasePathMapping(f"{base}/{each}".strip("/"), api, each), properties)
    elif api in drafts and drafts[api].has_stage(stage, properties):
        _add(domain, BasePathMapping(base, api, stage), properties)


def _add(draft: _Draft, mapping: BasePathMapping, properties: Reader) -> None:
    if any(each.base_path == mapping.base_path for each in draft.mappings):
        message = f"the base path '{mapping.base_path or '(none)'}' is mapped twice"
        properties.findings.error(properties.resource, message, properties.section.where)
        return
    draft.mappings.append(mapping)


def _domain_name(properties: Reader) -> str:
    given = properties.text("DomainName") or properties.text("DomainNameArn")
    return given.rpartition("/domainnames/")[2] or given


def _rule(properties: Reader, domains: dict[str, _Draft], drafts: dict[str, ApiDraft], world: World) -> None:
    priority = properties.number("Priority", 0)
    if not _PRIORITIES[0] <= priority <= _PRIORITIES[1]:
        properties.wrong("Priority", "a number from 1 to 1000000")
    entries: list[list[HeaderGlob]] = []
    paths: tuple[str, ...] = ()
    for condition in properties.children("Conditions"):
        paths += condition.child("MatchBasePaths").strings("AnyOf")
        matches = condition.child("MatchHeaders").children("AnyOf")
        if matches:
            entries.append([HeaderGlob(each.text("Header"), each.text("ValueGlob")) for each in matches])
    draft = domains.setdefault(_domain_name(properties), _Draft())
    if any(each.priority == priority for each in draft.rules):
        properties.findings.error(properties.resource, f"priority {priority} is used twice", properties.at("Priority"))
    for action in properties.children("Actions"):
        invoke = action.child("InvokeApi")
        api = world.api(invoke.text("ApiId"))
        if api is None:
            message = f"the API {invoke.text('ApiId')} is not in this template"
            properties.findings.unsupported(properties.resource, message, invoke.at("ApiId"))
            continue
        stage, strip = invoke.text("Stage"), invoke.flag("StripBasePath")
        if api not in drafts or not drafts[api].has_stage(stage, invoke):
            continue
        # A plan's rule wants all of its headers. AnyOf is an or, so it becomes one rule for each choice.
        for headers in product(*entries):
            draft.rules.append(RoutingRule(priority, api, stage, paths, headers, strip))
