"""Functions: globals, properties, what cannot run, and what `sam build` and the CDK write."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from lanner.local.plan import CloudPlan, FunctionUrlPlan, LoggingPlan
from lanner.local.template import load_plan
from tests.local.template.templates import SAM, function

Plan = Callable[..., CloudPlan]
Write = Callable[..., Path]

SERVERLESS_WITH_CODE = "AWS::Serverless::Function\n\n    Properties:\n      Runtime: python3.13\n      CodeUri: src"
RAW_WITHOUT_CODE = "AWS::Lambda::Function\n\n    Properties:\n      Runtime: python3.13"


def test_globals_are_merged_by_sams_rules(plan: Plan) -> None:
    """Mappings by key, lists one after the other, own values win, functions are values."""
    made = plan(
        SAM
        + """
Globals:
  Function:
    Runtime: python3.12
    CodeUri: src
    Handler: app.handler
    Timeout: 20
    MemorySize: 512
    Environment: {Variables: {A: global, B: global}}
    Layers: ["arn:aws:lambda:eu-west-1:123456789012:layer:one:1"]
Resources:
  Own:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 5
      Environment: {Variables: {B: own, C: own}}
      Layers: ["arn:aws:lambda:eu-west-1:123456789012:layer:two:1"]
  Without:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Environment, Timeout]
"""
    )
    own, without = made.functions["Own"], made.functions["Without"]
    assert (own.timeout, own.memory, own.runtime) == (5, 512, "python3.12")
    assert own.environment == {"A": "global", "B": "own", "C": "own"}
    layers = [each.message for each in made.findings if each.resource == "Own"]
    assert [("one" in each, "two" in each) for each in layers] == [(True, False), (False, True)]
    assert (without.timeout, without.environment) == (3, {})


def test_every_property_of_a_function_is_taken(plan: Plan, tmp_path: Path) -> None:
    """Names, limits, alias, SnapStart, tracing, storage, URL."""
    made = plan(
        function("""
FunctionName: !Sub "${AWS::StackName}-named"
Timeout: !If [Yes, 30, 3]
MemorySize: 1024
ReservedConcurrentExecutions: 0
AutoPublishAlias: live
SnapStart: {ApplyOn: PublishedVersions}
Tracing: Active
EphemeralStorage: {Size: 1024}
Environment: {Variables: {FLAG: true, NUMBER: 1, EMPTY: ""}}
FunctionUrlConfig: {AuthType: NONE, InvokeMode: BUFFERED}
""")
        + "Conditions: {Yes: !Equals [a, a]}\n"
    )
    found = made.functions["F"]
    assert made.findings == ()
    assert (found.name, found.timeout, found.memory, found.reserved_concurrency) == ("lanner-local-named", 30, 1024, 0)
    assert (found.alias, found.snap_start, found.tracing, found.ephemeral_storage) == ("live", True, True, 1024)
    assert found.environment == {"FLAG": "true", "NUMBER": "1", "EMPTY": ""}
    assert found.url == FunctionUrlPlan("NONE", None, True)
    assert found.code == tmp_path / "src"


@pytest.mark.parametrize(
    ("config", "expected", "wrong"),
    [
        ("{}", LoggingPlan(), []),
        ("{LogFormat: JSON}", LoggingPlan("JSON", "INFO"), []),
        ("{LogFormat: JSON, ApplicationLogLevel: DEBUG, LogGroup: /mine}", LoggingPlan("JSON", "DEBUG", "/mine"), []),
        ("{LogFormat: Json}", LoggingPlan(), ["LogFormat takes Text or JSON, not 'Json'"]),
        ("{ApplicationLogLevel: DEBUG}", LoggingPlan(), ["ApplicationLogLevel needs LogFormat: JSON"]),
        (
            "{LogFormat: JSON, ApplicationLogLevel: LOUD}",
            LoggingPlan("JSON", "INFO"),
            ["ApplicationLogLevel takes one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL, not 'LOUD'"],
        ),
    ],
)
def test_logging_is_taken_or_its_mistake_named(
    plan: Plan, config: str, expected: LoggingPlan, wrong: list[str]
) -> None:
    """Format, level (which JSON alone has) and group."""
    made = plan(function(f"LoggingConfig: {config}"))
    assert made.functions["F"].logging == expected
    assert [each.message for each in made.findings] == wrong


@pytest.mark.parametrize(
    ("change", "level", "message", "runs"),
    [
        (("app.handler", "handler"), "error", "Handler 'handler' is not of the form module.function", True),
        (("app.handler", "app.hadnler"), "error", "has no 'hadnler'", True),
        (("app.handler", "apps.handler"), "error", "there is no apps.py in", True),
        (("CodeUri: src", "CodeUri: scr"), "error", "scr does not exist", False),
        (("CodeUri: src", "CodeUri: src/app.py"), "error", "is not a folder or a zip file", False),
        (("CodeUri: src", "CodeUri: s3://bucket/key"), "unsupported", "is not on this machine", False),
        (("CodeUri: src", "CodeUri: {Bucket: b, Key: k}"), "unsupported", "CodeUri is in S3", False),
        ((SERVERLESS_WITH_CODE, RAW_WITHOUT_CODE), "error", "a function needs Code", False),
        (("python3.13", "ruby3.3"), "unsupported", "runtime ruby3.3 is not run locally", False),
        (("Runtime: python3.13", "MemorySize: 512"), "error", "a function needs a Runtime", False),
        (("Runtime: python3.13", "PackageType: Image"), "unsupported", "container images are not run", False),
        (("CodeUri: src", "CodeUri: src\n      Timeout: 901"), "error", "Timeout is 901; Lambda allows 1 to 900", True),
        (
            ("CodeUri: src", "CodeUri: src\n      MemorySize: much"),
            "error",
            "MemorySize takes a number, not 'much'",
            True,
        ),
        (("CodeUri: src", "CodeUri: src\n      FileSystemConfigs: [{}]"), "unsupported", "are not mounted", True),
        (
            ("CodeUri: src", "CodeUri: src\n      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}"),
            "unsupported",
            "answers are buffered",
            True,
        ),
        (
            ("CodeUri: src", "CodeUri: src\n      FunctionUrlConfig: {AuthType: AWS_IAM}"),
            "unsupported",
            "it is not verified locally",
            True,
        ),
        (
            ("CodeUri: src", "CodeUri: src\n      FunctionUrlConfig: {InvokeMode: BUFFERED}"),
            "error",
            "a function URL needs an AuthType",
            True,
        ),
        (
            ("CodeUri: src", "CodeUri: src\n      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigin: ['*']}}"),
            "error",
            "a function URL's Cors has no 'AllowOrigin'; did you mean 'AllowOrigins'?",
            True,
        ),
    ],
)
def test_what_is_wrong_with_a_function_is_one_finding(
    plan: Plan, change: tuple[str, str], level: str, message: str, runs: bool
) -> None:
    """And whether it runs all the same."""
    made = plan(function("").replace(*change))
    assert len(made.findings) == 1
    assert made.findings[0].level == level
    assert message in made.findings[0].message
    assert made.findings[0].resource == "F"
    assert ("F" in made.functions) == runs


def test_two_functions_of_one_name_are_an_error(plan: Plan) -> None:
    """The second one's finding names the first; ARNs mean the first."""
    made = plan(
        """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, CodeUri: src, Handler: app.handler}}
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {FunctionName: same}}
  B: {Type: AWS::Serverless::Function, Properties: {FunctionName: same}}
"""
    )
    (finding,) = made.findings
    assert (finding.level, finding.resource, finding.where.line) == ("error", "B", 6)
    assert finding.message == "FunctionName 'same' is the name of A already"


def test_sam_builds_output_is_read_from_beside_the_template(write: Write, tmp_path: Path) -> None:
    """`--built`: the template and the folders that `sam build` left."""
    source = write(function(""))
    built = tmp_path / ".aws-sam" / "build"
    (built / "F").mkdir(parents=True)
    (built / "F" / "app.py").write_text("def handler(event, context): ...")
    (built / "template.yaml").write_text(function("").replace("CodeUri: src", "CodeUri: F"))
    made = load_plan(source, built=True)
    assert made.findings == ()
    assert made.functions["F"].code == built / "F"
    assert made.template == source
    machine = "x86_64" if platform.machine() in ("aarch64", "arm64") else "aarch64"
    (built / "F" / f"orjson.cpython-313-{machine}-linux-gnu.so").touch()
    (finding,) = load_plan(source, built=True).findings
    assert (finding.level, finding.resource) == ("unsupported", "F")
    assert f"orjson.cpython-313-{machine}-linux-gnu.so" in finding.message


def test_a_template_of_the_cdk_is_read_by_its_assets(plan: Plan, tmp_path: Path) -> None:
    """`cdk synth` writes the asset's folder into Metadata and S3 into Code."""
    made = plan(
        """
Resources:
  F:
    Type: AWS::Lambda::Function
    Metadata: {"aws:asset:path": asset.1234, "aws:asset:property": Code}
    Properties: {Runtime: python3.13, Handler: app.handler, Code: {S3Bucket: b, S3Key: k.zip}}
""",
        {"asset.1234/app.py": "def handler(event, context): ..."},
    )
    assert made.findings == ()
    assert made.functions["F"].code == tmp_path / "asset.1234"
