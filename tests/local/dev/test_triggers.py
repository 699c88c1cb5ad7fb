"""Uploads, changes of tables, events and topics' messages call functions of a template, over real sockets."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.local.dev.conftest import Project

REGION = "eu-west-1"
WITHIN = 20.0  # seconds

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Timeout: 5, MemorySize: 256, CodeUri: src/, Handler: app.tell}}
Resources:
  Seen: {Type: AWS::SQS::Queue, Properties: {QueueName: seen}}
  Direct: {Type: AWS::SQS::Queue, Properties: {QueueName: direct}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
  Files:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: files
      VersioningConfiguration: {Status: Enabled}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [PUT], AllowedOrigins: ["*"], AllowedHeaders: ["*"]}]}
      NotificationConfiguration:
        QueueConfigurations:
          - {Event: "s3:ObjectRemoved:*", Queue: !GetAtt Direct.Arn}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: things
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  Links:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.links
      Environment: {Variables: {BUCKET: !Ref Files}}
      Events: {Get: {Type: HttpApi, Properties: {Path: /links, Method: get}}}
  Uploaded:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Csv:
          Type: S3
          Properties:
            Bucket: !Ref Files
            Events: "s3:ObjectCreated:*"
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}, {Name: suffix, Value: .csv}]}}
  Changed:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Change:
          Type: DynamoDB
          Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON, BatchSize: 10}
  Ruled:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Order:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [shop], detail: {total: [{numeric: [">", 10]}]}}
            InputPath: $.detail
  Told:
    Type: AWS::Serverless::Function
    Properties:
      Events: {News: {Type: SNS, Properties: {Topic: !Ref Topic, FilterPolicy: {kind: [big]}}}}
"""

APP = """
import json, os
import boto3

def tell(event, context):
    sqs = boto3.client("sqs")
    body = json.dumps({"function": context.function_name, "event": event})
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="seen")["QueueUrl"], MessageBody=body)

def links(event, context):
    s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
    body = {
        "endpoint": os.environ["AWS_ENDPOINT_URL"],
        "put": s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "in/a b+c.csv"}),
        "post": s3.generate_presigned_post(bucket, "in/form.csv"),
    }
    return {"statusCode": 200, "body": json.dumps(body)}
"""

MakeClient = Callable[[str], Any]


class Cloud:
    """A running project, and what its functions have told so far."""

    def __init__(self, url: str, links: dict[str, Any]) -> None:
        self.url = url
        self.links = links
        session: Any = boto3.session.Session("lanner", "lanner", region_name=REGION)
        self.client: MakeClient = lambda service: session.client(service, endpoint_url=links["endpoint"])
        self._sqs = self.client("sqs")

    def take(self, queue: str = "seen", count: int = 1) -> list[dict[str, Any]]:
        """The next documents that a queue gets; they are deleted from it."""
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + WITHIN
        while len(found) < count and time.monotonic() < deadline:
            for message in self._sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", []):
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        assert len(found) == count, found
        return found

    def nothing_more(self, queue: str = "seen") -> bool:
        """Whether nothing comes within a moment."""
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return not self._sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder: Path = tmp_path_factory.mktemp("triggers") / "project"
    folder.mkdir()
    project = Project(folder)
    project.write("template.yaml", TEMPLATE)
    project.write("src/app.py", APP)
    running = project.start()
    assert "unsupported" not in running.text
    yield Cloud(running.url, httpx.get(f"{running.url}/links", timeout=20).json())
    project.close()


def curl(*arguments: str) -> str:
    """The status of a request by curl."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def test_an_upload_by_a_presigned_url_calls_the_function_once_with_s3s_event(cloud: Cloud) -> None:
    """By curl from outside: the documented record, its key encoded as in a form, and no second one."""
    assert curl("-X", "PUT", "--data-binary", "a,b\n", cloud.links["put"]) == "200"
    [told] = cloud.take()
    assert told["function"] == "lanner-local-Uploaded"
    [record] = told["event"]["Records"]
    assert (record["eventVersion"], record["eventSource"]) == ("2.1", "aws:s3")
    assert (record["eventName"], record["awsRegion"]) == ("ObjectCreated:Put", REGION)
    assert record["s3"]["bucket"]["name"] == "files"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::files"
    thing = record["s3"]["object"]
    assert (thing["key"], thing["size"]) == ("in/a+b%2Bc.csv", 4)
    head = cloud.client("s3").head_object(Bucket="files", Key="in/a b+c.csv")
    assert (f'"{thing["eTag"]}"', thing["versionId"]) == (head["ETag"], head["VersionId"])
    int(thing["sequencer"], 16)
    assert cloud.nothing_more()


def test_forms_copies_and_parts_are_events_of_their_own_names(cloud: Cloud) -> None:
    """Each upload is one event, with a growing sequencer; what the filter does not want is none."""
    s3 = cloud.client("s3")
    fields = [argument for key, value in cloud.links["post"]["fields"].items() for argument in ("-F", f"{key}={value}")]
    assert curl(*fields, "-F", f"file=@{__file__}", cloud.links["post"]["url"]) == "204"
    s3.copy_object(Bucket="files", Key="in/copy.csv", CopySource={"Bucket": "files", "Key": "in/form.csv"})
    upload = s3.create_multipart_upload(Bucket="files", Key="in/parts.csv")["UploadId"]
    place = {"Bucket": "files", "Key": "in/parts.csv", "UploadId": upload}
    part = s3.upload_part(**place, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.put_object(Bucket="files", Key="in/other.txt", Body=b"")
    s3.put_object(Bucket="files", Key="elsewhere/x.csv", Body=b"")
    records = [told["event"]["Records"][0] for told in cloud.take(count=3)]
    records.sort(key=lambda record: record["s3"]["object"]["sequencer"])
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:Post", "in/form.csv"),
        ("ObjectCreated:Copy", "in/copy.csv"),
        ("ObjectCreated:CompleteMultipartUpload", "in/parts.csv"),
    ]
    assert cloud.nothing_more()


def test_many_uploads_at_once_are_each_delivered_once(cloud: Cloud) -> None:
    """Forty by eight threads: forty invocations, no key twice."""
    s3 = cloud.client("s3")
    keys = [f"in/{number}.csv" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: s3.put_object(Bucket="files", Key=key, Body=key.encode()), keys))
    told = [each["event"]["Records"] for each in cloud.take(count=len(keys))]
    assert sorted(record["s3"]["object"]["key"] for records in told for record in records) == sorted(keys)
    assert cloud.nothing_more()


def test_a_browser_may_upload_where_the_bucket_says_so(cloud: Cloud) -> None:
    """The bucket's CORS rules are the template's."""
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(cloud.links["put"], headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")


def test_a_bucket_sends_to_a_queue_what_the_raw_configuration_names(cloud: Cloud) -> None:
    """A deletion in a versioned bucket is a delete marker."""
    s3 = cloud.client("s3")
    s3.put_object(Bucket="files", Key="gone", Body=b"x")
    s3.delete_object(Bucket="files", Key="gone")
    [event] = cloud.take("direct")
    assert event["Records"][0]["eventName"] == "ObjectRemoved:DeleteMarkerCreated"


def test_changes_of_a_table_arrive_in_order_with_their_images(cloud: Cloud) -> None:
    """One record per change, none for a write that changes nothing, none for a transaction that failed."""
    table = cloud.client("dynamodb")
    key = {"id": {"S": "one"}}
    table.put_item(TableName="things", Item={**key, "n": {"N": "1"}})
    table.put_item(TableName="things", Item={**key, "n": {"N": "1"}})
    check = {"TableName": "things", "Key": {"id": {"S": "nobody"}}, "ConditionExpression": "attribute_exists(id)"}
    put = {"TableName": "things", "Item": {"id": {"S": "never"}}}
    with pytest.raises(table.exceptions.TransactionCanceledException):
        table.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    values = {":n": {"N": "2"}}
    table.update_item(TableName="things", Key=key, UpdateExpression="SET n = :n", ExpressionAttributeValues=values)
    table.delete_item(TableName="things", Key=key)
    records: list[dict[str, Any]] = []
    while len(records) < 3:
        records += cloud.take()[0]["event"]["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"]["Keys"] for record in records] == [key] * 3
    assert records[1]["dynamodb"]["OldImage"] == {**key, "n": {"N": "1"}}
    assert records[1]["dynamodb"]["NewImage"] == {**key, "n": {"N": "2"}}
    assert "NewImage" not in records[2]["dynamodb"]
    assert records[0]["eventSource"] == "aws:dynamodb"
    assert records[0]["eventSourceARN"].startswith(f"arn:aws:dynamodb:{REGION}:123456789012:table/things/stream/")
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(numbers)


def test_an_event_that_a_rule_wants_calls_the_function_with_the_input_it_names(cloud: Cloud) -> None:
    """Of two events one matches; the target gets the part that InputPath names."""
    entries = [{"Source": "shop", "DetailType": "order", "Detail": json.dumps({"total": n})} for n in (5, 50)]
    cloud.client("events").put_events(Entries=entries)
    [told] = cloud.take()
    assert (told["function"], told["event"]) == ("lanner-local-Ruled", {"total": 50})
    assert cloud.nothing_more()


def test_a_topics_message_calls_the_function_that_subscribes_to_it(cloud: Cloud) -> None:
    """With SNS's own record; the filter policy holds the other message back."""
    sns = cloud.client("sns")
    [topic] = [each["TopicArn"] for each in sns.list_topics()["Topics"]]
    for kind in ("small", "big"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=f"{kind} news", Subject="today", MessageAttributes=attributes)
    [told] = cloud.take()
    [record] = told["event"]["Records"]
    assert (told["function"], record["EventSource"]) == ("lanner-local-Told", "aws:sns")
    assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("big news", "today")
    assert record["Sns"]["TopicArn"] == topic
    assert record["Sns"]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "big"}}
    assert cloud.nothing_more()


def test_the_page_counts_the_messages_of_each_queue(cloud: Cloud) -> None:
    """Visible, in flight and delayed, by the queue's name in the template."""
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="direct")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    sqs.send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=900)
    sqs.receive_message(QueueUrl=url)
    rows = httpx.get(f"{cloud.url}/_local/api/queues", timeout=20).json()["rows"]
    [row] = [row for row in rows if row["logical_id"] == "Direct"]
    assert row == {
        "logical_id": "Direct",
        "name": "direct",
        "visible": 1,
        "in_flight": 1,
        "delayed": 1,
        "dead_letters": "",
    }
    sqs.purge_queue(QueueUrl=url)
