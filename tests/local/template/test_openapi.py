"""OpenAPI documents: their lines, references, integrations and mocks, and what is included in them."""

from __future__ import annotations

from collections.abc import Callable

from lanner.local.plan import (
    CloudPlan,
    MockResponse,
)
from tests.local.template.templates import FUNCTIONS

Plan = Callable[..., CloudPlan]


def test_a_definition_file_is_read_with_its_lines(plan: Plan) -> None:
    """DefinitionUri: findings point into it, and it is watched."""
    made = plan(
        FUNCTIONS + "  Api: {Type: AWS::Serverless::HttpApi, Properties: {DefinitionUri: api.yaml}}\n",
        {
            "api.yaml": """openapi: 3.0.1
paths:
  /$default:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: aws_proxy
        payloadFormatVersion: "2.0"
        uri: arn:aws:lambda:eu-west-1:123456789012:function:lanner-local-F
  /bare:
    get: {}
"""
        },
    )
    assert [(each.method, each.path, each.function) for each in made.apis["Api"].routes] == [("ANY", "$default", "F")]
    (finding,) = made.findings
    assert str(finding.where).endswith("api.yaml:10")
    assert "GET /bare has no x-amazon-apigateway-integration" in finding.message
    assert [each.name for each in made.files] == ["template.yaml", "api.yaml"]


def test_an_event_of_an_api_with_a_definition_adds_nothing_and_says_so(plan: Plan) -> None:
    """As SAM does, unless MergeDefinitions is set."""
    template = (
        FUNCTIONS
        + """
  G:
    Type: AWS::Serverless::Function
    Properties: {Events: {E: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /e, Method: get}}}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: s, DefinitionBody: {openapi: 3.0.1, paths: {}}}
"""
    )
    made = plan(template)
    assert [each.message for each in made.findings] == ["the definition of Api has no GET /e: this event adds no route"]
    merged = plan(template.replace("StageName: s,", "StageName: s, MergeDefinitions: true,"))
    assert ([each.path for each in merged.apis["Api"].routes], merged.findings) == (["/e"], ())


def test_references_inside_an_openapi_document_are_followed(plan: Plan) -> None:
    """To integrations, parameters and path items; one that leads nowhere is an error."""
    made = plan(
        FUNCTIONS
        + """
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: a
      DefinitionBody:
        x-amazon-apigateway-request-validators: {all: {validateRequestParameters: true}}
        x-amazon-apigateway-request-validator: all
        paths:
          /a:
            parameters: [{$ref: "#/components/parameters/Q"}]
            get: {x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/f"}}
          /b: {$ref: "#/paths/~1a"}
          /c:
            get: {x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/g"}}
        components:
          parameters: {Q: {name: q, in: query, required: true}}
          x-amazon-apigateway-integrations: {f: {type: aws_proxy, uri: !Sub "path/${F.Arn}/invocations"}}
"""
    )
    routes = made.apis["Api"].routes
    assert [(each.path, each.function, each.required_parameters) for each in routes] == [
        ("/a", "F", ("method.request.querystring.q",)),
        ("/b", "F", ("method.request.querystring.q",)),
    ]
    assert made.findings[0].message == (
        "$ref: there is no #/components/x-amazon-apigateway-integrations/g in this document"
    )


def test_a_mocks_templates_are_not_evaluated_and_that_is_said(plan: Plan) -> None:
    """Literals are sent; a body with variables as it stands, a header that is mapped from elsewhere not at all."""
    made = plan(
        FUNCTIONS
        + """
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: a
      DefinitionBody:
        paths:
          /plain: {get: {x-amazon-apigateway-integration: {type: mock,
            requestTemplates: {application/json: '{"statusCode": 201}'},
            responses: {default: {statusCode: "201", responseParameters: {method.response.header.A: "'b'"},
              responseTemplates: {application/json: '{"price": "$5"}'}}}}}}
          /made: {get: {x-amazon-apigateway-integration: {type: mock,
            requestTemplates: {application/json: '{"statusCode": 200}'},
            responses: {default: {statusCode: "200",
              responseParameters: {method.response.header.A: integration.response.header.B},
              responseTemplates: {application/json: '{"id": "$context.requestId"}'}}}}}}
"""
    )
    plain, mapped = (each.mock for each in made.apis["Api"].routes)
    assert plain == MockResponse(201, {"A": "b"}, '{"price": "$5"}')
    assert mapped == MockResponse(200, {}, '{"id": "$context.requestId"}')
    assert [(each.level, each.message.partition(":")[0]) for each in made.findings] == [
        ("unsupported", "the mock's header A is left out"),
        ("unsupported", "a mock's templates are not evaluated locally"),
    ]


def test_a_sections_include_and_a_macro_of_the_template(plan: Plan) -> None:
    """Resources from a file; an own macro and a missing SAM transform are findings."""
    made = plan(
        """
Transform: [AWS::Serverless-2016-10-31, MyMacro]
Resources:
  Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}
""",
        {"more.yaml": "Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref AWS::Region}}\n"},
    )
    assert made.resources["Topic"].properties == {"DisplayName": "eu-west-1"}
    assert [each.message for each in made.findings] == ["the macro 'MyMacro' runs in AWS only"]
    bare = plan("Resources: {T: {Type: AWS::Serverless::SimpleTable}}")
    assert "need `Transform: AWS::Serverless-2016-10-31`" in bare.findings[0].message
