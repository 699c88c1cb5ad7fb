"""Sources of events: queues and schedules, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.local.plan import CloudPlan, QueueSource, ScheduleSource
from tests.local.template.templates import function

Plan = Callable[..., CloudPlan]


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
