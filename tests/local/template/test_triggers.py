"""Streams, bucket notifications, event rules and subscriptions in both spellings, and what is said of wrong ones."""

from __future__ import annotations

import json

import pytest

from lanner.local.plan import CloudPlan
from lanner.local.triggers import BucketNotification, EventRule, StreamSource, Target, TopicSubscription
from tests.local.template.conftest import Plan

FUNCTION = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Files: {Type: AWS::S3::Bucket, Properties: {BucketName: files}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: things, StreamSpecification: {StreamViewType: NEW_IMAGE}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(event, context): pass"
      Events:
        It: %s
"""


def with_event(plan: Plan, event: str) -> CloudPlan:
    return plan(FUNCTION % event)


def test_a_stream_has_all_that_its_mapping_says(plan: Plan) -> None:
    """SAM's event; -1 is no limit."""
    made = with_event(
        plan,
        """{Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST, BatchSize: 7,
        MaximumBatchingWindowInSeconds: 2, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 3,
        MaximumRecordAgeInSeconds: -1, FunctionResponseTypes: [ReportBatchItemFailures],
        FilterCriteria: {Filters: [{Pattern: '{"eventName": ["INSERT"]}'}]},
        DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:eu-west-1:1:dead"}}}}""",
    )
    [source] = made.functions["F"].streams
    assert made.findings == ()
    assert source == StreamSource(
        table="things",
        arn="arn:aws:dynamodb:eu-west-1:123456789012:table/things/stream/2026-01-01T00:00:00.000",
        batch_size=7,
        batching_window=2,
        latest=True,
        report_batch_item_failures=True,
        bisect=True,
        maximum_retry_attempts=3,
        filters=('{"eventName": ["INSERT"]}',),
        on_failure="arn:aws:sqs:eu-west-1:1:dead",
    )


def test_uploads_name_bucket_events_and_filter(plan: Plan) -> None:
    """One event or a list; prefix and suffix in any case."""
    made = with_event(
        plan,
        """{Type: S3, Properties: {Bucket: !Ref Files, Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
        Filter: {S3Key: {Rules: [{Name: Prefix, Value: in/}, {Name: suffix, Value: .csv}]}}}}""",
    )
    assert made.findings == ()
    events = ("ObjectCreated:*", "ObjectRemoved:Delete")
    target = Target("function", "F")
    assert made.notifications == (BucketNotification("files", events, target, "in/", ".csv", "It"),)


def test_rules_and_subscriptions_of_a_function(plan: Plan) -> None:
    """Pattern, input and bus; topic and filter policy."""
    made = with_event(
        plan, "{Type: EventBridgeRule, Properties: {Pattern: {source: [shop]}, EventBusName: own, InputPath: $.detail}}"
    )
    [rule] = made.rules
    expected = EventRule(
        "F-It", json.dumps({"source": ["shop"]}), Target("function", "F"), "own", input_path="$.detail"
    )
    assert (made.findings, rule) == ((), expected)
    made = with_event(plan, "{Type: SNS, Properties: {Topic: !Ref Topic, FilterPolicy: {kind: [a]}}}")
    topic = "arn:aws:sns:eu-west-1:123456789012:news"
    assert (made.findings, made.subscriptions) == ((), (TopicSubscription(topic, "F", '{"kind": ["a"]}'),))


def test_the_raw_resources_say_the_same(plan: Plan) -> None:
    """A bucket's configuration with a function and a queue, a rule with two targets, a subscription, a mapping."""
    made = plan(
        FUNCTION.replace("{BucketName: files}", "{BucketName: files, NotificationConfiguration: %s}")
        % (
            "{LambdaConfigurations: [{Event: 's3:ObjectCreated:Put', Function: !GetAtt F.Arn}], "
            "QueueConfigurations: [{Event: 's3:ObjectRemoved:*', Queue: !GetAtt Jobs.Arn}]}",
            "{Type: Schedule, Properties: {Schedule: rate(1 day)}}",
        )
        + """
  Jobs: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [shop]}
      Targets: [{Id: a, Arn: !GetAtt F.Arn}, {Id: b, Arn: !GetAtt Jobs.Arn, Input: '{"a": 1}'}]
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: lambda, Endpoint: !GetAtt F.Arn}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON}
"""
    )
    assert made.findings == ()
    queue = Target("queue", "arn:aws:sqs:eu-west-1:123456789012:jobs")
    assert [(each.events, each.target) for each in made.notifications] == [
        (("ObjectCreated:Put",), Target("function", "F")),
        (("ObjectRemoved:*",), queue),
    ]
    assert [(rule.target, rule.input) for rule in made.rules] == [(Target("function", "F"), None), (queue, '{"a": 1}')]
    assert [each.function for each in made.subscriptions] == ["F"]
    assert [source.table for source in made.functions["F"].streams] == ["things"]


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        ("{Type: S3, Properties: {Bucket: !Ref Files, Events: 's3:ObjectCreatd:*'}}", "error", "did you mean"),
        ("{Type: S3, Properties: {Bucket: !Ref Files, Events: 's3:Replication:*'}}", "unsupported", "never happens"),
        ("{Type: S3, Properties: {Bucket: nobody, Events: 's3:ObjectCreated:*'}}", "error", "is not a bucket of this"),
        ("{Type: DynamoDB, Properties: {Stream: nothing, StartingPosition: LATEST}}", "error", "not the stream of a"),
        ("{Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn}}", "error", "StartingPosition takes LATEST"),
        ("{Type: EventBridgeRule, Properties: {Input: x}}", "error", "needs its pattern"),
        ("{Type: SNS, Properties: {Topic: !Ref Topic, SqsSubscription: true}}", "unsupported", "SqsSubscription"),
    ],
)
def test_what_is_wrong_is_one_finding_at_its_line(plan: Plan, event: str, level: str, message: str) -> None:
    """The event's own line, and nothing else is said."""
    [finding] = with_event(plan, event).findings
    assert (finding.level, finding.resource, finding.where.line) == (level, "F", 16)
    assert message in finding.message
