"""What calls a function besides APIs: queues, streams, schedules, URLs, objects, events, topics; and its aliases.

SAM's events and the raw resources say the same things in two spellings; both end here, by the function's name.
Source: AWS SAM Developer Guide, "EventSource"; AWS::Lambda::EventSourceMapping; AWS::Events::Rule;
AWS::Scheduler::Schedule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypeVar

from lanner.local.plan import FunctionUrlPlan, QueueSource, ScheduleSource
from lanner.local.schedules import ScheduleError, parse
from lanner.local.template.findings import did_you_mean
from lanner.local.template.reader import Reader
from lanner.local.template.source import Section, plain
from lanner.local.template.stack import Stack
from lanner.local.template.substitution import text_of
from lanner.local.template.triggers import (
    bucket_notifications,
    event_rules,
    is_stream,
    sam_notification,
    sam_rule,
    sam_subscription,
    stream_source,
    topic_subscriptions,
)
from lanner.local.template.urls import function_url
from lanner.local.template.world import World
from lanner.local.triggers import BucketNotification, EventRule, StreamSource, TopicSubscription

T = TypeVar("T")

ROUTES = ("Api", "HttpApi")
UNSUPPORTED_EVENTS = (
    "AlexaSkill", "CloudWatchLogs", "Cognito", "DocumentDB", "IoTRule", "Kinesis", "MQ", "MSK", "SelfManagedKafka",
)  # fmt: skip
SMALL_BATCH, LARGEST_BATCH = 10, 10_000  # messages of a queue
_RULES = ("EventBridgeRule", "CloudWatchEvent")
_EVENTS = (*ROUTES, *UNSUPPORTED_EVENTS, *_RULES, "DynamoDB", "S3", "SNS", "SQS", "Schedule", "ScheduleV2")


@dataclass
class Sources:
    """Event sources by the function's qualified logical id."""

    queues: dict[str, list[QueueSource]] = field(default_factory=dict)
    streams: dict[str, list[StreamSource]] = field(default_factory=dict)
    schedules: dict[str, list[ScheduleSource]] = field(default_factory=dict)
    notifications: list[BucketNotification] = field(default_factory=list)
    rules: list[EventRule] = field(default_factory=list)
    subscriptions: list[TopicSubscription] = field(default_factory=list)
    urls: dict[str, FunctionUrlPlan] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    invoke_configs: dict[str, Reader] = field(default_factory=dict)


def collect_sources(stack: Stack, world: World, sources: Sources) -> None:
    """Add what one stack declares to `sources`; other event types become findings."""
    for resource in stack.of_type("AWS::Serverless::Function"):
        properties = stack.properties(resource.logical_id)
        for name, event in properties.named("Events"):
            _event(properties.resource, name, event, world, sources)
    for resource in stack.of_type("AWS::Lambda::EventSourceMapping"):
        properties = stack.properties(resource.logical_id)
        function = _target(properties, "FunctionName", world)
        if function and is_stream(properties.text("EventSourceArn")):
            _stream(function, properties, "EventSourceArn", sources)
        elif function:
            _queue(function, properties, "EventSourceArn", world, sources)
    sources.notifications += bucket_notifications(stack, world)
    sources.rules += event_rules(stack, world)
    sources.subscriptions += topic_subscriptions(stack, world)
    _schedules(stack, world, sources)
    _aliases_and_urls(stack, world, sources)


def _event(function: str, name: str, event: Reader, world: World, sources: Sources) -> None:
    kind = event.text("Type")
    properties = event.child("Properties")
    if kind == "SQS":
        _queue(function, properties, "Queue", world, sources)
    elif kind == "DynamoDB":
        _stream(function, properties, "Stream", sources)
    elif kind == "S3":
        sources.notifications += _given(sam_notification(function, name, properties, world))
    elif kind in _RULES:
        sources.rules += _given(sam_rule(function, name, properties))
    elif kind == "SNS":
        sources.subscriptions += _given(sam_subscription(function, properties))
    elif kind in ("Schedule", "ScheduleV2"):
        expression = properties.text("Schedule" if kind == "Schedule" else "ScheduleExpression")
        _schedule(function, expression, properties, sources)
    elif kind in UNSUPPORTED_EVENTS:
        message = f"events of type {kind} are not delivered locally (lanner invoke sends one by hand)"
        event.findings.unsupported(function, message, event.at("Type"))
    elif kind not in ROUTES:
        message = f"'{kind}' is not an event type{did_you_mean(kind, _EVENTS)}"
        event.findings.error(function, message, event.at("Type"))


def _given(value: T | None) -> list[T]:
    return [] if value is None else [value]


def _stream(function: str, properties: Reader, key: str, sources: Sources) -> None:
    source = stream_source(properties, key)
    if source is not None:
        sources.streams.setdefault(function, []).append(source)


def _target(properties: Reader, key: str, world: World) -> str | None:
    reference = properties.text(key)
    function = world.function(reference)
    if function is None:
        message = f"{key} {reference} is not a function of this template"
        properties.findings.unsupported(properties.resource, message, properties.at(key))
    return function


def _queue(function: str, properties: Reader, key: str, world: World, sources: Sources) -> None:
    arn = properties.text(key)
    if ":sqs:" not in arn and not world.queue(arn):
        message = f"{key} {arn} is not a queue; only queues and the streams of tables are polled locally"
        properties.findings.unsupported(properties.resource, message, properties.at(key))
        return
    if not properties.flag("Enabled", True):
        return
    filters = tuple(each.text("Pattern") for each in properties.child("FilterCriteria").children("Filters"))
    maximum = properties.child("ScalingConfig").optional_number("MaximumConcurrency")
    window = properties.optional_number("MaximumBatchingWindowInSeconds") or 0
    source = QueueSource(
        queue=world.queue(arn) or arn,
        batch_size=_batch_size(properties, arn, window),
        batching_window=window,
        report_batch_item_failures="ReportBatchItemFailures" in properties.strings("FunctionResponseTypes"),
        maximum_concurrency=None if maximum is None else int(maximum),
        filters=filters,
    )
    sources.queues.setdefault(function, []).append(source)


def _batch_size(properties: Reader, queue: str, window: float) -> int:
    """A mapping's BatchSize within Lambda's limits, which depend on the queue and the batching window."""
    size = properties.number("BatchSize", SMALL_BATCH)
    most, why = (SMALL_BATCH, " from a FIFO queue") if queue.endswith(".fifo") else (LARGEST_BATCH, "")
    if most > SMALL_BATCH and window < 1:
        most, why = SMALL_BATCH, " without MaximumBatchingWindowInSeconds"
    if 1 <= size <= most:
        return size
    message = f"BatchSize is {size}; Lambda allows 1 to {most}{why}"
    properties.findings.error(properties.resource, message, properties.at("BatchSize"))
    return min(max(size, 1), most)


def _schedule(function: str, expression: str, properties: Reader, sources: Sources) -> None:
    where = properties.at("Schedule", "ScheduleExpression")
    timezone = properties.text("ScheduleExpressionTimezone", "UTC")
    try:
        parse(expression, timezone)
    except ScheduleError as error:
        properties.findings.error(properties.resource, f"it is not scheduled: {error}", where)
        return
    for key in ("StartDate", "EndDate"):
        if key in properties:
            message = f"{key} does not limit a schedule locally"
            properties.findings.unsupported(properties.resource, message, properties.at(key))
    given = properties.get("Input")
    enabled = properties.flag("Enabled", True) and properties.text("State", "ENABLED") != "DISABLED"
    source = ScheduleSource(expression, _input(given), enabled, timezone)
    sources.schedules.setdefault(function, []).append(source)


def _input(given: object) -> str | None:
    if given is None:
        return None
    return given if isinstance(given, str) else json.dumps(plain(given))


def _schedules(stack: Stack, world: World, sources: Sources) -> None:
    for resource in stack.of_type("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
        properties = stack.properties(resource.logical_id)
        if "ScheduleExpression" not in properties:
            continue  # a rule with a pattern: see triggers.py
        targets = properties.children("Targets") if "Targets" in properties else [properties.child("Target")]
        for target in targets:
            function = world.function(target.text("Arn"))
            if function is None:
                message = f"target {target.text('Arn')} is not a function of this template"
                stack.findings.unsupported(properties.resource, message, target.at("Arn"))
                continue
            merged = Section(properties.section.where)
            for key in ("State", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate"):
                if key in properties:
                    merged.put(key, properties.get(key), properties.at(key))
            merged.put("Input", target.get("Input"), target.at("Input"))
            reader = Reader(merged, properties.resource, stack.findings)
            _schedule(function, properties.text("ScheduleExpression"), reader, sources)


def _aliases_and_urls(stack: Stack, world: World, sources: Sources) -> None:
    for resource in stack.of_type("AWS::Lambda::Alias"):
        properties = stack.properties(resource.logical_id)
        function = _target(properties, "FunctionName", world)
        if function:
            sources.aliases[function] = text_of(properties.get("Name"))
    for resource in stack.of_type("AWS::Lambda::EventInvokeConfig"):
        properties = stack.properties(resource.logical_id)
        function = _target(properties, "FunctionName", world)
        if function:
            sources.invoke_configs[function] = properties
    for resource in stack.of_type("AWS::Lambda::Url"):
        properties = stack.properties(resource.logical_id)
        function = _target(properties, "TargetFunctionArn", world)
        if function:
            sources.urls[function] = function_url(properties)
