"""A plan's resources in the engine, looked at with boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lanner.local.engine import Engine
from lanner.local.engine.create import attribute
from lanner.local.engine.types import CREATED, NOT_NEEDED
from lanner.local.plan import CloudPlan

Client = Callable[..., Any]
MakePlan = Callable[[str], CloudPlan]

TABLES = """
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: by, AttributeType: "N"}
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      GlobalSecondaryIndexes:
        - IndexName: by_number
          KeySchema: [{AttributeName: by, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true}
      Tags: [{Key: a, Value: b}]
  Old:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      ProvisionedThroughput: {ReadCapacityUnits: "5", WriteCapacityUnits: 5}
  Simple: {Type: AWS::Serverless::SimpleTable}
  Numbered:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: number, Type: Number}}
"""


def test_tables_have_keys_indexes_streams_and_ttl(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """Every form of table that a template may write."""
    plan = make_plan(TABLES)
    assert engine.create(plan) == []
    dynamodb = client("dynamodb")
    name = plan.physical_ids["Things"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_number"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "expires"
    numbered = dynamodb.describe_table(TableName=plan.physical_ids["Numbered"])["Table"]
    assert numbered["AttributeDefinitions"] == [{"AttributeName": "number", "AttributeType": "N"}]
    simple = dynamodb.describe_table(TableName=plan.physical_ids["Simple"])["Table"]
    assert simple["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    old = dynamodb.describe_table(TableName=plan.physical_ids["Old"])["Table"]
    assert old["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_creating_again_keeps_items_and_adds_a_new_index(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """What a reload of a changed template does."""
    plan = make_plan(TABLES)
    engine.create(plan)
    dynamodb = client("dynamodb")
    name = plan.physical_ids["Things"]
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "1"}, "sk": {"S": "2"}})
    more = TABLES.replace(
        "      StreamSpecification",
        "        - {IndexName: by_sk, KeySchema: [{AttributeName: sk, KeyType: HASH}], "
        "Projection: {ProjectionType: KEYS_ONLY}}\n      StreamSpecification",
    )
    assert engine.create(make_plan(more)) == []
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"by_number", "by_sk"}
    assert dynamodb.scan(TableName=name)["Count"] == 1


def test_a_table_with_another_key_is_replaced_and_says_so(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """CloudFormation replaces it, too."""
    plan = make_plan(TABLES)
    engine.create(plan)
    key = "SimpleTable, Properties: {PrimaryKey: {Name: key, Type: String}}}"
    changed = make_plan(TABLES.replace("SimpleTable}", key))
    (finding,) = engine.create(changed)
    assert (finding.level, finding.resource) == ("ignored", "Simple")
    assert "its items are gone" in finding.message
    table = client("dynamodb").describe_table(TableName=plan.physical_ids["Simple"])["Table"]
    assert table["KeySchema"][0]["AttributeName"] == "key"


QUEUES = """
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      FifoQueue: true
      ContentBasedDeduplication: true
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Dead: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {Subscription: [{Protocol: sqs, Endpoint: !GetAtt Listener.Arn}]}
  Listener: {Type: AWS::SQS::Queue, Properties: {FifoQueue: false}}
  Filtered: {Type: AWS::SQS::Queue}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Topic
      Protocol: sqs
      Endpoint: !GetAtt Filtered.Arn
      RawMessageDelivery: true
      FilterPolicy: {kind: [wanted]}
  Called:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: lambda, Endpoint: "arn:aws:lambda:eu-west-1:123456789012:function:x"}
"""


def test_queues_topics_and_subscriptions_work_together(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """FIFO names, redrive, a message through a topic with and without a filter; functions are the plan's."""
    plan = make_plan(QUEUES)
    findings = engine.create(plan)
    assert findings == []
    assert [(each.resource, each.level) for each in plan.findings] == [("Called", "unsupported")]
    assert engine.create(plan) == findings
    sqs, sns = client("sqs"), client("sns")
    work = plan.physical_ids["Work"]
    assert work.endswith("-Work.fifo")
    attributes = sqs.get_queue_attributes(QueueUrl=work, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert "Dead.fifo" in attributes["RedrivePolicy"]
    sns.publish(TopicArn=plan.physical_ids["Topic"], Message="hello")
    kind = {"kind": {"DataType": "String", "StringValue": "wanted"}}
    sns.publish(TopicArn=plan.physical_ids["Topic"], Message="wanted", MessageAttributes=kind)
    heard = sqs.receive_message(QueueUrl=plan.physical_ids["Listener"], MaxNumberOfMessages=10)["Messages"]
    assert len(heard) == 2
    filtered = sqs.receive_message(QueueUrl=plan.physical_ids["Filtered"], MaxNumberOfMessages=10)["Messages"]
    assert [each["Body"] for each in filtered] == ["wanted"]


def test_a_queue_whose_attributes_changed_is_brought_up_to_date(
    engine: Engine, client: Client, make_plan: MakePlan
) -> None:
    """Its messages stay."""
    plan = make_plan(QUEUES)
    engine.create(plan)
    url = plan.physical_ids["Listener"]
    client("sqs").send_message(QueueUrl=url, MessageBody="kept")
    changed = make_plan(QUEUES.replace("{FifoQueue: false}", "{VisibilityTimeout: 99}"))
    assert engine.create(changed) == []
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["ApproximateNumberOfMessages"]) == ("99", "1")


def test_parameters_secrets_keys_and_buses_are_there_under_the_plans_names(
    engine: Engine, client: Client, make_plan: MakePlan
) -> None:
    """What a function is told is what it finds: also the generated secret and the key's id."""
    plan = make_plan("""
Resources:
  Setting: {Type: AWS::SSM::Parameter, Properties: {Name: /app/setting, Type: String, Value: "42"}}
  Password:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{"user": "me"}', GenerateStringKey: password, PasswordLength: 12}
  Key: {Type: AWS::KMS::Key, Properties: {Description: mine}}
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/mine, TargetKeyId: !Ref Key}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: mine}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
Outputs:
  Password: {Value: !Sub "{{resolve:secretsmanager:${Password}:SecretString:password}}"}
""")
    assert engine.create(plan) == []
    assert engine.create(plan) == []
    assert client("ssm").get_parameter(Name="/app/setting")["Parameter"]["Value"] == "42"
    secret = client("secretsmanager").get_secret_value(SecretId=plan.physical_ids["Password"])["SecretString"]
    assert json.loads(secret) == {"user": "me", "password": plan.outputs["Password"]}
    assert len(plan.outputs["Password"]) == 12
    kms = client("kms")
    sealed = kms.encrypt(KeyId=plan.physical_ids["Key"], Plaintext=b"text")
    assert sealed["KeyId"].endswith(plan.physical_ids["Key"])
    assert kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"] == b"text"
    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"] == plan.physical_ids["Key"]
    assert "mine" in [bus["Name"] for bus in client("events").list_event_buses()["EventBuses"]]
    versioning = client("s3").get_bucket_versioning(Bucket=plan.physical_ids["Bucket"])
    assert versioning["Status"] == "Enabled"


def test_sent_mail_can_be_read(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """Through both versions of SES, from an identity of the template."""
    plan = make_plan("""
Resources:
  Sender: {Type: AWS::SES::EmailIdentity, Properties: {EmailIdentity: shop@example.com}}
  Domain: {Type: AWS::SES::EmailIdentity, Properties: {EmailIdentity: example.org}}
""")
    assert engine.create(plan) == []
    client("ses").send_email(
        Source="shop@example.com",
        Destination={"ToAddresses": ["a@example.net"], "CcAddresses": ["b@example.net"]},
        Message={"Subject": {"Data": "One"}, "Body": {"Text": {"Data": "first"}}},
    )
    client("sesv2").send_email(
        FromEmailAddress="noreply@example.org",
        Destination={"ToAddresses": ["c@example.net"]},
        Content={"Simple": {"Subject": {"Data": "Two"}, "Body": {"Html": {"Data": "<b>second</b>"}}}},
    )
    first, second = engine.mail()[-2:]
    assert (first.source, first.subject, first.body) == ("shop@example.com", "One", "first")
    assert first.destinations == ("a@example.net", "b@example.net")
    assert (second.subject, second.body) == ("Two", "<b>second</b>")


def test_a_sender_that_nobody_verified_is_let_through_in_every_way_to_send(engine: Engine, client: Client) -> None:
    """In AWS it was verified once, outside of the template; raw messages are shown by their subject and text."""
    before = len(engine.mail())
    text = {"Subject": {"Data": "One"}, "Body": {"Text": {"Data": "first"}}}
    to = {"ToAddresses": ["a@example.net"]}
    client("ses").send_email(Source="Some One <one@unknown.example>", Destination=to, Message=text)
    raw = "From: two@unknown.example\r\nTo: b@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nsecond\r\n"
    client("ses").send_raw_email(RawMessage={"Data": raw.encode()})
    client("sesv2").send_email(FromEmailAddress="three@unknown.example", Destination=to, Content={"Simple": text})
    sent = engine.mail()[before:]
    assert [each.subject for each in sent] == ["One", "Grüße", "One"]
    assert [each.body.strip() for each in sent] == ["first", "second", "first"]
    assert [each.destinations for each in sent] == [("a@example.net",), ("b@example.net",), ("a@example.net",)]


def test_a_message_is_kept_whole_with_both_bodies_headers_and_tags(engine: Engine, client: Client) -> None:
    """Simple and raw; the id is the one that the sender was given."""
    body = {"Text": {"Data": "plain"}, "Html": {"Data": "<p>rich</p>"}}
    sent = client("sesv2").send_email(
        FromEmailAddress="me@example.com",
        Destination={"ToAddresses": ["a@example.net"]},
        Content={
            "Simple": {
                "Subject": {"Data": "Whole"},
                "Body": body,
                "Headers": [{"Name": "X-Job", "Value": "7"}],
            }
        },
        EmailTags=[{"Name": "kind", "Value": "welcome"}],
    )
    raw = (
        "From: me@example.com\r\nTo: A <a@example.net>\r\nSubject: Raw\r\nX-Job: 8\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n"
    )
    client("ses").send_raw_email(RawMessage={"Data": raw.encode()})
    simple, mime = engine.mail()[-2:]
    assert simple.id == sent["MessageId"]
    assert (simple.text, simple.html, simple.body) == ("plain", "<p>rich</p>", "plain")
    assert simple.headers == (("X-Job", "7"),)
    assert simple.tags == (("kind", "welcome"),)
    assert (mime.text.strip(), mime.html.strip(), mime.destinations) == ("plain", "<p>rich</p>", ("a@example.net",))
    assert ("X-Job", "8") in mime.headers


def test_what_cannot_be_created_is_a_finding_by_name_and_line(engine: Engine, make_plan: MakePlan) -> None:
    """Other types, custom resources, and properties that moto refuses; what is not needed is silent."""
    plan = make_plan("""
Resources:
  Search: {Type: AWS::OpenSearchService::Domain}
  Own: {Type: "Custom::Thing", Properties: {ServiceToken: x}}
  Role: {Type: AWS::IAM::Role}
  Broken: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [{AttributeName: pk, KeyType: HASH}]}}
  Refused: {Type: AWS::SQS::Queue, Properties: {QueueName: "not a name!"}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {LambdaConfigurations: []}}}
""")
    found = [(each.where.line, each.resource, each.level, each.message) for each in engine.create(plan)]
    assert [each[:3] for each in found] == [
        (3, "Search", "unsupported"),
        (4, "Own", "unsupported"),
        (6, "Broken", "error"),
        (7, "Refused", "error"),
    ]
    assert "AttributeDefinitions" in found[2][3]


def test_the_environment_is_all_that_an_sdk_needs(
    engine: Engine, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 without an argument finds the engine, region and credentials."""
    import boto3

    plan = make_plan("Resources: {Queue: {Type: AWS::SQS::Queue}}")
    engine.create(plan)
    for name, value in engine.environment(plan).items():
        monkeypatch.setenv(name, value)
    names = boto3.session.Session().client("sqs").list_queues()["QueueUrls"]
    assert plan.physical_ids["Queue"] in names


def test_an_attached_engine_is_used_and_left_alive(engine: Engine, client: Client, make_plan: MakePlan) -> None:
    """`--engine-url`: it belongs to someone else."""
    other = Engine.attach(engine.url + "/")
    assert other.url == engine.url
    plan = make_plan("Resources: {Queue: {Type: AWS::SQS::Queue}}")
    assert other.create(plan) == []
    assert other.mail() == []
    other.stop()
    assert client("sqs").get_queue_attributes(QueueUrl=plan.physical_ids["Queue"])["ResponseMetadata"]


def test_a_type_is_created_or_not_needed() -> None:
    """No type is in two lists."""
    assert set(CREATED) & NOT_NEEDED == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (5, "5"), ("x", "x"), (None, ""), ({"a": [1]}, '{"a": [1]}')],
)
def test_attributes_are_texts(value: object, text: str) -> None:
    """As SQS and SNS take them."""
    assert attribute(value) == text
