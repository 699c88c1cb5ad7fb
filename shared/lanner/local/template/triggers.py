"""Streams, bucket notifications, event rules and topic subscriptions, in SAM's spelling and in the raw resources'.

Source: AWS SAM Developer Guide, "DynamoDB", "S3", "SNS", "EventBridgeRule"; AWS::Lambda::EventSourceMapping,
AWS::S3::Bucket "NotificationConfiguration", AWS::Events::Rule, AWS::SNS::Subscription.
"""

from __future__ import annotations

import json
import re

from lanner.local.template.findings import did_you_mean
from lanner.local.template.reader import Reader
from lanner.local.template.source import Section, plain
from lanner.local.template.stack import Stack
from lanner.local.template.world import World
from lanner.local.triggers import BucketNotification, EventRule, StreamSource, Target, TopicSubscription

_STREAM = re.compile(r"arn:[^:]*:dynamodb:[^:]*:[^:]*:table/([^/]+)/stream/.+")
_HAPPENS = (
    "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put", "s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed",
)  # fmt: skip
_NEVER_HERE = (
    "s3:ObjectRestore:Delete", "s3:ReducedRedundancyLostObject", "s3:LifecycleTransition", "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold",
)  # fmt: skip


def is_stream(arn: str) -> bool:
    """Whether an event source is a table's stream."""
    return _STREAM.fullmatch(arn) is not None


def stream_source(properties: Reader, key: str) -> StreamSource | None:
    """The mapping of a table's stream, or None after a finding, or where it is switched off."""
    arn = properties.text(key)
    found = _STREAM.fullmatch(arn)
    if found is None:
        message = f"{key} {arn} is not the stream of a table (!GetAtt Table.StreamArn)"
        properties.findings.error(properties.resource, message, properties.at(key))
        return None
    position = properties.text("StartingPosition", "")
    if position not in ("LATEST", "TRIM_HORIZON"):
        message = f"StartingPosition takes LATEST or TRIM_HORIZON, not {position!r}"
        properties.findings.error(properties.resource, message, properties.at("StartingPosition", key))
        return None
    if not properties.flag("Enabled", True):
        return None
    if properties.optional_number("TumblingWindowInSeconds"):
        message = "TumblingWindowInSeconds: a stream's events have no window and no state locally"
        properties.findings.unsupported(properties.resource, message, properties.at("TumblingWindowInSeconds"))
    attempts, age = (_limit(properties, name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds"))
    return StreamSource(
        table=found[1],
        arn=arn,
        batch_size=max(1, properties.number("BatchSize", 100)),
        batching_window=properties.optional_number("MaximumBatchingWindowInSeconds") or 0,
        latest=position == "LATEST",
        report_batch_item_failures="ReportBatchItemFailures" in properties.strings("FunctionResponseTypes"),
        bisect=properties.flag("BisectBatchOnFunctionError"),
        maximum_retry_attempts=attempts,
        maximum_record_age=age,
        filters=tuple(each.text("Pattern") for each in properties.child("FilterCriteria").children("Filters")),
        on_failure=properties.child("DestinationConfig").child("OnFailure").text("Destination"),
    )


def _limit(properties: Reader, key: str) -> int | None:
    """A number, where -1 means that there is no limit."""
    value = properties.optional_number(key)
    return None if value is None or value < 0 else int(value)


# -- S3


def sam_notification(function: str, name: str, properties: Reader, world: World) -> BucketNotification | None:
    """A function's event of type S3."""
    bucket = properties.text("Bucket")
    if bucket not in world.refs:
        message = f"Bucket {bucket} is not a bucket of this template, which events of type S3 need"
        properties.findings.error(properties.resource, message, properties.at("Bucket"))
    return _notification(bucket, "Events", properties, Target("function", function), name)


def bucket_notifications(stack: Stack, world: World) -> list[BucketNotification]:
    """What the raw configurations of a stack's buckets name."""
    found = []
    for resource in stack.of_type("AWS::S3::Bucket"):
        properties = stack.properties(resource.logical_id)
        bucket = world.physical_ids[properties.resource]
        configuration = properties.child("NotificationConfiguration")
        for list_name, key in (("LambdaConfigurations", "Function"), ("QueueConfigurations", "Queue")):
            for entry in configuration.children(list_name):
                target = arn_target(entry, key, world)
                if target is not None:
                    found.append(_notification(bucket, "Event", entry, target, entry.text("Id")))
        for entry in configuration.children("TopicConfigurations"):
            target = Target("topic", entry.text("Topic"))
            found.append(_notification(bucket, "Event", entry, target, entry.text("Id")))
        if "EventBridgeConfiguration" in configuration:
            message = "a bucket's events are not sent to EventBridge locally; name the function or the queue here"
            where = configuration.at("EventBridgeConfiguration")
            properties.findings.unsupported(properties.resource, message, where)
    return [each for each in found if each is not None]


def _notification(
    bucket: str, key: str, properties: Reader, target: Target, identifier: str
) -> BucketNotification | None:
    events = properties.strings(key)
    for event in events:
        if event in _HAPPENS:
            continue
        if event in _NEVER_HERE:
            properties.findings.unsupported(properties.resource, f"{event} never happens locally", properties.at(key))
        else:
            message = f"{event!r} is not an event of S3{did_you_mean(event, _HAPPENS)}"
            properties.findings.error(properties.resource, message, properties.at(key))
    rules = {
        rule.text("Name").lower(): rule.text("Value")
        for rule in properties.child("Filter").child("S3Key").children("Rules")
    }
    return BucketNotification(
        bucket=bucket,
        events=tuple(event.removeprefix("s3:") for event in events if event in _HAPPENS),
        target=target,
        prefix=rules.get("prefix", ""),
        suffix=rules.get("suffix", ""),
        configuration_id=identifier,
    )


def arn_target(entry: Reader, key: str, world: World) -> Target | None:
    """The function, queue or topic that an ARN means; those of another stack count by their ARN."""
    arn = entry.text(key)
    function = world.function(arn) if ":lambda:" in arn else None
    if function is not None:
        return Target("function", function)
    if ":sqs:" in arn:
        return Target("queue", arn)
    if ":sns:" in arn:
        return Target("topic", arn)
    message = f"{key} {arn} is neither a function, queue nor topic of this template: it gets no events locally"
    entry.findings.unsupported(entry.resource, message, entry.at(key))
    return None


# -- EventBridge


def sam_rule(function: str, name: str, properties: Reader) -> EventRule | None:
    """A function's event of type EventBridgeRule or CloudWatchEvent."""
    return _rule(f"{function}-{name}", properties, properties, Target("function", function))


def event_rules(stack: Stack, world: World) -> list[EventRule]:
    """The raw rules of a stack that have a pattern."""
    found = []
    for resource in stack.of_type("AWS::Events::Rule"):
        properties = stack.properties(resource.logical_id)
        if "EventPattern" not in properties:
            continue
        for entry in properties.children("Targets"):
            target = arn_target(entry, "Arn", world)
            rule = _rule(properties.resource, properties, entry, target) if target is not None else None
            if rule is not None:
                found.append(rule)
    return found


def _rule(name: str, properties: Reader, entry: Reader, target: Target) -> EventRule | None:
    if properties.text("State", "ENABLED") == "DISABLED" or not properties.flag("Enabled", True):
        return None
    pattern = properties.get("Pattern") or properties.get("EventPattern")
    if not isinstance(pattern, Section):
        message = "a rule needs its pattern as a mapping"
        properties.findings.error(properties.resource, message, properties.at("Pattern", "EventPattern"))
        return None
    transformer = entry.child("InputTransformer")
    given = entry.get("Input")
    return EventRule(
        name=name,
        pattern=json.dumps(plain(pattern)),
        target=target,
        bus=properties.text("EventBusName", "default").rpartition("/")[2],
        input=given if given is None or isinstance(given, str) else json.dumps(plain(given)),
        input_path=entry.optional("InputPath"),
        input_template=transformer.optional("InputTemplate"),
        input_paths=transformer.texts("InputPathsMap"),
    )


# -- SNS


def sam_subscription(function: str, properties: Reader) -> TopicSubscription | None:
    """A function's event of type SNS."""
    if "SqsSubscription" in properties and properties.text("SqsSubscription") != "false":
        message = "SqsSubscription is not made locally; subscribe a queue, and let the function poll it"
        properties.findings.unsupported(properties.resource, message, properties.at("SqsSubscription"))
        return None
    return _subscription(function, properties.text("Topic"), properties)


def topic_subscriptions(stack: Stack, world: World) -> list[TopicSubscription]:
    """The raw subscriptions of functions, as resources and inside topics."""
    entries: list[tuple[str, Reader]] = []
    for resource in stack.of_type("AWS::SNS::Subscription"):
        properties = stack.properties(resource.logical_id)
        entries.append((properties.text("TopicArn"), properties))
    for resource in stack.of_type("AWS::SNS::Topic"):
        properties = stack.properties(resource.logical_id)
        topic = world.physical_ids[properties.resource]
        entries += [(topic, entry) for entry in properties.children("Subscription")]
    found = []
    for topic, entry in entries:
        if entry.text("Protocol") != "lambda":
            continue
        function = world.function(entry.text("Endpoint"))
        if function is not None:
            found.append(_subscription(function, topic, entry))
        else:
            message = f"Endpoint {entry.text('Endpoint')} is not a function of this template"
            entry.findings.unsupported(entry.resource, message, entry.at("Endpoint"))
    return found


def _subscription(function: str, topic: str, properties: Reader) -> TopicSubscription:
    policy = properties.get("FilterPolicy")
    text = "" if policy is None else policy if isinstance(policy, str) else json.dumps(plain(policy))
    return TopicSubscription(topic, function, text, properties.text("FilterPolicyScope"))
