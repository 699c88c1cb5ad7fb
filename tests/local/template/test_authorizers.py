"""Authorizers and API keys: what they need, and what is said where one is not here."""

from __future__ import annotations

from collections.abc import Callable

from lanner.local.plan import (
    CloudPlan,
)
from tests.local.template.templates import FUNCTIONS

Plan = Callable[..., CloudPlan]


def test_where_api_keys_come_from(plan: Plan) -> None:
    """SAM, raw and OpenAPI spellings; another word is an error."""
    made = plan(
        FUNCTIONS
        + """
  Sam: {Type: AWS::Serverless::Api, Properties: {StageName: a, ApiKeySourceType: AUTHORIZER}}
  Raw: {Type: AWS::ApiGateway::RestApi, Properties: {ApiKeySourceType: AUTHORIZER}}
  Open:
    Type: AWS::Serverless::Api
    Properties: {StageName: b, DefinitionBody: {x-amazon-apigateway-api-key-source: AUTHORIZER, paths: {}}}
  Plain: {Type: AWS::Serverless::Api, Properties: {StageName: c, ApiKeySourceType: HEADER}}
  Odd: {Type: AWS::Serverless::Api, Properties: {StageName: d, ApiKeySourceType: COOKIE}}
"""
    )
    assert {name for name, api in made.apis.items() if api.keys_from_authorizer} == {"Sam", "Raw", "Open"}
    assert "ApiKeySourceType takes HEADER or AUTHORIZER, not 'COOKIE'" in [each.message for each in made.findings]


def test_what_an_authorizer_needs(plan: Plan) -> None:
    """At most an hour, and identity sources to keep decisions by; several pools are said to be one."""
    made = plan(
        FUNCTIONS
        + """
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: s
      Auth:
        Authorizers:
          Long: {FunctionArn: !GetAtt Guard.Arn, Identity: {ReauthorizeEvery: 7200}}
          Bare: {FunctionArn: !GetAtt Guard.Arn, FunctionPayloadType: REQUEST}
          Asks: {FunctionArn: !GetAtt Guard.Arn, FunctionPayloadType: REQUEST, Identity: {ReauthorizeEvery: 0}}
          Java: {FunctionArn: !GetAtt Guard.Arn, Identity: {ValidationExpression: "(?<how>Bearer) .+"}}
          Odd: {FunctionArn: !GetAtt Guard.Arn, Identity: {ValidationExpression: "Bearer (+"}}
          Pools: {UserPoolArn: ["arn:aws:cognito-idp:x:1:userpool/a", "arn:aws:cognito-idp:x:1:userpool/b"]}
"""
    )
    pools = made.apis["Api"].authorizers["Pools"]
    assert pools.issuer == "https://cognito-idp.x.amazonaws.com/a"
    assert made.apis["Api"].authorizers["Java"].validation_regex == "(?P<how>Bearer) .+"
    assert made.apis["Api"].authorizers["Odd"].validation_regex is None
    assert [each.message.partition(" not tried")[0] for each in made.findings if each.level == "unsupported"] == [
        "ValidationExpression: 'Bearer (+' is",
        "UserPoolArn: tokens of the first pool alone are accepted locally",
    ]
    assert made.apis["Api"].authorizers["Long"].ttl == 3600
    assert [each.message for each in made.findings if each.level == "error"] == [
        "ReauthorizeEvery is 7200; API Gateway allows 0 to 3600",
        "the authorizer 'Bare' keeps its decisions, so it needs identity sources to keep them by",
    ]


def test_an_authorizer_that_is_not_here_leaves_its_routes_open_and_says_so(plan: Plan) -> None:
    """Once, not for every route; a name that is nowhere is an error."""
    made = plan(
        FUNCTIONS
        + """
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: s
      Auth:
        DefaultAuthorizer: Other
        Authorizers: {Other: {FunctionArn: "arn:aws:lambda:eu-west-1:210987654321:function:other"}}
  G:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /a, Method: get}}
        B: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /b, Method: get, Auth: {Authorizer: Otter}}}
"""
    )
    assert [(each.path, each.authorizer) for each in made.apis["Api"].routes] == [("/a", None), ("/b", None)]
    first, second = made.findings
    assert first.level == "unsupported"
    assert "its routes are served without it" in first.message
    assert (second.level, second.message) == ("error", "Api has no authorizer 'Otter' (it has: none)")
