"""`--persist DIR`: what is there after a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanner.local.engine import Engine, EngineError
from lanner.local.template import load_plan
from tests.local.engine.conftest import client_of

TEMPLATE = """
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: by, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - {IndexName: by_x, KeySchema: [{AttributeName: by, KeyType: HASH}], Projection: {ProjectionType: ALL}}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Dead: {Type: AWS::SQS::Queue}
  Ordered: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  Files: {Type: AWS::S3::Bucket}
"""

ITEM = {
    "pk": {"S": "ü"},
    "by": {"S": "x"},
    "number": {"N": "1.50"},
    "bytes": {"B": b"\x00\xff"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"M": {"deep": {"N": "1"}}}]},
    "set": {"SS": ["p", "q"]},
}


def fill(engine: Engine, ids: Any) -> None:
    """Something of every kind."""
    dynamodb, sqs, s3 = (client_of(engine, service) for service in ("dynamodb", "sqs", "s3"))
    dynamodb.put_item(TableName=ids["Things"], Item=ITEM)
    for number in range(30):
        dynamodb.put_item(TableName=ids["Things"], Item={"pk": {"S": str(number)}})
    attributes = {"kind": {"DataType": "String", "StringValue": "k"}}
    sqs.send_message(QueueUrl=ids["Jobs"], MessageBody="body ü", MessageAttributes=attributes)
    for number in range(12):
        sqs.send_message(
            QueueUrl=ids["Ordered"], MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number)
        )
    s3.put_object(Bucket=ids["Files"], Key="a b/ü.txt", Body=b"text", ContentType="text/x", Metadata={"who": "me"})
    s3.put_object(Bucket=ids["Files"], Key="empty", Body=b"")


def test_items_messages_and_objects_survive_a_restart(tmp_path: Path) -> None:
    """And creating the template's resources again finds them there."""
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    engine = Engine.start(persist=tmp_path / "state")
    try:
        plan = load_plan(template, engine_url=engine.url)
        assert engine.create(plan) == []
        fill(engine, plan.physical_ids)
    finally:
        engine.stop()

    engine = Engine.start(persist=tmp_path / "state")
    try:
        plan = load_plan(template, engine_url=engine.url)
        assert engine.create(plan) == []
        ids = plan.physical_ids
        dynamodb, sqs, s3 = (client_of(engine, service) for service in ("dynamodb", "sqs", "s3"))
        assert dynamodb.get_item(TableName=ids["Things"], Key={"pk": {"S": "ü"}})["Item"] == ITEM
        assert dynamodb.scan(TableName=ids["Things"])["Count"] == 31
        query = {"KeyConditionExpression": "#b = :x", "ExpressionAttributeNames": {"#b": "by"}}
        found = dynamodb.query(
            TableName=ids["Things"], IndexName="by_x", ExpressionAttributeValues={":x": {"S": "x"}}, **query
        )
        assert found["Count"] == 1
        ttl = dynamodb.describe_time_to_live(TableName=ids["Things"])["TimeToLiveDescription"]
        assert ttl["AttributeName"] == "expires"
        (message,) = sqs.receive_message(QueueUrl=ids["Jobs"], MessageAttributeNames=["All"])["Messages"]
        assert (message["Body"], message["MessageAttributes"]["kind"]["StringValue"]) == ("body ü", "k")
        ordered = sqs.receive_message(QueueUrl=ids["Ordered"], MaxNumberOfMessages=10)["Messages"]
        assert [each["Body"] for each in ordered] == [str(number) for number in range(10)]
        redrive = sqs.get_queue_attributes(QueueUrl=ids["Jobs"], AttributeNames=["RedrivePolicy"])["Attributes"]
        assert "Dead" in redrive["RedrivePolicy"]
        file = s3.get_object(Bucket=ids["Files"], Key="a b/ü.txt")
        assert (file["Body"].read(), file["ContentType"], file["Metadata"]) == (b"text", "text/x", {"who": "me"})
        assert s3.get_object(Bucket=ids["Files"], Key="empty")["Body"].read() == b""
    finally:
        engine.stop()


def test_messages_in_flight_when_the_engine_ends_are_not_lost(tmp_path: Path) -> None:
    """A worker had them when the developer pressed Ctrl-C."""
    engine = Engine.start(persist=tmp_path)
    try:
        sqs = client_of(engine, "sqs")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        for body in ("done", "in flight", "delayed"):
            sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=900 if body == "delayed" else 0)
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
            if message["Body"] == "done":
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    finally:
        engine.stop()
    saved = json.loads((tmp_path / "state.json").read_text())
    (queue,) = saved["regions"]["eu-west-1"]["sqs"]
    assert [each["MessageBody"] for each in queue["messages"]] == ["in flight"]


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not when there is something to lose."""
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"nothing can be kept in .*file"):
        Engine.start(persist=tmp_path / "file")


def test_a_folder_has_one_engine_at_a_time(tmp_path: Path) -> None:
    """The last one to end would undo what the other saved; once it has ended the folder is free."""
    engine = Engine.start(persist=tmp_path)
    try:
        with pytest.raises(EngineError, match="another engine keeps its state in"):
            Engine.start(persist=tmp_path)
    finally:
        engine.stop()
    Engine.start(persist=tmp_path).stop()


def test_a_state_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    """It is not overwritten by an engine that cannot read it."""
    (tmp_path / "state.json").write_text('{"version": 99}')
    with pytest.raises(EngineError, match="has version 99"):
        Engine.start((), persist=tmp_path)
    assert (tmp_path / "state.json").read_text() == '{"version": 99}'
