"""Custom domains: base path mappings and routing rules."""

from __future__ import annotations

from collections.abc import Callable

from lanner.local.plan import (
    BasePathMapping,
    CloudPlan,
    HeaderGlob,
    RoutingRule,
)
from lanner.local.template import load_plan
from tests.local.template.templates import RAW

Plan = Callable[..., CloudPlan]


def test_domains_have_their_mappings_and_rules() -> None:
    """SAM's Domain, both kinds of mappings, and a rule whose AnyOf becomes one rule for each choice."""
    made = load_plan(RAW / "domains.yaml")
    assert made.findings == ()
    raw, sam = made.domains
    assert (raw.name, raw.rules_first) == ("raw.example", True)
    assert raw.mappings == (BasePathMapping("web/deep", "Web", "$default"), BasePathMapping("", "V2", "v2"))
    c = HeaderGlob("C", "y")
    assert raw.rules == (
        RoutingRule(20, "V1", "v1", ("old",), (HeaderGlob("A", "x*"), c), True),
        RoutingRule(20, "V1", "v1", ("old",), (HeaderGlob("B", "1"), c), True),
    )
    assert (sam.name, [each.base_path for each in sam.mappings]) == ("sam.example", ["one", "two"])


def test_a_base_path_or_a_priority_that_is_used_twice_is_a_finding(plan: Plan) -> None:
    """AWS refuses it."""
    twice = (
        (RAW / "domains.yaml").read_text()
        + """
  Again: {Type: AWS::ApiGateway::BasePathMapping, Properties: {DomainName: !Ref Domain, RestApiId: !Ref V1, Stage: v1}}
  Same:
    Type: AWS::ApiGatewayV2::RoutingRule
    Properties:
      DomainNameArn: !GetAtt Domain.DomainNameArn
      Priority: 20
      Actions: [{InvokeApi: {ApiId: !Ref V1, Stage: v1}}]
"""
    )
    assert [(each.resource, each.message) for each in plan(twice).findings] == [
        ("Again", "the base path '(none)' is mapped twice"),
        ("Same", "priority 20 is used twice"),
    ]
