"""What becomes of asynchronous invocations: attempts, age, destinations, dead letters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.local.plan import CloudPlan
from lanner.local.triggers import AsyncPolicy, Target

Plan = Callable[..., CloudPlan]


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
