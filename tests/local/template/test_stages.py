"""Several stages of one API: SAM's with raw ones, raw ones alone, what each has of its own, and what names a stage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.local.plan import ApiPlan, BasePathMapping, CloudPlan, RoutingRule, ThrottlePlan

Plan = Callable[..., CloudPlan]

FUNCTIONS = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, CodeUri: src, Handler: app.handler}
Resources:
  Calm: {Type: AWS::Serverless::Function, Properties: {FunctionName: calm}}
  Bold: {Type: AWS::Serverless::Function, Properties: {FunctionName: bold}}
"""

SAM_REST = """
  Shop:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      Variables: {table: live}
      MethodSettings: [{ResourcePath: "/*", HttpMethod: "*", ThrottlingRateLimit: 9}]
  Show:
    Type: AWS::Serverless::Function
    Properties: {Events: {Get: {Type: Api, Properties: {RestApiId: !Ref Shop, Path: "/items/{id}", Method: get}}}}
  Beta:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Shop
      DeploymentId: !Ref Shop.Deployment
      StageName: beta
      Variables: {table: trial}
      MethodSettings:
        - {ResourcePath: "/items/{item}", HttpMethod: GET, ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2}
"""

RAW_REST = """
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: raw}}
  Thing:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: "{id}"}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Thing
      HttpMethod: GET
      AuthorizationType: NONE
      Integration:
        Type: AWS_PROXY
        Uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${AWS::Region}:\
${AWS::AccountId}:function:${!stageVariables.fn}/invocations"
"""

RAW_STAGES = """
  Live: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live, Variables: {fn: calm}}}
  Next: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: next, Variables: {fn: bold}}}
"""


def stages(made: CloudPlan, name: str) -> dict[str, ApiPlan]:
    """The plans of one API by stage, in the order of the plan."""
    return {api.stage: api for api in made.apis.values() if api.logical_id == name}


def functions(made: CloudPlan, name: str) -> dict[str, list[str | None]]:
    return {stage: [route.function for route in api.routes] for stage, api in stages(made, name).items()}


def test_a_sam_rest_api_may_have_raw_stages_too(plan: Plan) -> None:
    """Both serve its routes; variables and throttles are each stage's own."""
    made = plan(FUNCTIONS + SAM_REST)
    assert made.findings == ()
    assert list(made.apis) == ["Shop", "Shop/beta"]
    prod, beta = stages(made, "Shop").values()
    assert (prod.stage, beta.stage, prod.kind, beta.kind) == ("prod", "beta", "rest", "rest")
    assert (prod.stage_variables, beta.stage_variables) == ({"table": "live"}, {"table": "trial"})
    assert (prod.throttle, beta.throttle) == (ThrottlePlan(rate=9), ThrottlePlan())
    assert [route.throttle for route in prod.routes] == [None]
    assert [route.throttle for route in beta.routes] == [ThrottlePlan(rate=1, burst=2)]
    assert [route.path for route in beta.routes] == ["/items/{id}"]


def test_a_sam_http_api_may_have_raw_stages_too(plan: Plan) -> None:
    """`$default` from SAM and `beta`; an event's RouteSettings are written into SAM's stage alone, as SAM does."""
    made = plan(
        FUNCTIONS
        + """
  Web: {Type: AWS::Serverless::HttpApi, Properties: {StageVariables: {mode: plain}}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get:
          Type: HttpApi
          Properties: {ApiId: !Ref Web, Path: /x, Method: get, RouteSettings: {ThrottlingBurstLimit: 5}}
        Put: {Type: HttpApi, Properties: {ApiId: !Ref Web, Path: /x, Method: put}}
  Beta:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Web
      StageName: beta
      AutoDeploy: true
      StageVariables: {mode: bright}
      DefaultRouteSettings: {ThrottlingRateLimit: 3}
      RouteSettings: {"PUT /x": {ThrottlingRateLimit: 1}}
"""
    )
    assert made.findings == ()
    web = stages(made, "Web")
    assert list(web) == ["$default", "beta"]
    assert [api.stage_variables["mode"] for api in web.values()] == ["plain", "bright"]
    assert [api.throttle for api in web.values()] == [ThrottlePlan(), ThrottlePlan(rate=3)]
    throttles = {stage: {route.method: route.throttle for route in api.routes} for stage, api in web.items()}
    assert throttles == {
        "$default": {"GET": ThrottlePlan(burst=5), "PUT": None},
        "beta": {"GET": None, "PUT": ThrottlePlan(rate=1)},
    }


def test_a_stage_variable_chooses_the_function_of_each_stage(plan: Plan) -> None:
    """One method, another function in each stage; the same in an OpenAPI document and for an HTTP API's integration."""
    made = plan(
        FUNCTIONS
        + RAW_REST
        + RAW_STAGES
        + """
  Web: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: web, ProtocolType: HTTP}}
  Chosen:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Web
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${!stageVariables.fn}"
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Web, RouteKey: GET /, Target: !Sub "integrations/${Chosen}"}
  Main: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Web, StageName: $default, StageVariables: {fn: calm}}}
  Other: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Web, StageName: other, StageVariables: {fn: bold}}}
  Written:
    Type: AWS::Serverless::Api
    Properties:
      StageName: one
      Variables: {fn: bold}
      DefinitionBody:
        openapi: 3.0.1
        info: {title: t, version: "1"}
        paths:
          /:
            get:
              x-amazon-apigateway-integration:
                type: aws_proxy
                uri: arn:aws:lambda:r:1:function:${stageVariables.fn}
  Two: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Written, StageName: two, Variables: {fn: calm}}}
"""
    )
    assert made.findings == ()
    assert functions(made, "Api") == {"live": ["Calm"], "next": ["Bold"]}
    assert functions(made, "Web") == {"$default": ["Calm"], "other": ["Bold"]}
    assert functions(made, "Written") == {"one": ["Bold"], "two": ["Calm"]}


def test_a_stage_whose_variable_names_no_function_lacks_the_route(plan: Plan) -> None:
    """The finding says in which stage; the others serve it."""
    bare = "  Bare: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: bare}}\n"
    made = plan(FUNCTIONS + RAW_REST + RAW_STAGES + bare)
    assert functions(made, "Api") == {"live": ["Calm"], "next": ["Bold"], "bare": []}
    (finding,) = made.findings
    assert (finding.level, finding.resource) == ("unsupported", "Api")
    assert finding.message.startswith("GET /{id}: arn:aws:apigateway:")
    assert finding.message.endswith(
        "${stageVariables.fn}/invocations is not a function of this template (stage 'bare')"
    )


def test_a_stage_variable_chooses_the_function_of_an_authorizer(plan: Plan) -> None:
    """Each stage's own; where it names none the stage has no such authorizer, so that its routes stay closed."""
    made = plan(
        FUNCTIONS
        + """
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: raw}}
  Guard:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      Name: guard
      Type: TOKEN
      RestApiId: !Ref Api
      IdentitySource: method.request.header.Authorization
      AuthorizerUri: arn:aws:lambda:r:1:function:${stageVariables.fn}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Guard
      Integration: {Type: AWS_PROXY, Uri: !GetAtt Calm.Arn}
  Bare: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: bare}}
"""
        + RAW_STAGES
    )
    found = {stage: [each.function for each in api.authorizers.values()] for stage, api in stages(made, "Api").items()}
    assert found == {"bare": [], "live": ["Calm"], "next": ["Bold"]}
    assert {route.authorizer for api in made.apis.values() for route in api.routes} == {"guard"}
    (finding,) = made.findings
    assert "the authorizer 'guard' calls" in finding.message
    assert finding.message.endswith("no function of this template: its routes answer 500 (stage 'bare')")


def test_a_deployment_with_a_stage_name_makes_a_stage(plan: Plan) -> None:
    """With its StageDescription's settings; one that deploys to a stage that is there changes nothing."""
    made = plan(
        FUNCTIONS
        + RAW_REST
        + RAW_STAGES
        + """
  Again: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api, StageName: live}}
  Third:
    Type: AWS::ApiGateway::Deployment
    Properties:
      RestApiId: !Ref Api
      StageName: third
      StageDescription:
        Variables: {fn: bold}
        ThrottlingRateLimit: 8
        MethodSettings: [{ResourcePath: "/{thing}", HttpMethod: GET, ThrottlingBurstLimit: 4}]
"""
    )
    assert made.findings == ()
    assert list(made.apis) == ["Api", "Api/next", "Api/third"]
    assert functions(made, "Api") == {"live": ["Calm"], "next": ["Bold"], "third": ["Bold"]}
    third = made.apis["Api/third"]
    assert (third.throttle, third.routes[0].throttle) == (ThrottlePlan(rate=8), ThrottlePlan(burst=4))


def test_quick_create_makes_the_default_stage_beside_others(plan: Plan) -> None:
    """`Target` gives `$default` in any case; a Stage resource of that name only adds settings."""
    made = plan(
        FUNCTIONS
        + """
  Quick: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: quick, ProtocolType: HTTP, Target: !GetAtt Calm.Arn}}
  Beta: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Quick, StageName: beta}}
  Main: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Quick, StageName: $default, StageVariables: {a: b}}}
"""
    )
    assert made.findings == ()
    assert {stage: api.stage_variables for stage, api in stages(made, "Quick").items()} == {
        "$default": {"a": "b"},
        "beta": {},
    }


def test_a_stage_that_is_there_twice_is_an_error(plan: Plan) -> None:
    """AWS refuses the second, as it does another API's deployment and a stage of the other kind."""
    made = plan(
        FUNCTIONS
        + SAM_REST
        + RAW_REST
        + RAW_STAGES
        + """
  Twice: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Shop, StageName: prod, Variables: {table: no}}}
  Kind: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Shop, StageName: $default}}
  Elsewhere: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}}
  Odd: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Shop, StageName: odd, DeploymentId: !Ref Elsewhere}}
"""
    )
    assert stages(made, "Shop")["prod"].stage_variables == {"table": "live"}
    assert list(stages(made, "Shop")) == ["prod", "beta", "odd"]
    twice, kind, odd = made.findings
    assert (kind.level, kind.message) == ("error", "Shop is a REST API: its stages are AWS::ApiGateway::Stage")
    assert (twice.level, twice.resource, twice.message) == ("error", "Twice", "Shop has the stage 'prod' already")
    assert (odd.level, odd.resource) == ("error", "Odd")
    assert odd.message.endswith("is a deployment of another API")


def test_what_names_a_stage_means_that_stage(plan: Plan) -> None:
    """Usage plans, mappings and rules; without a stage a mapping leaves it to the path, behind the base path."""
    made = plan(
        FUNCTIONS
        + SAM_REST
        + """
  Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: abcdefghij0123456789}}
  Gold:
    Type: AWS::ApiGateway::UsagePlan
    Properties: {UsagePlanName: gold, ApiStages: [{ApiId: !Ref Shop, Stage: !Ref Beta}]}
  Both:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      UsagePlanName: both
      ApiStages: [{ApiId: !Ref Shop, Stage: beta}, {ApiId: !Ref Shop, Stage: !Ref Shop.Stage}]
  Domain:
    Type: AWS::ApiGateway::DomainName
    Properties: {DomainName: d.example, RoutingMode: ROUTING_RULE_THEN_BASE_PATH_MAPPING}
  Root:
    Type: AWS::ApiGateway::BasePathMapping
    Properties: {DomainName: !Ref Domain, RestApiId: !Ref Shop, Stage: prod}
  New:
    Type: AWS::ApiGateway::BasePathMapping
    Properties: {DomainName: !Ref Domain, RestApiId: !Ref Shop, BasePath: new, Stage: !Ref Beta}
  All:
    Type: AWS::ApiGateway::BasePathMapping
    Properties: {DomainName: !Ref Domain, RestApiId: !Ref Shop, BasePath: all}
  Rule:
    Type: AWS::ApiGatewayV2::RoutingRule
    Properties:
      DomainNameArn: !GetAtt Domain.DomainNameArn
      Priority: 1
      Conditions: [{MatchBasePaths: {AnyOf: [rule]}}]
      Actions: [{InvokeApi: {ApiId: !Ref Shop, Stage: beta, StripBasePath: true}}]
"""
    )
    assert made.findings == ()
    assert {usage.name: usage.apis for usage in made.usage_plans} == {
        "gold": ("Shop/beta",),
        "both": ("Shop/beta", "Shop"),
    }
    (domain,) = made.domains
    assert set(domain.mappings) == {
        BasePathMapping("", "Shop", "prod"),
        BasePathMapping("new", "Shop", "beta"),
        BasePathMapping("all/prod", "Shop", "prod"),
        BasePathMapping("all/beta", "Shop", "beta"),
    }
    assert domain.rules == (RoutingRule(1, "Shop", "beta", ("rule",), (), True),)


@pytest.mark.parametrize(
    "resource",
    [
        "{Type: AWS::ApiGateway::UsagePlan, Properties: {ApiStages: [{ApiId: !Ref Shop, Stage: gone}]}}",
        "{Type: AWS::ApiGateway::BasePathMapping, Properties: {DomainName: d, RestApiId: !Ref Shop, Stage: gone}}",
        "{Type: AWS::ApiGatewayV2::RoutingRule, "
        "Properties: {DomainNameArn: d, Priority: 1, Actions: [{InvokeApi: {ApiId: !Ref Shop, Stage: gone}}]}}",
    ],
    ids=["usage plan", "mapping", "rule"],
)
def test_a_stage_that_is_nowhere_is_an_error(plan: Plan, resource: str) -> None:
    """AWS refuses it, so nothing is served by it."""
    made = plan(f"{FUNCTIONS}{SAM_REST}\n  Wrong: {resource}\n")
    (finding,) = made.findings
    assert (finding.level, finding.resource) == ("error", "Wrong")
    assert finding.message == "Shop has no stage 'gone' (it has: prod, beta)"
    assert not [each for domain in made.domains for each in (*domain.mappings, *domain.rules)]
    assert [usage.apis for usage in made.usage_plans] in ([], [()])


def test_a_stage_in_a_nested_stack_belongs_to_the_parents_api(plan: Plan) -> None:
    """The API's id arrives as a parameter; the stage's function is the parent's."""
    child = """
Parameters: {ApiId: {Type: String}}
Resources:
  Beta: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref ApiId, StageName: beta, Variables: {table: child}}}
"""
    parent = """
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {ApiId: !Ref Shop}}
"""
    alone = SAM_REST.partition("  Beta:")[0]
    made = plan(FUNCTIONS + alone + parent, {"child.yaml": child})
    assert made.findings == ()
    assert stages(made, "Shop")["beta"].stage_variables == {"table": "child"}
