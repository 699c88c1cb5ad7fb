"""Usage plans and API keys: SAM's `Auth.UsagePlan` and the raw `AWS::ApiGateway` resources.

A key's value is `Value`, or its physical id where AWS would draw one; the plan's keys say which.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from lanner.local.plan import ThrottlePlan, UsagePlan
from lanner.local.template.drafts import ApiDraft
from lanner.local.template.identities import identify
from lanner.local.template.reader import Reader
from lanner.local.template.samapis import SAM_APIS
from lanner.local.template.stack import Stack
from lanner.local.template.stages import throttle_of
from lanner.local.template.world import World

_PERIODS: dict[str, Literal["DAY", "WEEK", "MONTH"]] = {"DAY": "DAY", "WEEK": "WEEK", "MONTH": "MONTH"}


def usage_plans(stack: Stack, drafts: dict[str, ApiDraft], world: World) -> list[UsagePlan]:
    """Every usage plan of one stack."""
    return [*_raw_plans(stack, drafts, world), *_sam_plans(stack, drafts)]


def _raw_plans(stack: Stack, drafts: dict[str, ApiDraft], world: World) -> list[UsagePlan]:
    keys: dict[str, tuple[str, str]] = {}
    for resource in stack.of_type("AWS::ApiGateway::ApiKey"):
        properties = stack.properties(resource.logical_id)
        identity = stack.identity(resource.logical_id, resource.where)
        assert identity is not None
        if properties.flag("Enabled", False):
            keys[identity.ref] = (properties.text("Value", identity.ref), identity.ref)
    members: dict[str, dict[str, str]] = {}
    for resource in stack.of_type("AWS::ApiGateway::UsagePlanKey"):
        properties = stack.properties(resource.logical_id)
        value, key_id = keys.get(properties.text("KeyId"), ("", ""))
        if value:
            members.setdefault(properties.text("UsagePlanId"), {})[value] = key_id
    plans = []
    for resource in stack.of_type("AWS::ApiGateway::UsagePlan"):
        properties = stack.properties(resource.logical_id)
        identity = stack.identity(resource.logical_id, resource.where)
        assert identity is not None
        apis = tuple(key for each in properties.children("ApiStages") for key in _stages(each, drafts, world))
        name = properties.text("UsagePlanName", resource.logical_id)
        plans.append(UsagePlan(name, apis, members.get(identity.ref, {}), _throttle(properties)))
    return plans


def _stages(given: Reader, drafts: dict[str, ApiDraft], world: World) -> list[str]:
    """The keys of one entry of ApiStages: the stage that it names, all of the API's where it names none."""
    draft = drafts.get(world.api(given.text("ApiId")) or "")
    if draft is None:
        return []
    if "Throttle" in given:
        message = "Throttle of single methods: a usage plan's throttle counts for the whole stage locally"
        given.findings.unsupported(given.resource, message, given.at("Throttle"))
    stage = given.text("Stage")
    if stage and not draft.has_stage(stage, given):
        return []
    return [draft.key(each) for each in draft.stages if stage in ("", each)]


def _throttle(properties: Reader) -> ThrottlePlan:
    throttle = throttle_of(properties.child("Throttle"), "RateLimit", "BurstLimit")
    quota = properties.child("Quota")
    limit = quota.optional_number("Limit")
    if limit is None:
        return throttle
    return replace(throttle, quota=int(limit), quota_period=_PERIODS.get(quota.text("Period", "MONTH"), "MONTH"))


def _sam_plans(stack: Stack, drafts: dict[str, ApiDraft]) -> list[UsagePlan]:
    plans: list[UsagePlan] = []
    shared: list[str] = []
    throttle = ThrottlePlan()
    for resource in stack.of_type(*SAM_APIS):
        properties = stack.properties(resource.logical_id)
        plan = properties.child("Auth").child("UsagePlan")
        how = plan.text("CreateUsagePlan", "NONE")
        if properties.resource not in drafts or how == "NONE":
            continue
        if how == "SHARED":
            shared.append(properties.resource)
            throttle = _throttle(plan)
        elif how == "PER_API":
            key = _sam_key(stack, f"{resource.logical_id}ApiKey")
            plans.append(UsagePlan(f"{resource.logical_id}UsagePlan", (properties.resource,), key, _throttle(plan)))
        else:
            plan.wrong("CreateUsagePlan", "PER_API, SHARED or NONE")
    if shared:
        plans.append(UsagePlan("ServerlessUsagePlan", tuple(shared), _sam_key(stack, "ServerlessApiKey"), throttle))
    return plans


def _sam_key(stack: Stack, logical_id: str) -> dict[str, str]:
    key = identify("AWS::ApiGateway::ApiKey", logical_id, None, stack.place).ref
    return {key: key}
