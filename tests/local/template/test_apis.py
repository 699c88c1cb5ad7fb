"""APIs: SAM's and raw ones, their routes, CORS, throttles, and what is done on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.local.plan import (
    AuthorizerPlan,
    CloudPlan,
    CorsPlan,
    MockResponse,
    ThrottlePlan,
)
from lanner.local.template import load_plan
from tests.local.template.templates import FUNCTIONS, RAW

Plan = Callable[..., CloudPlan]


def test_a_raw_rest_api_is_put_together_from_its_resources() -> None:
    """Paths by parents, methods, mocks, authorizers, validators, gateway responses, stage, usage plan."""
    made = load_plan(RAW / "rest.yaml")
    api = made.apis["Api"]
    assert (api.kind, api.name, api.stage, api.stage_variables) == ("rest", "raw", "live", {"a": "b"})
    assert (api.binary_media_types, api.minimum_compression_size) == (("image/png",), 10)
    assert api.throttle == ThrottlePlan(rate=5, burst=2)
    routes = {(each.method, each.path): each for each in api.routes}
    assert set(routes) == {("GET", "/"), ("GET", "/things/{id}"), ("OPTIONS", "/things/{id}")}
    assert (routes["GET", "/"].function, routes["GET", "/"].authorizer) == ("F", "AWS_IAM")
    get = routes["GET", "/things/{id}"]
    assert (get.authorizer, get.api_key_required) == ("guardian", True)
    assert get.required_parameters == ("method.request.querystring.q",)
    assert routes["OPTIONS", "/things/{id}"].mock == MockResponse(204, {"Access-Control-Allow-Origin": "*"}, "")
    assert api.authorizers["guardian"] == AuthorizerPlan(
        "guardian", "request", "Guard", ("method.request.header.A", "method.request.querystring.b"), ttl=0
    )
    assert api.gateway_responses["DEFAULT_4XX"].status == 499
    assert api.gateway_responses["DEFAULT_4XX"].headers == {"X": "'y'"}
    (gold,) = made.usage_plans
    assert (gold.name, gold.apis, list(gold.keys)) == ("gold", ("Api",), ["abcdefghij0123456789"])
    assert gold.throttle == ThrottlePlan(1, 2, 10, "WEEK")
    (finding,) = made.findings
    assert (finding.level, finding.resource) == ("unsupported", "Proxied")
    assert "GET /things: an integration of type 'HTTP_PROXY'" in finding.message


def test_a_raw_http_api_is_put_together_from_its_resources() -> None:
    """Routes by key, integration, JWT authorizer, stage; quick create; WebSocket is a finding."""
    made = load_plan(RAW / "http.yaml")
    api = made.apis["Api"]
    assert (api.kind, api.stage, api.stage_variables) == ("http", "$default", {"x": "y"})
    assert api.cors == CorsPlan(allow_origins=("*",), max_age=5)
    assert api.throttle == ThrottlePlan(rate=7)
    get, rest = api.routes
    assert (get.method, get.path, get.function, get.payload_version) == ("GET", "/a/{b}", "F", "2.0")
    assert (get.authorizer, get.scopes, get.timeout_ms) == ("jwt", ("s",), 1000)
    assert (rest.method, rest.path, rest.authorizer) == ("ANY", "$default", None)
    jwt = api.authorizers["jwt"]
    assert (jwt.kind, jwt.issuer, jwt.audience) == ("jwt", "https://i.example", ("a",))
    assert [(each.path, each.function) for each in made.apis["Quick"].routes] == [("$default", "F")]
    assert [(each.resource, each.level) for each in made.findings] == [
        ("Lost", "unsupported"),
        ("Chat", "unsupported"),
    ]


def test_raw_resources_may_belong_to_an_api_of_sam_and_to_one_of_another_stack(plan: Plan) -> None:
    """A gateway response of a SAM API, and a nested stack's route of its parent's API."""
    made = plan(
        FUNCTIONS
        + """
  G: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: Api, Properties: {Path: /, Method: get}}}}}
  Response:
    Type: AWS::ApiGateway::GatewayResponse
    Properties: {RestApiId: !Ref ServerlessRestApi, ResponseType: THROTTLED, StatusCode: 420}
  Http: {Type: AWS::Serverless::HttpApi}
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml, Parameters: {Api: !Ref Http}}}
""",
        {
            "child.yaml": """
Parameters: {Api: {Type: String}}
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Runtime: python3.13, Handler: app.handler, Code: src}}
  I:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !Ref F, PayloadFormatVersion: "2.0"}
  R:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: POST /child, Target: !Sub "integrations/${I}"}
"""
        },
    )
    assert made.findings == ()
    assert made.apis["ServerlessRestApi"].gateway_responses["THROTTLED"].status == 420
    assert [(each.method, each.path, each.function) for each in made.apis["Http"].routes] == [
        ("POST", "/child", "Child.F")
    ]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("/a/{x}", "/a/{y}", True),
        ("/a/{x}", "/a/{x+}", False),
        ("/a", "/a/", False),
        ("/a", "/A", False),
    ],
)
def test_routes_that_differ_only_in_parameter_names_are_duplicates(
    plan: Plan, first: str, second: str, same: bool
) -> None:
    """The second is dropped with a finding that names the first's line."""
    made = plan(
        FUNCTIONS
        + f"""
  G:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {{Type: Api, Properties: {{Path: "{first}", Method: get}}}}
        B: {{Type: Api, Properties: {{Path: "{second}", Method: GET}}}}
"""
    )
    assert len(made.apis["ServerlessRestApi"].routes) == (1 if same else 2)
    assert [each.message for each in made.findings] == (
        [f"GET {second} of ServerlessRestApi is defined twice (first at {made.template}:13)"] if same else []
    )


def test_payload_format_versions_may_be_written_as_numbers(plan: Plan) -> None:
    """`1.0` and `2.0` without quotes, as SAM's own examples have them, are floats in YAML."""
    made = plan(
        FUNCTIONS
        + """
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          One: {FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 1.0}
          Two: {FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 2.0}
  G:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /a, Method: get, PayloadFormatVersion: 1.0}}
        B: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /b, Method: get, PayloadFormatVersion: 2.0}}
"""
    )
    api = made.apis["Api"]
    assert [(each.path, each.payload_version) for each in api.routes] == [("/a", "1.0"), ("/b", "2.0")]
    assert {name: each.payload_version for name, each in api.authorizers.items()} == {"One": "1.0", "Two": "2.0"}


def test_what_api_gateway_does_on_the_way_and_the_local_cloud_does_not(plan: Plan) -> None:
    """Bodies against schemas and parameter mapping, in both spellings; a usage plan's throttles of single methods."""
    made = plan(
        FUNCTIONS
        + """
  Open:
    Type: AWS::Serverless::Api
    Properties:
      StageName: a
      DefinitionBody:
        x-amazon-apigateway-request-validators: {all: {validateRequestBody: true}}
        x-amazon-apigateway-request-validator: all
        paths:
          /a:
            post:
              requestBody: {content: {}}
              x-amazon-apigateway-integration: {type: aws_proxy, uri: !Sub "path/${F.Arn}/invocations"}
            get:
              x-amazon-apigateway-integration: {type: aws_proxy, uri: !Sub "path/${F.Arn}/invocations"}
  Raw: {Type: AWS::ApiGateway::RestApi}
  Live: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Raw, StageName: live}}
  Checks: {Type: AWS::ApiGateway::RequestValidator, Properties: {RestApiId: !Ref Raw, ValidateRequestBody: true}}
  Post:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Raw
      ResourceId: !GetAtt Raw.RootResourceId
      HttpMethod: POST
      RequestValidatorId: !Ref Checks
      RequestModels: {application/json: Thing}
      Integration: {Type: AWS_PROXY, Uri: !Sub "path/${F.Arn}/invocations"}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: http
      DefinitionBody:
        paths:
          /a:
            get:
              x-amazon-apigateway-integration:
                type: aws_proxy
                uri: !Sub "path/${F.Arn}/invocations"
                requestParameters: {overwrite:path: /b}
  RawHttp: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Target: !GetAtt F.Arn}}
  Mapped:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref RawHttp, IntegrationUri: !GetAtt F.Arn, ResponseParameters: {"200": {}}}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties: {ApiStages: [{ApiId: !Ref Raw, Stage: live, Throttle: {/GET: {RateLimit: 1, BurstLimit: 1}}}]}
"""
    )
    assert [(each.level, each.resource, each.message.partition(":")[0]) for each in made.findings] == [
        ("unsupported", "Open", "validateRequestBody"),
        ("unsupported", "Post", "RequestModels"),
        ("unsupported", "Http", "requestParameters"),
        ("unsupported", "Mapped", "ResponseParameters"),
        ("unsupported", "Plan", "Throttle of single methods"),
    ]


@pytest.mark.parametrize(
    ("cors", "headers", "levels"),
    [
        ("{MaxAge: 5}", {"Allow-Origin": "*", "Max-Age": "5"}, []),
        (
            """{AllowOrigin: "'https://a.example'", AllowCredentials: true}""",
            {"Allow-Origin": "https://a.example", "Allow-Credentials": "true"},
            [],
        ),
        ("{AllowCredentials: true}", {"Allow-Origin": "*", "Allow-Credentials": "true"}, ["error"]),
        ("""{AllowCredentials: "'*'"}""", {"Allow-Origin": "*"}, ["ignored"]),
    ],
)
def test_cors_of_a_rest_api_as_sam_takes_it(plan: Plan, cors: str, headers: dict[str, str], levels: list[str]) -> None:
    """Any origin unless one is named; credentials for `true` alone, and never with any origin."""
    made = plan(
        FUNCTIONS
        + f"""
  Api: {{Type: AWS::Serverless::Api, Properties: {{StageName: s, Cors: {cors}}}}}
  G:
    Type: AWS::Serverless::Function
    Properties: {{Events: {{A: {{Type: Api, Properties: {{RestApiId: !Ref Api, Path: /a, Method: get}}}}}}}}
"""
    )
    (mock,) = (each.mock for each in made.apis["Api"].routes if each.mock is not None)
    expected = {f"Access-Control-{name}": value for name, value in headers.items()}
    assert mock.headers == {"Access-Control-Allow-Methods": "GET,OPTIONS", **expected}
    assert [each.level for each in made.findings] == levels


def test_routes_have_the_throttles_that_settings_give_them(plan: Plan) -> None:
    """A REST stage's MethodSettings by path and method, an HTTP stage's RouteSettings, an event's own."""
    made = plan(
        FUNCTIONS
        + """
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      MethodSettings:
        - {ResourcePath: "/~1users~1{id}", HttpMethod: GET, ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2}
        - {ResourcePath: /users, HttpMethod: "*", ThrottlingRateLimit: 3}
        - {ResourcePath: "/*", HttpMethod: "*", ThrottlingRateLimit: 9}
        - {ResourcePath: /users, HttpMethod: GET, LoggingLevel: INFO}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties: {RouteSettings: {"GET /a": {ThrottlingRateLimit: 4}}}
  Routed:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        One: {Type: Api, Properties: {RestApiId: !Ref Rest, Path: "/users/{name}", Method: get}}
        Two: {Type: Api, Properties: {RestApiId: !Ref Rest, Path: /users, Method: post}}
        Three: {Type: Api, Properties: {RestApiId: !Ref Rest, Path: /other, Method: get}}
        A: {Type: HttpApi, Properties: {ApiId: !Ref Http, Path: /a, Method: get}}
        B:
          Type: HttpApi
          Properties: {ApiId: !Ref Http, Path: /b, Method: get, RouteSettings: {ThrottlingBurstLimit: 5}}
"""
    )
    throttles = {route.path: route.throttle for api in made.apis.values() for route in api.routes}
    assert throttles == {
        "/users/{name}": ThrottlePlan(rate=1, burst=2),
        "/users": ThrottlePlan(rate=3),
        "/other": None,
        "/a": ThrottlePlan(rate=4),
        "/b": ThrottlePlan(burst=5),
    }
    assert made.apis["Rest"].throttle == ThrottlePlan(rate=9)
    assert not [each for each in made.findings if "throttl" in each.message]
