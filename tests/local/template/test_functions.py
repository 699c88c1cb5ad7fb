"""Functions: globals, code, layers, sources of events, and what cannot run."""

from __future__ import annotations

import os
import platform
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lanner.local.plan import CloudPlan, FunctionUrlPlan, LoggingPlan, QueueSource, ScheduleSource
from lanner.local.template import load_plan
from lanner.local.triggers import AsyncPolicy, Target

Plan = Callable[..., CloudPlan]
Write = Callable[..., Path]

SAM = "Transform: AWS::Serverless-2016-10-31\n"
SERVERLESS_WITH_CODE = "AWS::Serverless::Function\n\n    Properties:\n      Runtime: python3.13\n      CodeUri: src"
RAW_WITHOUT_CODE = "AWS::Lambda::Function\n\n    Properties:\n      Runtime: python3.13"


def function(properties: str, extra: str = "", metadata: str = "") -> str:
    """A template with the function `F`; `properties` are further lines at their depth."""
    lines = "\n".join(f"      {line}" for line in properties.strip("\n").splitlines())
    return f"""{SAM}
Resources:
  F:
    Type: AWS::Serverless::Function
{metadata}
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.handler
{lines}
{extra}
"""


def findings(plan: CloudPlan) -> list[tuple[str, str]]:
    """Level and message."""
    return [(each.level, each.message) for each in plan.findings]


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


def test_inline_code_and_zip_files_become_folders(plan: Plan, tmp_path: Path) -> None:
    """The same folder for the same content, on every start."""
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("pkg/main.py", "def handler(event, context):\n    return 1\n")
    template = (
        SAM
        + """
Resources:
  Inline:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, InlineCode: "def handler(event, context): return 2"}
  Zipped:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, CodeUri: code.zip, Handler: pkg.main.handler}
  Raw:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Code: {ZipFile: "def handler(event, context): return 3"}, Handler: index.handler}
"""
    )
    made, again = plan(template), plan(template)
    assert made.findings == ()
    assert made.functions == again.functions
    inline, zipped, raw = (made.functions[name] for name in ("Inline", "Zipped", "Raw"))
    assert inline.handler == "index.handler"
    assert (inline.code / "index.py").read_text() == "def handler(event, context): return 2"
    assert (zipped.code / "pkg" / "main.py").is_file()
    assert (raw.code / "index.py").read_text().endswith("return 3")


def test_a_layer_is_a_folder_with_python_built_or_by_arn(plan: Plan, tmp_path: Path) -> None:
    """As it is; under python/ where SAM would build it; reported where it is not here or has no python/."""
    template = function(
        """
Layers:
  - !Ref Ready
  - !Ref Sources
  - !Ref Flat
  - arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38
""",
        """
  Ready: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/ready}}
  Sources:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.13}
    Properties: {ContentUri: layers/sources}
  Flat: {Type: AWS::Lambda::LayerVersion, Properties: {Content: layers/flat}}
""",
    )
    files = {"layers/ready/python/a.py": "", "layers/sources/b.py": "", "layers/flat/c.py": ""}
    made = plan(template, files)
    ready, sources, flat = made.functions["F"].layers
    assert ready == tmp_path / "layers" / "ready"
    assert (sources / "python" / "b.py").is_file()
    assert flat == tmp_path / "layers" / "flat"
    assert [(level, message.split()[0:2]) for level, message in findings(made)] == [
        ("unsupported", ["layer", "arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38"]),
        ("error", ["Content", "layers/flat"]),
    ]


def test_a_layer_of_programs_or_data_is_right_as_it_is(plan: Plan) -> None:
    """It goes to /opt; of extensions the start says that nothing starts them."""
    template = function(
        "Layers: [!Ref Tools, !Ref Agent]",
        """
  Tools: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: tools}}
  Agent: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: agent}}
""",
    )
    made = plan(template, {"tools/bin/tool": "", "tools/model.bin": "", "agent/extensions/agent": ""})
    assert len(made.functions["F"].layers) == 2
    assert findings(made) == [("unsupported", "ContentUri agent has extensions/: extensions are not started")]


def test_programs_and_links_of_an_archive_stay_what_they_are(plan: Plan, tmp_path: Path) -> None:
    """As Lambda unpacks them: a program may be run, and a link leads to its file."""
    with zipfile.ZipFile(tmp_path / "tools.zip", "w") as archive:
        for name, content, mode in (("bin/tool", "#!/bin/sh\n", 0o100755), ("bin/link", "tool", 0o120777)):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, content)
        archive.writestr("plain.txt", "x")
    layer = "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: tools.zip}}"
    [folder] = plan(function("Layers: [!Ref L]", layer)).functions["F"].layers
    assert os.access(folder / "bin" / "tool", os.X_OK)
    assert (folder / "bin" / "link").resolve() == (folder / "bin" / "tool").resolve()
    assert (folder / "plain.txt").read_text() == "x"


def test_without_codeuri_the_code_is_the_folder_of_the_template(plan: Plan, tmp_path: Path) -> None:
    """As `sam build` takes it: quick-start projects name their handlers by path and say no CodeUri."""
    template = function("").replace("CodeUri: src", "MemorySize: 512")
    made = plan(template.replace("app.handler", "src/app.handler"))
    assert made.findings == ()
    assert made.functions["F"].code == tmp_path
    lost = plan(template)
    assert [message for _, message in findings(lost)] == [
        f"Handler app.handler: there is no app.py in {tmp_path}; did you mean 'src/app.py'?"
    ]


def test_a_handler_may_be_in_a_layer_a_package_or_a_path(plan: Plan) -> None:
    """Wherever Lambda would find it."""
    template = function("Layers: [!Ref L]", "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: l}}")
    files = {"l/python/wrapper.py": "def handle(e, c): ...", "src/pkg/__init__.py": "from x import handle"}
    for handler in ("wrapper.handle", "pkg.handle", "deep/er.handle", "deep.er.handle"):
        made = plan(template.replace("app.handler", handler), {**files, "src/deep/er.py": "handle = print"})
        assert made.findings == ()


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


def test_queues_and_schedules_are_taken_from_events_and_raw_resources(plan: Plan) -> None:
    """Both spellings say the same."""
    made = plan(
        function(
            """
Events:
  Jobs:
    Type: SQS
    Properties:
      Queue: !GetAtt Jobs.Arn
      BatchSize: 3
      MaximumBatchingWindowInSeconds: 2
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: 5}
      FilterCriteria: {Filters: [{Pattern: '{"body": {"a": [1]}}'}]}
  Elsewhere: {Type: SQS, Properties: {Queue: "arn:aws:sqs:eu-west-1:210987654321:other"}}
  Off: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, Enabled: false}}
  Rate: {Type: Schedule, Properties: {Schedule: rate(5 minutes), Input: '{"a": 1}'}}
  Cron: {Type: ScheduleV2, Properties: {ScheduleExpression: "cron(0 12 * * ? *)", State: DISABLED}}
""",
            """
  Jobs: {Type: AWS::SQS::Queue}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Jobs.Arn, BatchSize: 1}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 hour)
      Targets: [{Arn: !GetAtt F.Arn, Id: f, Input: '{"rule": true}'}]
  Planned:
    Type: AWS::Scheduler::Schedule
    Properties: {ScheduleExpression: "at(2030-01-01T00:00:00)", Target: {Arn: !GetAtt F.Arn, RoleArn: r}}
""",
        )
    )
    assert made.findings == ()
    assert made.functions["F"].queues == (
        QueueSource("Jobs", 3, 2.0, True, 5, ('{"body": {"a": [1]}}',)),
        QueueSource("arn:aws:sqs:eu-west-1:210987654321:other"),
        QueueSource("Jobs", 1),
    )
    assert made.functions["F"].schedules == (
        ScheduleSource("rate(5 minutes)", '{"a": 1}', True),
        ScheduleSource("cron(0 12 * * ? *)", None, False),
        ScheduleSource("rate(1 hour)", '{"rule": true}', True),
        ScheduleSource("at(2030-01-01T00:00:00)", None, True),
    )


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


def test_a_queue_that_gives_messages_back_too_early_is_an_error(plan: Plan) -> None:
    """Lambda refuses to poll it; 30 s is what a queue has that says nothing."""
    made = plan(
        """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, CodeUri: src, Handler: app.handler}}
Resources:
  Plain: {Type: AWS::SQS::Queue}
  Long: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 60
      Events:
        A: {Type: SQS, Properties: {Queue: !GetAtt Plain.Arn}}
        B: {Type: SQS, Properties: {Queue: !GetAtt Long.Arn}}
        C: {Type: SQS, Properties: {Queue: "arn:aws:sqs:eu-west-1:210987654321:other"}}
"""
    )
    (finding,) = made.findings
    assert (finding.level, finding.resource, finding.where.line) == ("error", "Plain", 5)
    assert finding.message == (
        "its VisibilityTimeout of 30 s is less than the Timeout of F, 60 s: Lambda refuses to poll it"
    )


def test_what_becomes_of_asynchronous_invocations(plan: Plan) -> None:
    """SAM's EventInvokeConfig and DeadLetterQueue, and the raw resources that say the same."""
    made = plan(
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  T: {Type: AWS::SNS::Topic, Properties: {TopicName: t}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.handler
      DeadLetterQueue: {Type: SNS, TargetArn: !Ref T}
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        MaximumEventAgeInSeconds: 60
        DestinationConfig:
          OnFailure: {Type: SQS, Destination: !GetAtt Q.Arn}
          OnSuccess: {Type: Lambda, Destination: !GetAtt G.Arn}
  G:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Code: src
      Handler: app.handler
      DeadLetterConfig: {TargetArn: !GetAtt Q.Arn}
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {FunctionName: !Ref G, Qualifier: $LATEST, MaximumRetryAttempts: 1}
"""
    )
    queue, topic = Target("queue", "arn:aws:sqs:eu-west-1:123456789012:q"), made.physical_ids["T"]
    first, second = (made.functions[name].asynchronous for name in "FG")
    assert first == AsyncPolicy(0, 60, Target("function", "G"), queue, Target("topic", topic))
    assert second == AsyncPolicy(1, dead_letter=queue)
    assert not made.findings


@pytest.mark.parametrize(
    ("given", "level", "message"),
    [
        ("{MaximumRetryAttempts: 3}", "error", "MaximumRetryAttempts is 3; Lambda allows 0 to 2"),
        ("{MaximumEventAgeInSeconds: 5}", "error", "MaximumEventAgeInSeconds is 5; Lambda allows 60 to 21600"),
        ("{DestinationConfig: {OnSuccess: {Type: SQS}}}", "unsupported", "a SQS that SAM would make is not made"),
        (
            "{DestinationConfig: {OnFailure: {Type: EventBridge, Destination: arn:aws:events:x:1:event-bus/b}}}",
            "unsupported",
            "is neither a function, queue nor topic",
        ),
    ],
)
def test_what_is_wrong_with_an_event_invoke_config(plan: Plan, given: str, level: str, message: str) -> None:
    """One finding for each, at its line."""
    made = plan(
        f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {{Runtime: python3.13, CodeUri: src, Handler: app.handler, EventInvokeConfig: {given}}}
"""
    )
    (finding,) = made.findings
    assert (finding.level, finding.where.line) == (level, 6)
    assert message in finding.message


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        ("{Type: Kinesis, Properties: {Stream: a}}", "unsupported", "events of type Kinesis are not delivered"),
        ("{Type: Sqs, Properties: {Queue: a}}", "error", "'Sqs' is not an event type; did you mean 'SQS'?"),
        ("{Type: SQS, Properties: {Queue: not-an-arn}}", "unsupported", "Queue not-an-arn is not a queue"),
        ("{Type: Schedule, Properties: {Schedule: every 5 minutes}}", "error", "is none of rate(value unit)"),
        ("{Type: Schedule, Properties: {Schedule: rate(1 minutes)}}", "error", "`1 minute` in the singular"),
        (
            '{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), StartDate: "2030-01-01T00:00:00Z"}}',
            "unsupported",
            "StartDate does not limit a schedule locally",
        ),
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), ScheduleExpressionTimezone: Mars}}",
            "error",
            "'Mars' is not a time zone",
        ),
        (
            "{Type: SQS, Properties: {Queue: arn:aws:sqs:x:1:q, BatchSize: 11}}",
            "error",
            "BatchSize is 11; Lambda allows 1 to 10 without MaximumBatchingWindowInSeconds",
        ),
        (
            "{Type: SQS, Properties: {Queue: arn:aws:sqs:x:1:q.fifo, BatchSize: 11}}",
            "error",
            "BatchSize is 11; Lambda allows 1 to 10 from a FIFO queue",
        ),
        (
            "{Type: DynamoDB, Properties: {Stream: arn:aws:dynamodb:x:1:table/t/stream/s, StartingPosition: LATEST, "
            "TumblingWindowInSeconds: 30}}",
            "unsupported",
            "TumblingWindowInSeconds: a stream's events have no window",
        ),
        (
            "{Type: Api, Properties: {Path: /a, Methd: get, Method: get}}",
            "error",
            "an event of type Api has no 'Methd'",
        ),
        ("{Type: Api, Properties: {Path: /a, Method: fetch}}", "error", "'FETCH' is not a method"),
        ("{Type: Api, Properties: {Path: a, Method: get}}", "error", "path 'a' must start with /"),
        ("{Type: Api, Properties: {RestApiId: nobody, Path: /, Method: get}}", "error", "is not a REST API of this"),
        ("{Type: HttpApi, Properties: {Path: /a}}", "error", "an HttpApi event with a Path needs a Method"),
    ],
)
def test_what_is_wrong_with_an_event_is_one_finding_at_its_line(
    plan: Plan, event: str, level: str, message: str
) -> None:
    """The others are served."""
    made = plan(function(f"Events:\n  Good: {{Type: Api, Properties: {{Path: /good, Method: get}}}}\n  Bad: {event}"))
    assert len(made.findings) == 1, made.findings
    assert (made.findings[0].level, made.findings[0].where.line) == (level, 13)
    assert message in made.findings[0].message
    assert any(route.path == "/good" for route in made.apis["ServerlessRestApi"].routes)


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
