"""What the engine's data sets off, as frozen values of the plan: streams, objects, events, topics' messages.

`lanner.local.template` makes them; `streams.py` and `deliveries.py` execute them. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class StreamSource:
    """A DynamoDB stream's event source mapping. Without `maximum_retry_attempts` a batch is tried until it expires."""

    table: str  # physical name
    arn: str  # of the stream, as the template has it
    batch_size: int = 100
    batching_window: float = 0
    latest: bool = False  # StartingPosition LATEST; else TRIM_HORIZON
    report_batch_item_failures: bool = False
    bisect: bool = False
    maximum_retry_attempts: int | None = None
    maximum_record_age: int | None = None
    filters: tuple[str, ...] = ()  # EventBridge patterns as JSON
    on_failure: str = ""  # ARN of the queue that hears of discarded batches


@dataclass(frozen=True)
class Target:
    """Who gets an event: a function by logical id, a queue or a topic by ARN."""

    kind: Literal["function", "queue", "topic"]
    name: str


@dataclass(frozen=True)
class AsyncPolicy:
    """What becomes of a function's asynchronous invocations: attempts, and who hears of their end."""

    maximum_retry_attempts: int = 2
    maximum_event_age: int = 21_600
    on_success: Target | None = None
    on_failure: Target | None = None
    dead_letter: Target | None = None


@dataclass(frozen=True)
class BucketNotification:
    """One entry of a bucket's notification configuration. `events` are names and patterns such as `ObjectCreated:*`."""

    bucket: str  # physical name
    events: tuple[str, ...]
    target: Target
    prefix: str = ""
    suffix: str = ""
    configuration_id: str = ""


@dataclass(frozen=True)
class EventRule:
    """An EventBridge rule's pattern and one of its targets. At most one of the `input` kinds is set."""

    name: str
    pattern: str  # JSON
    target: Target
    bus: str = "default"
    input: str | None = None  # a constant, as JSON text
    input_path: str | None = None  # `$.detail`
    input_template: str | None = None
    input_paths: Mapping[str, str] = field(default_factory=dict)  # of the template's <names>


@dataclass(frozen=True)
class TopicSubscription:
    """A function that a topic calls."""

    topic: str  # ARN
    function: str  # logical id
    filter_policy: str = ""  # JSON
    filter_scope: str = ""
