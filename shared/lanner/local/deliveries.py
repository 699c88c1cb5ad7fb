"""What the engine's journal says, delivered: object events, EventBridge events and topics' messages.

The reader follows the journal by its numbers (`engine/journal.py`), so each entry is seen once; it begins where the
journal is when the local cloud starts. Functions are invoked asynchronously, with Lambda's retries; queues and topics
are sent to through the engine. An entry that cannot be delivered is said and does not stop the ones behind it.

An engine that is not ours has no journal: a plan that needs one is told so, once.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
docs.aws.amazon.com/lambda/latest/dg/with-sns.html, docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from lanner.aws.errors import AwsError
from lanner.local.engine_calls import EngineCalls
from lanner.local.event_pattern import PatternError, matches, parse_pattern
from lanner.local.plan import CloudPlan
from lanner.local.triggers import BucketNotification, EventRule, Target

PATH = "/_lanner/journal"
PAUSE_AFTER_FAILURE = 2.0
_ANSWER_WITHIN = 30.0  # seconds; the engine holds an empty answer for at most 20

QUOTE = '"'
_NAME = re.compile(r'<[^<>"]+>')
_PARTS = re.compile(r'(<[^<>"]+>|\\.|")')

Document = dict[str, Any]  # Any: JSON


def object_event(entry: Document, notification: BucketNotification) -> Document:
    """The event of one object, as S3 documents it; keys are encoded as in a form."""
    thing: Document = {"key": quote_plus(entry["key"], safe="/*")}
    if not entry["name"].startswith("ObjectRemoved:Delete") or entry["name"].endswith("MarkerCreated"):
        thing |= {"size": entry["size"], "eTag": entry["etag"]}
    if entry["version"]:
        thing["versionId"] = entry["version"]
    thing["sequencer"] = entry["sequencer"]
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": entry["region"],
        "eventTime": entry["time"],
        "eventName": entry["name"],
        "userIdentity": {"principalId": "AWS:LOCAL"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": secrets.token_hex(8).upper(),
            "x-amz-id-2": secrets.token_urlsafe(48),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": notification.configuration_id,
            "bucket": {
                "name": entry["bucket"],
                "ownerIdentity": {"principalId": "LOCAL"},
                "arn": f"arn:aws:s3:::{entry['bucket']}",
            },
            "object": thing,
        },
    }
    return {"Records": [record]}


def wants_object(notification: BucketNotification, entry: Document) -> bool:
    """Whether a notification's bucket, events, prefix and suffix fit an object event."""
    name = entry["name"]
    named = any(name == each or (each.endswith(":*") and name.startswith(each[:-1])) for each in notification.events)
    key = entry["key"]
    fits = key.startswith(notification.prefix) and key.endswith(notification.suffix)
    return bool(entry["bucket"] == notification.bucket and named and fits)


def topic_event(entry: Document) -> Document:
    """The event of one topic's message."""
    message = {
        "Type": "Notification",
        "MessageId": entry["id"],
        "TopicArn": entry["topic"],
        "Subject": entry["subject"],
        "Message": entry["message"],
        "Timestamp": entry["time"],
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertUrl": "EXAMPLE",
        "UnsubscribeUrl": "EXAMPLE",
        "MessageAttributes": entry["attributes"],
    }
    source = {"EventVersion": "1.0", "EventSubscriptionArn": entry["subscription"], "EventSource": "aws:sns"}
    return {"Records": [{**source, "Sns": message}]}


def rule_input(rule: EventRule, event: Document) -> bytes:
    """What a rule's target gets: the event, a constant, a part of it, or a template filled from it."""
    if rule.input is not None:
        return rule.input.encode()
    if rule.input_path is not None:
        return json.dumps(at_path(event, rule.input_path)).encode()
    if rule.input_template is None:
        return json.dumps(event).encode()
    values = {name: at_path(event, path) for name, path in rule.input_paths.items()}
    values["aws.events.event.json"] = values["aws.events.event"] = event
    values["aws.events.rule-name"] = rule.name
    return _filled(rule.input_template, values).encode()


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """An input template with its <names> replaced: by text inside quotes, else by JSON; a plain text becomes JSON."""

    def text(name: str) -> str:
        value = values.get(name[1:-1])
        return value if isinstance(value, str) else json.dumps(value)

    if not template.lstrip().startswith(("{", "[", '"')):
        return json.dumps(_NAME.sub(lambda found: text(found[0]), template.strip()))
    parts, inside = [], False
    for part in _PARTS.split(template):
        inside ^= part == QUOTE
        if _NAME.fullmatch(part):
            parts.append(json.dumps(text(part))[1:-1] if inside else json.dumps(values.get(part[1:-1])))
        else:
            parts.append(part)
    return "".join(parts)


def at_path(event: Any, path: str) -> Any:
    """The value at a JSON path of names and indexes, such as `$.detail.items[0]`; None where there is none."""
    for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", path):
        try:
            event = event[int(index)] if index else event[name]
        except (KeyError, IndexError, TypeError):
            return None
    return event


class Deliveries:
    """Delivers what the journal says to what the current plan names.

    `submit` accepts an event for a function (logical id) and does not wait. `environment` has the engine's endpoint.
    """

    def __init__(
        self, submit: Callable[[str, bytes], object], environment: Mapping[str, str], problem: Callable[[str], None]
    ) -> None:
        self._submit = submit
        self._problem = problem
        parts = urlsplit(environment["AWS_ENDPOINT_URL"])
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._region = environment["AWS_REGION"]
        self._call = EngineCalls(environment, "lanner-deliveries")
        self._plan: CloudPlan | None = None
        self._rules: list[tuple[EventRule, dict[str, Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self, plan: CloudPlan) -> None:
        """Deliver what happens from now on."""
        self.update(plan)
        position = await self._position()
        if position is not None:
            self._task = asyncio.get_running_loop().create_task(self._follow(position))

    def update(self, plan: CloudPlan) -> None:
        """Deliver to what `plan` names."""
        self._plan = plan
        self._rules.clear()
        for rule in plan.rules:
            try:
                self._rules.append((rule, parse_pattern(rule.pattern)))
            except PatternError as error:
                self._problem(f"{rule.name}: its events are not delivered: {error}")

    async def stop(self) -> None:
        """Deliver no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._call.close()

    async def deliver(
        self, target: Target, payload: bytes, attributes: Mapping[str, str] | None = None, *, subject: str = ""
    ) -> None:
        """Hand one payload to a function, queue or topic; what a target does not get is a problem, never raised."""
        if target.kind == "function":
            self._submit(target.name, payload)
            return
        try:
            if target.kind == "queue":
                await self._send(target.name.rpartition(":")[2], payload.decode(), attributes or {})
            else:
                await asyncio.to_thread(self._publish, target.name, payload.decode(), subject)
        except (AwsError, OSError) as error:
            self._problem(f"{target.name} did not get its event: {error}")

    # -- the journal

    async def _position(self) -> int | None:
        plan = self._plan
        assert plan is not None
        try:
            return int((await self._get(PATH))["next"])
        except (OSError, ValueError, KeyError, TimeoutError):
            if plan.notifications or plan.rules or plan.subscriptions:
                self._problem("this engine tells nothing of uploads, events and topics: no function hears of them")
            return None

    async def _follow(self, position: int) -> None:
        failing = False
        while True:
            try:
                page = await self._get(f"{PATH}?after={position}")
                failing = False
            except (OSError, ValueError, TimeoutError) as error:
                if not failing:
                    failing = True
                    self._problem(f"the engine's journal cannot be read: {error}")
                await asyncio.sleep(PAUSE_AFTER_FAILURE)
                continue
            for entry in page["entries"]:
                try:
                    subject = "Amazon S3 Notification" if entry["kind"] == "object" else ""
                    for target, payload in self._deliveries(entry):
                        await self.deliver(target, payload, subject=subject)
                except (KeyError, IndexError, TypeError, ValueError) as error:
                    self._problem(f"the engine's entry {entry.get('number')} could not be delivered: {error!r}")
            position = page["next"]

    async def _get(self, path: str) -> Document:
        """One GET over a connection of its own. Raises `OSError`, `ValueError`, `TimeoutError`."""
        async with asyncio.timeout(_ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
            finally:
                writer.close()
        if b" 200 " not in head[:16]:
            raise ValueError(head.split(b"\r\n", 1)[0].decode("latin-1"))
        document: Document = json.loads(body)
        return document

    # -- who gets what

    def _deliveries(self, entry: Document) -> Iterator[tuple[Target, bytes]]:
        assert self._plan is not None
        if entry["kind"] == "object":
            for notification in self._plan.notifications:
                if wants_object(notification, entry):
                    yield notification.target, json.dumps(object_event(entry, notification)).encode()
        elif entry["kind"] == "event":
            for rule, pattern in self._rules:
                if rule.bus == entry["bus"] and matches(pattern, entry["event"]):
                    yield rule.target, rule_input(rule, entry["event"])
        elif entry["kind"] == "topic":
            name = entry["endpoint"].split(":")[6]
            for function in self._plan.functions.values():
                if function.name == name:
                    yield Target("function", function.logical_id), json.dumps(topic_event(entry)).encode()

    async def _send(self, queue: str, body: str, attributes: Mapping[str, str]) -> None:
        url = (await self._call("sqs", "GetQueueUrl", {"QueueName": queue}))["QueueUrl"]
        named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        more = {"MessageAttributes": named} if named else {}
        await self._call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": body, **more})

    def _publish(self, topic: str, message: str, subject: str) -> None:
        from lanner.local.engine.client import AwsClient
        from lanner.local.engine.client import AwsError as EngineError

        client = AwsClient(f"http://{self._host}:{self._port}", self._region)
        try:
            about = {"Subject": subject} if subject else {}
            client.query("sns", "Publish", {"TopicArn": topic, "Message": message, **about})
        except EngineError as error:
            raise OSError(str(error)) from None
        finally:
            client.close()
