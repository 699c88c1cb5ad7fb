"""template.yaml against the code: APIs, gateway responses, alarms, hooks, policies, logs, domain."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from docs.problem_types import PROBLEM_TYPES
from domain.versions import REGISTRY
from lanner.http.dates import http_date
from lanner.http.events import read
from lanner.observe.line import RequestLine
from tests.architecture.source_tree import ROOT
from tests.builders import Context, rest_event
from tests.deploy.expanded import Document, expanded, raw, resources
from tests.deploy.tools import clean_environment, program

RAW = raw()
APIS = {
    resource["Properties"]["StageName"]: resource["Properties"]
    for resource in RAW["Resources"].values()
    if resource["Type"] == "AWS::Serverless::Api"
}
RESPONSES = [
    (stage, kind, response)
    for stage, properties in APIS.items()
    for kind, response in properties["GatewayResponses"].items()
]
DEPLOYED = [
    name
    for name, resource in RAW["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function" and "Events" in resource["Properties"]
]


def literal(value: str) -> str:
    """A gateway response's header value without its quotes."""
    assert value.startswith("'"), f"{value} is no literal"
    assert value.endswith("'"), f"{value} is no literal"
    return value[1:-1]


def statements(role: str) -> list[Document]:
    """The inline statements of a function's role."""
    policies = resources("AWS::IAM::Role")[role].get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:  # Any: CloudFormation's JSON
    return value if isinstance(value, list) else [value]


@pytest.mark.sam
def test_sam_accepts_the_template() -> None:
    """`sam validate --lint`: without network, region or credentials."""
    sam = program(".venv-sam", "sam", "sam")
    done = subprocess.run(
        [sam, "validate", "--lint"], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_version_has_an_api_and_a_stage() -> None:
    """The registry's versions are the stages, and each API's name is what its alarms look for."""
    assert set(APIS) == set(REGISTRY.names)
    for stage, properties in APIS.items():
        assert properties["Name"] == {"Fn::Sub": f"${{AWS::StackName}}-{stage}"}


@pytest.mark.parametrize(
    ("stage", "kind", "response"), RESPONSES, ids=lambda each: each if isinstance(each, str) else ""
)
def test_gateway_responses_are_problems(stage: str, kind: str, response: Document) -> None:
    """The gateway's own errors: problem documents that a browser may read, with the version's headers."""
    headers = {name.lower(): literal(value) for name, value in response["ResponseParameters"]["Headers"].items()}
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-api-version"] == stage
    assert headers["access-control-allow-origin"] == "*"
    assert {"Accept", "X-API-Version"} <= {name.strip() for name in headers["vary"].split(",")}
    version = REGISTRY[stage]
    assert headers.get("deprecation") == (version.deprecated_at and f"@{int(version.deprecated_at)}")
    assert headers.get("sunset") == (version.sunset_at and http_date(version.sunset_at))
    text = response["ResponseTemplates"]["application/json"]
    text = text.replace("$context.error.messageString", '"said"').replace("$context.requestId", "id")
    assert "$" not in text, f"{kind}: a variable that nobody replaces"
    problem = json.loads(text)
    slug = problem["type"].removeprefix("/problems/")
    assert PROBLEM_TYPES[slug].title == problem["title"]
    if "StatusCode" in response:
        assert problem["status"] == response["StatusCode"] == PROBLEM_TYPES[slug].status
    else:
        assert "status" not in problem, f"{kind} keeps the status that the fault has"


def test_both_apis_answer_errors_alike() -> None:
    """The same types of response in every version, the defaults among them."""
    kinds = [set(properties["GatewayResponses"]) for properties in APIS.values()]
    assert all(each == kinds[0] for each in kinds)
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "INTEGRATION_TIMEOUT"} <= kinds[0]


@pytest.mark.parametrize("stage", sorted(APIS))
def test_access_logs_hold_no_personal_data(stage: str) -> None:
    """One JSON object a request; the route and not the path, no address, no agent, no caller."""
    settings = APIS[stage]["AccessLogSetting"]
    record = json.loads(settings["Format"])
    assert record["api"] == stage
    variables = set(record.values())
    assert "$context.requestId" in variables
    assert not [
        value for value in variables if "identity" in value or value in ("$context.path", "$context.authorizer")
    ]


def test_every_group_of_logs_ends() -> None:
    """Logs are kept for as long as the environment says, and every function writes to one of its own making."""
    groups = resources("AWS::Logs::LogGroup")
    assert all("RetentionInDays" in properties for properties in groups.values())
    for name, properties in resources("AWS::Lambda::Function").items():
        assert properties["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
        assert properties["LoggingConfig"]["LogFormat"] == "Text", "the request line must stay an object"


@pytest.mark.parametrize(("environment", "kind"), [("dev", "AllAtOnce"), ("prod", "Canary10Percent5Minutes")])
def test_deployments_by_environment(environment: str, kind: str) -> None:
    """Traffic moves at once in dev and by a canary in prod; both under the hooks and the alarms."""
    assert RAW["Mappings"]["ByEnvironment"][environment]["Deployment"] == kind
    groups = resources("AWS::CodeDeploy::DeploymentGroup", environment)
    assert len(groups) == len(DEPLOYED)
    for name, group in groups.items():
        assert kind in json.dumps(group["DeploymentConfigName"]), name
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_function_is_deployed_behind_hooks_and_alarms(name: str) -> None:
    """An alias that moves by CodeDeploy, with both hooks and an alarm on the failures of the new version."""
    alias = expanded()["Resources"][f"{name}Aliaslive"]
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["BeforeAllowTrafficHook"] == {"Ref": "DeployHooksBeforeTrafficFunction"}
    assert update["AfterAllowTrafficHook"] == {"Ref": "DeployHooksAfterTrafficFunction"}
    group = resources("AWS::CodeDeploy::DeploymentGroup")[f"{name}DeploymentGroup"]
    alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert f"{name.removesuffix('Function')}FailuresAlarm" in alarms
    assert set(alarms) <= set(resources("AWS::CloudWatch::Alarm"))
    assert len(alarms) <= 10, "CodeDeploy watches ten alarms at most"


def test_alarms_of_functions_are_about_the_new_version() -> None:
    """A canary's failures drown in an alias's numbers: every metric of a function names the published version."""
    versions = set(resources("AWS::Lambda::Version"))
    seen = 0
    for name, alarm in resources("AWS::CloudWatch::Alarm").items():
        if name.startswith("Api"):
            continue
        metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [alarm]
        for metric in metrics:
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            version = dimensions.get("function_version") or dimensions["ExecutedVersion"]
            assert version["Fn::GetAtt"][0] in versions, name
            assert version["Fn::GetAtt"][1] == "Version", name
            seen += 1
    assert seen >= len(DEPLOYED)


def test_alarms_look_at_metrics_that_the_request_line_writes() -> None:
    """Names and dimensions of the template are those of the code."""
    lines: list[bytes] = []
    request = read(rest_event("GET", "/v2/users"), Context())
    RequestLine("users", "Lanner", lambda: 0.0, lines.append).write(request, 503, False, None, None)
    record = json.loads(lines[0])
    directive = record["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == RAW["Globals"]["Function"]["Environment"]["Variables"]["LANNER_METRICS_NAMESPACE"]
    written = {metric["Name"] for metric in directive["Metrics"]}
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [alarm]
        for metric in metrics:
            if metric["Namespace"] == directive["Namespace"]:
                assert metric["MetricName"] in written
                assert [each["Name"] for each in metric["Dimensions"]] in directive["Dimensions"]


@pytest.mark.parametrize("role", [f"{name}Role" for name in DEPLOYED])
def test_policies_name_what_they_allow(role: str) -> None:
    """No wildcard of actions, no resource of everything; each statement says what it is for."""
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        # SAM writes one itself, without a name: the right to send to an on-failure destination.
        assert "Sid" in statement or statement["Action"] == "sqs:SendMessage"
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{role}: {action}"
        for resource in listed(statement["Resource"]):
            assert resource != "*", f"{role}: {statement['Sid']}"


def test_functions_may_do_no_more_than_they_need() -> None:
    """Who writes where: users functions their table, the catalog its own, health reads one key, docs nothing."""
    tables = {
        role: sorted(
            set(
                re.findall(
                    r"(Users|Catalog|Cache|Files|Idempotency|Jobs)Table",
                    json.dumps([each["Resource"] for each in statements(role)]),
                )
            )
        )
        for role in (f"{name}Role" for name in DEPLOYED)
    }
    assert tables == {
        "UsersV1FunctionRole": ["Cache", "Idempotency", "Jobs", "Users"],
        "UsersV2FunctionRole": ["Cache", "Idempotency", "Jobs", "Users"],
        "CatalogFunctionRole": ["Cache", "Catalog", "Jobs"],
        "NotificationsFunctionRole": ["Idempotency", "Jobs"],
        "JobsFunctionRole": ["Jobs"],
        "JobsWorkerFunctionRole": ["Cache", "Catalog", "Files", "Jobs", "Users"],
        "FilesFunctionRole": ["Files", "Idempotency", "Jobs"],
        "ReportsFunctionRole": ["Idempotency", "Jobs"],
        "UploadsFunctionRole": ["Files", "Jobs"],
        "HealthFunctionRole": ["Catalog", "Users"],
        "DocsFunctionRole": [],
    }
    health = statements("HealthFunctionRole")
    assert [each["Action"] for each in health] == ["dynamodb:GetItem"]
    assert "dynamodb:LeadingKeys" in json.dumps(health[0]["Condition"])


def test_only_v2_may_forward_and_only_to_v1() -> None:
    """A request for v1 that arrives at v2 is handed over once, to the alias."""
    for name in DEPLOYED:
        invoking = [each for each in statements(f"{name}Role") if each["Action"] == "lambda:InvokeFunction"]
        if name == "JobsWorkerFunction":  # renders what the cache asks for
            rendered = [each["Fn::Sub"] for each in invoking[0]["Resource"]]
            assert rendered == ["${CatalogFunction.Arn}:live", "${UsersV2Function.Arn}:live"]
            continue
        if name != "UsersV2Function":
            assert not invoking, name
            continue
        assert invoking[0]["Resource"] == {"Fn::Sub": "${UsersV1Function.Arn}:live"}
        variables = RAW["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert variables["LANNER_FORWARD_V1"] == {"Fn::Sub": "${UsersV1Function}:live"}


def test_tables_survive() -> None:
    """Point-in-time recovery, encryption, and no deletion with the stack; a cache is made again."""
    tables = {
        name: resource
        for name, resource in expanded()["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }
    assert {"UsersTable", "CatalogTable", "FilesTable", "IdempotencyTable"} <= set(tables)
    assert tables.pop("CacheTable")["DeletionPolicy"] == "Delete"
    for name, table in tables.items():
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain", name
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}


def test_the_domain_routes_every_version_and_the_default() -> None:
    """Paths before headers, a mapping for each version, and what names none goes to the default."""
    mappings = {
        properties.get("BasePath", ""): properties["RestApiId"]["Ref"]
        for properties in resources("AWS::ApiGateway::BasePathMapping").values()
    }
    assert mappings == {"v1": "ApiV1", "v2": "ApiV2", "": f"Api{REGISTRY.default.name.upper()}"}
    rules = sorted(resources("AWS::ApiGatewayV2::RoutingRule").values(), key=lambda rule: rule["Priority"])
    kinds = ["paths" if "MatchBasePaths" in rule["Conditions"][0] else "headers" for rule in rules]
    assert kinds == sorted(kinds, reverse=True), "a path names its version before any header does"
    by_header = [rule for rule in rules if "MatchHeaders" in rule["Conditions"][0]]
    first = by_header[0]["Actions"][0]["InvokeApi"]["ApiId"]["Ref"]
    assert first == mappings[""], "of several versions in one Accept the default's function chooses: it can forward"
    for rule in rules:
        invoked = rule["Actions"][0]["InvokeApi"]["ApiId"]["Ref"].removeprefix("Api").lower()
        condition = rule["Conditions"][0]
        if "MatchBasePaths" in condition:
            assert condition["MatchBasePaths"]["AnyOf"] == [invoked]
            continue
        globs = {(each["Header"], each["ValueGlob"]) for each in condition["MatchHeaders"]["AnyOf"]}
        assert globs == {
            ("X-API-Version", invoked),
            ("X-API-Version", invoked[1:]),
            ("Accept", f"*vnd.{REGISTRY.vendor}.{invoked}*"),
        }
        assert not [value for _, value in globs if set(value) & set("/+;=, ")], "not allowed in a ValueGlob"


def test_code_is_published_and_restored() -> None:
    """Graviton, the runtime, an alias for every function, SnapStart on what is published."""
    functions = resources("AWS::Lambda::Function")
    for name, properties in functions.items():
        assert properties["Architectures"] == ["arm64"], name
        assert properties["Runtime"] == "python3.13", name
        assert properties["SnapStart"]["Fn::If"][1] == {"ApplyOn": "PublishedVersions"}, name
        assert properties["TracingConfig"] == {"Mode": "Active"}, name
        assert f"{name}Aliaslive" in expanded()["Resources"], name
    assert all(stage["TracingEnabled"] is True for stage in resources("AWS::ApiGateway::Stage").values())


def test_environments_of_samconfig_are_those_of_the_template() -> None:
    """default, dev and prod, each with a stack and with parameters that exist."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    assert config["version"] == 0.1
    assert set(config) - {"version"} == {"default", "dev", "prod"}
    for environment in ("default", "dev", "prod"):
        assert config[environment]["global"]["parameters"]["stack_name"]
        build = config[environment]["build"]["parameters"]
        assert build == {"cached": False, "parallel": True, "build_in_source": True}, "see the comment there"
        for name, command in config[environment].items():
            overrides = command["parameters"].get("parameter_overrides", "")
            given = dict(each.split("=", 1) for each in overrides.split())
            assert set(given) <= set(RAW["Parameters"])
            assert "WebhookAllow" not in given or name == "local_start_api", "loopback is for laptops"
            if "Environment" in given:
                assert given["Environment"] in RAW["Mappings"]["ByEnvironment"]


def test_what_the_stage_keeps_is_told_apart_by_everything_that_answers_depend_on() -> None:
    """Negotiation, the caller, the version, conditions and ranges: each is part of the key of what may be kept."""
    fields = ["Accept", "Accept-Encoding", "Authorization", "If-Modified-Since", "If-None-Match", "If-Range", "Range"]
    wanted = {f"method.request.header.{name}" for name in (*fields, "X-API-Version")}
    stage = APIS["v2"]["MethodSettings"]
    kept = {each["ResourcePath"].replace("~1", "/").removeprefix("/") for each in stage if "CachingEnabled" in each}
    events = RAW["Resources"]["CatalogFunction"]["Properties"]["Events"].values()
    declared = {
        each["Properties"]["Path"]: {name for entry in each["Properties"]["RequestParameters"] for name in entry}
        for each in events
        if "RequestParameters" in each["Properties"]
    }
    assert declared.keys() == kept
    assert all(wanted <= names for names in declared.values())


def test_the_cdn_hands_on_what_pages_and_writers_send() -> None:
    """A preflight's questions, conditions, idempotency keys; CloudFront takes ten names and no more."""
    config = RAW["Resources"]["CdnOriginPolicy"]["Properties"]["OriginRequestPolicyConfig"]
    names = set(config["HeadersConfig"]["Headers"])
    assert {"Access-Control-Request-Headers", "Access-Control-Request-Method", "Origin"} <= names
    assert {"Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "If-Modified-Since"} <= names
    assert len(names) <= 10


def test_outputs_name_the_urls() -> None:
    """Whoever deployed it reads where it is."""
    assert {"UrlV1", "UrlV2", "Url", "Documentation"} <= set(RAW["Outputs"])
    assert {"JobsTableName", "JobsQueueUrl", "JobsDeadLetterQueueUrl", "CacheTableName"} <= set(RAW["Outputs"])


@pytest.mark.parametrize("hook", ["DeployHooksBeforeTrafficFunction", "DeployHooksAfterTrafficFunction"])
def test_hooks_may_ask_every_function_that_they_stand_before(hook: str) -> None:
    """A function that a hook may not invoke would never be deployed again."""
    (asked,) = [each for each in statements(f"{hook}Role") if each["Sid"] == "AskVersions"]
    assert {each["Fn::Sub"] for each in asked["Resource"]} == {f"${{{name}.Arn}}:*" for name in DEPLOYED}
