"""The engine's state across restarts (`--persist DIR`): DynamoDB tables and items, S3 buckets and objects, SQS queues
and their messages, all read and written through the public AWS calls.

Kept: table definitions (keys, indexes, stream, TTL), items, objects with content type and user metadata, queue
attributes, message bodies and attributes. Not kept, because no AWS call gives or takes it: message ids, receive counts
and ages, messages that are delayed when the engine ends, old object versions, stream records, TTL's deletions in
progress; and the contents of all other services.

One file per service and region; each is written beside its place and renamed, so that a crash leaves the last one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree

from lanner.local.engine.client import bucket_body
from lanner.local.engine.http import Answer, Request

if TYPE_CHECKING:
    from lanner.local.engine.application import Application

VERSION = 1
_TABLE_KEYS = ("TableName", "AttributeDefinitions", "KeySchema", "StreamSpecification")
_INDEX_KEYS = ("IndexName", "KeySchema", "Projection")
_QUEUE_COUNTS = ("ApproximateNumberOf", "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
_FIFO = ("MessageGroupId", "MessageDeduplicationId")
_HIDDEN = 43_200  # seconds, SQS's longest visibility timeout: a message is read once while saving
_OBJECT_HEADERS = (
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "x-amz-meta-",
)  # fmt: skip


class Store:
    """Saves and restores what an `Application` holds, in one folder."""

    def __init__(self, folder: Path, application: Application) -> None:
        self._folder = folder
        self._calls = _Calls(application)
        self._file = folder / "state.json"

    def restore(self) -> None:
        """Bring back the last saved state; an empty or missing folder is an empty state. Raises `ValueError`."""
        if not self._file.is_file():
            return
        state = json.loads(self._file.read_text(encoding="utf-8"))
        if state.get("version") != VERSION:
            raise ValueError(f"{self._file} has version {state.get('version')}, this engine reads {VERSION}")
        for region, services in state["regions"].items():
            calls = self._calls.region(region)
            for table in services.get("dynamodb", ()):
                _restore_table(calls, table)
            for queue in services.get("sqs", ()):
                _restore_queue(calls, queue)
        for bucket in state.get("s3", ()):
            _restore_bucket(self._calls.region(bucket["region"]), bucket, self._folder / "objects")

    def save(self) -> None:
        """Write the state of every region that was used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._release()
        regions = {}
        for region in sorted(self._calls.regions_used()):
            calls = self._calls.region(region)
            regions[region] = {"dynamodb": list(_tables(calls)), "sqs": list(_queues(calls))}
        buckets = list(_buckets(self._calls.region("us-east-1"), self._folder / "objects"))
        state = {"version": VERSION, "regions": regions, "s3": buckets}
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(state), encoding="utf-8")
        draft.replace(self._file)

    def _release(self) -> None:
        """Give messages in flight back to their queues, so that reading the queues finds them."""
        for region in self._calls.regions_used():
            calls = self._calls.region(region)
            for receipt, url in self._calls.receipts().items():
                with contextlib.suppress(ValueError):  # deleted, or visible again since: there is nothing to give back
                    document = {"QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    _sqs(calls, "ChangeMessageVisibility", document)


class _Calls:
    """AWS calls made inside the process, for one region."""

    def __init__(self, application: Application, region: str = "us-east-1") -> None:
        self._application = application
        self._region = region

    def region(self, region: str) -> _Calls:
        return _Calls(self._application, region)

    def receipts(self) -> dict[str, str]:
        return self._application.receipts

    def regions_used(self) -> set[str]:
        return self._application.regions

    def json(self, service: str, target: str, document: dict[str, Any]) -> dict[str, Any]:  # Any: AWS JSON
        headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)]
        answer = self._call("POST", "/", service, headers, json.dumps(document).encode())
        if not answer.status.startswith("2"):
            raise ValueError(f"{target}: {answer.status} {answer.body.decode('utf-8', 'replace')}")
        found: dict[str, Any] = json.loads(answer.body or b"{}")
        return found

    def s3(self, method: str, path: str, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Answer:
        return self._call(method, path, "s3", headers or [], body)

    def _call(self, method: str, path: str, service: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        scope = f"test/20260101/{self._region}/{service}/aws4_request"
        signed = ("authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
        host = ("host", self._application.host)
        return self._application.call(Request(method, path, [host, signed, *headers], body))


# -- DynamoDB


def _tables(calls: _Calls) -> Iterator[dict[str, Any]]:
    names = _pages(calls, "ListTables", {}, "TableNames", "LastEvaluatedTableName", "ExclusiveStartTableName")
    for name in names:
        described = _dynamodb(calls, "DescribeTable", {"TableName": name})["Table"]
        definition = {key: described[key] for key in _TABLE_KEYS if described.get(key)}
        definition["BillingMode"] = "PAY_PER_REQUEST"
        for key in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if described.get(key):
                definition[key] = [{part: index[part] for part in _INDEX_KEYS} for index in described[key]]
        ttl = _dynamodb(calls, "DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]
        items = list(_pages(calls, "Scan", {"TableName": name}, "Items", "LastEvaluatedKey", "ExclusiveStartKey"))
        yield {"definition": definition, "ttl": ttl.get("AttributeName"), "items": items}


def _restore_table(calls: _Calls, table: dict[str, Any]) -> None:
    definition = table["definition"]
    _dynamodb(calls, "CreateTable", definition)
    name = definition["TableName"]
    if table.get("ttl"):
        specification = {"AttributeName": table["ttl"], "Enabled": True}
        _dynamodb(calls, "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": specification})
    for item in table["items"]:
        _dynamodb(calls, "PutItem", {"TableName": name, "Item": item})


def _dynamodb(calls: _Calls, operation: str, document: dict[str, Any]) -> dict[str, Any]:
    return calls.json("dynamodb", f"DynamoDB_20120810.{operation}", document)


def _pages(
    calls: _Calls, operation: str, request: dict[str, Any], key: str, after: str, start: str
) -> Iterator[Any]:  # Any: AWS JSON
    while True:
        page = _dynamodb(calls, operation, request)
        yield from page[key]
        if after not in page:
            return
        request = {**request, start: page[after]}


# -- SQS


def _queues(calls: _Calls) -> Iterator[dict[str, Any]]:
    for url in _sqs(calls, "ListQueues", {}).get("QueueUrls", ()):
        question = {"QueueUrl": url, "AttributeNames": ["All"]}
        attributes = _sqs(calls, "GetQueueAttributes", question)["Attributes"]
        kept = {key: value for key, value in attributes.items() if not key.startswith(_QUEUE_COUNTS)}
        yield {"name": url.rpartition("/")[2], "attributes": kept, "messages": list(_messages(calls, url))}


def _messages(calls: _Calls, url: str) -> Iterator[dict[str, Any]]:
    request = {
        "QueueUrl": url,
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": _HIDDEN,
        "WaitTimeSeconds": 0,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }
    while messages := _sqs(calls, "ReceiveMessage", request).get("Messages"):
        for message in messages:
            system = message.get("Attributes", {})
            yield {
                "MessageBody": message["Body"],
                "MessageAttributes": message.get("MessageAttributes", {}),
                **{key: system[key] for key in _FIFO if key in system},
            }


def _restore_queue(calls: _Calls, queue: dict[str, Any]) -> None:
    later = {key: value for key, value in queue["attributes"].items() if key == "RedrivePolicy"}
    now = {key: value for key, value in queue["attributes"].items() if key not in later and value != ""}
    if now.get("FifoQueue") == "false":
        del now["FifoQueue"]
    now.pop("Policy", None)
    url = _sqs(calls, "CreateQueue", {"QueueName": queue["name"], "Attributes": now})["QueueUrl"]
    for message in queue["messages"]:
        _sqs(calls, "SendMessage", {"QueueUrl": url, **message})


def _sqs(calls: _Calls, operation: str, document: dict[str, Any]) -> dict[str, Any]:
    return calls.json("sqs", f"AmazonSQS.{operation}", document)


# -- S3


def _buckets(calls: _Calls, folder: Path) -> Iterator[dict[str, Any]]:
    listed = calls.s3("GET", "/")
    for name in _texts(listed.body, "Name"):
        place = calls.s3("GET", f"/{name}?location")
        region = _text_of_root(place.body) or "us-east-1"
        own = calls.region(region)
        yield {"name": name, "region": region, "objects": list(_objects(own, name, folder))}


def _objects(calls: _Calls, bucket: str, folder: Path) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        more = f"&continuation-token={quote(token, safe='')}" if token else ""
        page = calls.s3("GET", f"/{bucket}?list-type=2&encoding-type=url{more}")
        for key in _texts(page.body, "Key"):
            found = calls.s3("GET", f"/{bucket}/{key}")
            headers = {name.lower(): value for name, value in found.headers}
            kept = {name: value for name, value in headers.items() if name.startswith(_OBJECT_HEADERS)}
            yield {"key": key, "headers": kept, "file": _write(folder, found.body)}
        tokens = list(_texts(page.body, "NextContinuationToken"))
        if not tokens:
            return
        token = tokens[0]


def _write(folder: Path, content: bytes) -> str:
    """Keep an object's bytes in a file that is named by them."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(content).hexdigest()
    if not (folder / name).is_file():
        draft = folder / f"{name}.new"
        draft.write_bytes(content)
        draft.replace(folder / name)
    return name


def _restore_bucket(calls: _Calls, bucket: dict[str, Any], folder: Path) -> None:
    calls.s3("PUT", f"/{bucket['name']}", body=bucket_body(bucket["region"]))
    for each in bucket["objects"]:
        content = (folder / each["file"]).read_bytes()
        calls.s3("PUT", f"/{bucket['name']}/{each['key']}", list(each["headers"].items()), content)


def _texts(xml: bytes, tag: str) -> Iterator[str]:
    for element in ElementTree.fromstring(xml).iter():  # noqa: S314 (moto's own answer)
        if element.tag.rpartition("}")[2] == tag and element.text:
            yield element.text


def _text_of_root(xml: bytes) -> str:
    return ElementTree.fromstring(xml).text or ""  # noqa: S314 (moto's own answer)
