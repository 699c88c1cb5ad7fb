"""The foreign projects: what is read of each, nested applications, and every finding of the one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanner.local.plan import AuthorizerPlan, QueueSource
from lanner.local.template import TemplateError, load_plan

REPOSITORY = Path(__file__).parents[3]
PROJECTS = REPOSITORY / "tests" / "local" / "projects"


def test_every_mistake_is_found_with_its_line() -> None:
    """Ten of them, each once, the rest of the template is read."""
    template = PROJECTS / "ten_mistakes" / "template.yaml"
    plan = load_plan(template)
    source = template.parent / "src"
    assert [(each.where.line, each.level, each.resource, each.message) for each in plan.findings] == [
        (14, "error", "Misspelled", "AWS::Serverless::Function has no 'Timout'; did you mean 'Timeout'?"),
        (21, "error", "NoSuchFile", f"Handler aap.handler: there is no aap.py in {source}; did you mean 'app.py'?"),
        (26, "error", "NoSuchFolder", f"CodeUri sources: {template.parent / 'sources'} does not exist"),
        (
            32,
            "unsupported",
            "OtherLanguage",
            "runtime nodejs22.x is not run locally, only python3.x is; its routes are skipped",
        ),
        (38, "unsupported", "Container", "container images are not run locally; its routes are skipped"),
        (
            46,
            "error",
            "Dangling",
            "'OrdersTabel' is neither a parameter nor a resource of this template; did you mean 'OrdersTable'?",
        ),
        (48, "error", "Dangling", f"GET /here of ServerlessRestApi is defined twice (first at {template}:16)"),
        (
            49,
            "unsupported",
            "Dangling",
            "events of type Kinesis are not delivered locally (lanner invoke sends one by hand)",
        ),
        (
            59,
            "error",
            "Archive",
            "'AWS::DynamoDB::Tabel' is not a resource type; did you mean 'AWS::DynamoDB::Table'?",
        ),
        (72, "error", "Attributes", "AWS::DynamoDB::Table has no attribute 'Arm'; did you mean 'Arn'?"),
    ]
    assert {each.where.file for each in plan.findings} == {template}
    assert set(plan.functions) == {"Misspelled", "NoSuchFile", "Dangling", "Attributes"}
    assert [route.path for route in plan.apis["ServerlessRestApi"].routes] == ["/here"]


def test_a_nested_application_takes_parameters_and_gives_outputs() -> None:
    """The child's functions and resources carry its name; the parent reads its queue's URL."""
    plan = load_plan(PROJECTS / "notes_http", overrides={"Stage": "prod"}, engine_url="http://localhost:4566")
    assert plan.findings == ()
    queue = "http://localhost:4566/123456789012/lanner-local-Audit-Lines"
    assert plan.functions["NotesFunction"].environment["AUDIT_QUEUE"] == queue
    writer = plan.functions["Audit.Writer"]
    assert (writer.name, writer.environment["STAGE"]) == ("lanner-local-Audit-Writer", "prod")
    assert writer.code == PROJECTS / "notes_http" / "services" / "audit" / "src"
    assert writer.queues == (QueueSource("Audit.Lines", 5, 1.0, True),)
    assert plan.physical_ids["Audit.Lines"] == queue
    assert list(plan.resources) == ["NotesTable", "Audit.Unreadable", "Audit.Lines"]
    assert plan.outputs["ProdOnly"] == "only in production"
    assert [file.name for file in plan.files] == ["template.yml", "template.yaml", "samconfig.toml"]


def test_a_samconfig_environment_changes_what_is_read() -> None:
    """Parameters with lists, by `--config-env`."""
    plan = load_plan(PROJECTS / "notes_http", config_env="test")
    cors = plan.apis["NotesApi"].cors
    assert cors is not None
    assert cors.allow_origins == ("https://a.example", "https://b.example")
    assert plan.functions["NotesFunction"].environment["PAGE_SIZE"] == "2"


def test_the_gallerys_authorizers_and_responses_are_complete() -> None:
    """Token and request, with identity sources, validation and cache; gateway responses; stage throttling."""
    plan = load_plan(PROJECTS / "gallery_rest")
    assert plan.findings == ()
    api = plan.apis["PublicApi"]
    assert api.authorizers == {
        "Token": AuthorizerPlan(
            "Token", "token", "TokenGuard", ("method.request.header.Authorization",), "^Bearer [-a-z0-9]+$", 60
        ),
        "Visitor": AuthorizerPlan(
            "Visitor",
            "request",
            "VisitorGuard",
            ("method.request.header.x-visitor", "method.request.querystring.ticket"),
            ttl=0,
        ),
    }
    missing = api.gateway_responses["MISSING_AUTHENTICATION_TOKEN"]
    assert missing.status == 404
    assert missing.headers == {"Access-Control-Allow-Origin": "'*'", "x-request-id": "context.requestId"}
    assert list(missing.templates) == ["application/problem+json"]
    assert (api.binary_media_types, api.minimum_compression_size) == (("image/png", "application/octet-stream"), 1024)
    assert (api.stage_variables, api.throttle.rate, api.throttle.burst) == ({"colour": "blue"}, 50.0, 20)
    (usage,) = plan.usage_plans
    assert (usage.apis, usage.throttle.quota, len(usage.keys)) == (("AdminApi",), 1000, 1)


def test_the_included_openapi_document_is_read_with_stage_variables_and_lines() -> None:
    """Integrations through a stage variable, a mock, any-method, validators; the rest is a finding in its file."""
    plan = load_plan(PROJECTS / "orders_openapi")
    api = plan.apis["OrdersApi"]
    routes = {(each.method, each.path): each for each in api.routes}
    assert set(routes) == {("GET", "/orders"), ("OPTIONS", "/orders"), ("ANY", "/orders/{id}")}
    listing = routes["GET", "/orders"]
    assert (listing.function, listing.authorizer) == ("ListFunction", "Key")
    assert listing.required_parameters == ("method.request.querystring.state",)
    assert routes["ANY", "/orders/{id}"].timeout_ms == 5000
    mock = routes["OPTIONS", "/orders"].mock
    assert mock is not None
    assert (mock.status, mock.headers["Access-Control-Allow-Methods"]) == (204, "GET,OPTIONS")
    assert api.authorizers["Key"].identity_sources == ("method.request.header.x-order-key",)
    assert api.gateway_responses["UNAUTHORIZED"].headers == {"WWW-Authenticate": "'Key'"}
    assert [(str(each.where.file.name), each.where.line) for each in plan.findings] == [("openapi.yaml", 40)]
    assert plan.apis["StatusApi"].routes[0].payload_version == "2.0"
    assert set(plan.resources) == {"OpenOrders", "ClosedOrders"}


def test_function_urls_in_json_with_tabs() -> None:
    """SAM's and the raw resource; the handler's file is Powertools' own style."""
    plan = load_plan(PROJECTS / "hooks_urls" / "template.json")
    hooks, private = plan.functions["Hooks"], plan.functions["Private"]
    assert hooks.url is not None
    assert hooks.url.auth == "NONE"
    assert hooks.url.cors is not None
    assert hooks.url.cors.allow_origins == ("https://console.example",)
    assert hooks.tracing
    assert private.url is not None
    assert (private.url.auth, private.name, private.timeout) == ("AWS_IAM", "private-hook", 7)
    assert plan.outputs["HooksUrl"].startswith("https://")


def test_a_template_that_nests_itself_ends_the_reading(tmp_path: Path) -> None:
    """Directly or through another."""
    nest = "Resources: {{Child: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {}}}}}}}"
    (tmp_path / "a.yaml").write_text(nest.format("b.yaml"))
    (tmp_path / "b.yaml").write_text(nest.format("a.yaml"))
    with pytest.raises(TemplateError, match=r"a\.yaml nests itself"):
        load_plan(tmp_path / "a.yaml")


def test_nested_stacks_that_need_each_others_outputs_end_the_reading(tmp_path: Path) -> None:
    """A circle through the parent's parameters."""
    (tmp_path / "child.yaml").write_text(
        "Parameters: {P: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {O: {Value: !Ref P}}\n"
    )
    (tmp_path / "a.yaml").write_text("""
Resources:
  A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml, Parameters: {P: !GetAtt B.Outputs.O}}}
  B: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml, Parameters: {P: !GetAtt A.Outputs.O}}}
""")
    with pytest.raises(TemplateError, match="needs its own outputs"):
        load_plan(tmp_path / "a.yaml")


def test_a_nested_stack_that_is_not_local_is_a_finding(tmp_path: Path) -> None:
    """So is a file that is not there, and an output that it does not have."""
    (tmp_path / "child.yaml").write_text("Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {Here: {Value: x}}\n")
    (tmp_path / "a.yaml").write_text("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Remote: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a, SemanticVersion: 1.0.0}}}
  Absent: {Type: AWS::Serverless::Application, Properties: {Location: nowhere.yaml}}
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child.yaml}}
Outputs:
  O: {Value: !GetAtt Child.Outputs.Her}
""")
    found = load_plan(tmp_path / "a.yaml").findings
    assert [(each.where.line, each.level, each.message.split(":")[0]) for each in found] == [
        (4, "unsupported", "Location is not a local file"),
        (5, "error", "Location"),
        (8, "error", "the nested stack 'Child' has no output 'Her'; did you mean 'Here'?"),
    ]


def test_our_own_template_is_read_without_findings() -> None:
    """Everything that this repository deploys is understood here."""
    plan = load_plan(REPOSITORY)
    assert plan.findings == ()
    assert {"ApiV1", "ApiV2"} <= plan.apis.keys()
