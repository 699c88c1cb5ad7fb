"""A plan's resources, created in the engine in dependency order; creating them again changes nothing.

A resource that is there already is brought up to date where its API allows it (queue attributes, indexes, secrets); a
table with another key schema is replaced, as CloudFormation would. A resource that cannot be created is a finding with
its line and does not stop the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from xml.sax.saxutils import escape

from lanner.local.engine.client import AwsClient, AwsError, bucket_body
from lanner.local.engine.tables import put_table
from lanner.local.engine.types import CREATED, NOT_NEEDED
from lanner.local.plan import CloudPlan, Finding, ResourcePlan
from lanner.local.triggers import TopicSubscription

Properties = Mapping[str, Any]  # Any: CloudFormation properties are free-form JSON
Level = Literal["error", "unsupported", "ignored"]

_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
    "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy", "RedrivePolicy", "VisibilityTimeout",
)  # fmt: skip
_NOT_CHANGEABLE = ("FifoQueue",)


def create_resources(plan: CloudPlan, url: str) -> list[Finding]:
    """Create what the plan asks for at the engine `url`; what was not created is in the findings."""
    client = AwsClient(url, plan.region)
    creation = _Creation(client, plan)
    try:
        for resource in plan.resources.values():
            creation.create(resource)
        for subscription in plan.subscriptions:
            creation.call_function(subscription)
    finally:
        client.close()
    return creation.findings


class _Creation:
    """One pass over a plan."""

    def __init__(self, client: AwsClient, plan: CloudPlan) -> None:
        self.findings: list[Finding] = []
        self._client = client
        self._plan = plan
        self._makers: dict[str, Callable[[ResourcePlan], None]] = {
            "AWS::DynamoDB::GlobalTable": self._table,
            "AWS::DynamoDB::Table": self._table,
            "AWS::Events::EventBus": self._event_bus,
            "AWS::KMS::Alias": self._key_alias,
            "AWS::KMS::Key": self._key,
            "AWS::S3::Bucket": self._bucket,
            "AWS::SES::EmailIdentity": self._email_identity,
            "AWS::SNS::Subscription": self._subscription,
            "AWS::SNS::Topic": self._topic,
            "AWS::SQS::Queue": self._queue,
            "AWS::SSM::Parameter": self._parameter,
            "AWS::SecretsManager::Secret": self._secret,
            "AWS::Serverless::SimpleTable": self._table,
        }
        assert self._makers.keys() == CREATED.keys()

    def create(self, resource: ResourcePlan) -> None:
        maker = self._makers.get(resource.type)
        if maker is not None:
            try:
                maker(resource)
            except AwsError as error:
                self._find("error", resource, f"{resource.type} could not be created: {error}")
            except (KeyError, TypeError, ValueError) as error:
                what = f"{type(error).__name__}: {error}"
                self._find("error", resource, f"{resource.type} has properties that cannot be used: {what}")
        elif resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource":
            self._find("unsupported", resource, f"custom resource {resource.type} is not run locally")
        elif resource.type not in NOT_NEEDED:
            self._find("unsupported", resource, f"{resource.type} is not created locally")

    def _name(self, resource: ResourcePlan) -> str:
        """What `Ref` gives: a name, an ARN or a URL."""
        return self._plan.physical_ids.get(resource.logical_id, resource.logical_id)

    def _find(self, level: Level, resource: ResourcePlan, message: str) -> None:
        self.findings.append(Finding(level, resource.logical_id, message, resource.where))

    def _table(self, resource: ResourcePlan) -> None:
        name, properties = self._name(resource), resource.properties
        if put_table(self._client, name, resource.type, properties) == "replaced":
            message = f"the table {name} had another key schema and was replaced: its items are gone"
            self._find("ignored", resource, message)

    def _queue(self, resource: ResourcePlan) -> None:
        name, properties = self._name(resource), resource.properties
        name = name.rpartition("/")[2]  # Ref gives the URL
        attributes = {key: attribute(properties[key]) for key in _QUEUE_ATTRIBUTES if properties.get(key) is not None}
        if attributes.get("FifoQueue") == "false":  # SQS takes only true
            del attributes["FifoQueue"]
        try:
            self._client.json("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        except AwsError as error:
            if error.code not in ("QueueAlreadyExists", "QueueNameExists"):
                raise
            url = self._client.json("sqs", "GetQueueUrl", {"QueueName": name})["QueueUrl"]
            changed = {key: value for key, value in attributes.items() if key not in _NOT_CHANGEABLE}
            self._client.json("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": changed})

    def _bucket(self, resource: ResourcePlan) -> None:
        name, properties = self._name(resource), resource.properties
        try:
            self._client.s3("PUT", f"/{name}", bucket_body(self._plan.region))
        except AwsError as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        versioning = properties.get("VersioningConfiguration", {}).get("Status")
        if versioning:
            xml = f"<VersioningConfiguration><Status>{versioning}</Status></VersioningConfiguration>"
            self._client.s3("PUT", f"/{name}?versioning", xml.encode())
        if rules := properties.get("CorsConfiguration", {}).get("CorsRules"):
            self._client.s3("PUT", f"/{name}?cors", cors_body(rules))

    def _topic(self, resource: ResourcePlan) -> None:
        arn, properties = self._name(resource), resource.properties
        parameters = {"Name": arn.rpartition(":")[2]}
        fifo = [key for key in ("FifoTopic", "ContentBasedDeduplication") if attribute(properties.get(key)) == "true"]
        for number, key in enumerate(fifo, 1):
            parameters[f"Attributes.entry.{number}.key"] = key
            parameters[f"Attributes.entry.{number}.value"] = "true"
        self._client.query("sns", "CreateTopic", parameters)
        for subscription in properties.get("Subscription", ()):
            self._subscribe(arn, subscription)

    def _subscription(self, resource: ResourcePlan) -> None:
        self._subscribe(resource.properties["TopicArn"], resource.properties)

    def _subscribe(self, topic: str, properties: Properties) -> None:
        protocol = properties["Protocol"]
        if protocol == "lambda":
            return  # one of the plan's subscriptions
        parameters = {"TopicArn": topic, "Protocol": protocol, "Endpoint": str(properties.get("Endpoint", ""))}
        names = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery")
        settings = {key: attribute(properties[key]) for key in names if properties.get(key) is not None}
        self._client.query("sns", "Subscribe", {**parameters, **_entries(settings)})

    def call_function(self, subscription: TopicSubscription) -> None:
        """Subscribe a function to its topic: the engine notes messages for it, and the local cloud invokes it."""
        function = self._plan.functions.get(subscription.function)
        if function is None:
            return
        arn = f"arn:aws:lambda:{self._plan.region}:{self._plan.account}:function:{function.name}"
        settings = {"FilterPolicy": subscription.filter_policy, "FilterPolicyScope": subscription.filter_scope}
        parameters = {"TopicArn": subscription.topic, "Protocol": "lambda", "Endpoint": arn}
        try:
            given = {key: value for key, value in settings.items() if value}
            self._client.query("sns", "Subscribe", {**parameters, **_entries(given)})
        except AwsError as error:
            message = f"its subscription to {subscription.topic} could not be made: {error}"
            self.findings.append(Finding("error", function.logical_id, message, function.where))

    def _parameter(self, resource: ResourcePlan) -> None:
        name, properties = self._name(resource), resource.properties
        document = {"Name": name, "Type": properties.get("Type", "String"), "Value": attribute(properties.get("Value"))}
        self._client.json("ssm", "PutParameter", {**document, "Overwrite": True})

    def _secret(self, resource: ResourcePlan) -> None:
        arn, properties = self._name(resource), resource.properties
        name = properties.get("Name") or arn.rpartition(":")[2]
        document = {"Name": name, "SecretString": attribute(properties.get("SecretString", ""))}
        try:
            self._client.json("secretsmanager", "CreateSecret", document)
        except AwsError as error:
            if error.code != "ResourceExistsException":
                raise
            document["SecretId"] = document.pop("Name")
            self._client.json("secretsmanager", "PutSecretValue", document)

    def _key(self, resource: ResourcePlan) -> None:
        key_id, properties = self._name(resource), resource.properties
        try:
            self._client.json("kms", "DescribeKey", {"KeyId": key_id})
        except AwsError:
            names = ("Description", "KeyUsage", "KeySpec", "MultiRegion")
            document = {name: properties[name] for name in names if name in properties}
            made = self._client.json("kms", "CreateKey", document)["KeyMetadata"]["KeyId"]
            self._client.own("POST", "/_lanner/key-id", {"ours": key_id, "theirs": made})

    def _key_alias(self, resource: ResourcePlan) -> None:
        name, properties = self._name(resource), resource.properties
        try:
            document = {"AliasName": name, "TargetKeyId": str(properties["TargetKeyId"]).rpartition("/")[2]}
            self._client.json("kms", "CreateAlias", document)
        except AwsError as error:
            if error.code != "AlreadyExistsException":
                raise

    def _email_identity(self, resource: ResourcePlan) -> None:
        identity = str(resource.properties["EmailIdentity"])
        if "@" in identity:
            self._client.query("ses", "VerifyEmailIdentity", {"EmailAddress": identity})
        else:
            self._client.query("ses", "VerifyDomainIdentity", {"Domain": identity})

    def _event_bus(self, resource: ResourcePlan) -> None:
        try:
            self._client.json("events", "CreateEventBus", {"Name": self._name(resource)})
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise


def _entries(settings: Mapping[str, str]) -> dict[str, str]:
    """Attributes as the query protocol spells a map."""
    spelled = {}
    for number, (key, value) in enumerate(settings.items(), 1):
        spelled[f"Attributes.entry.{number}.key"] = key
        spelled[f"Attributes.entry.{number}.value"] = value
    return spelled


def cors_body(rules: Sequence[Properties]) -> bytes:
    """The body of S3's PutBucketCors, for browsers that upload with a presigned URL."""
    names = {
        "AllowedHeaders": "AllowedHeader",
        "AllowedMethods": "AllowedMethod",
        "AllowedOrigins": "AllowedOrigin",
        "ExposedHeaders": "ExposeHeader",
    }
    xml = ""
    for rule in rules:
        parts = [(tag, value) for key, tag in names.items() for value in rule.get(key, ())]
        parts += [("MaxAgeSeconds", rule["MaxAge"])] if "MaxAge" in rule else []
        xml += f"<CORSRule>{''.join(f'<{tag}>{escape(str(value))}</{tag}>' for tag, value in parts)}</CORSRule>"
    return f"<CORSConfiguration>{xml}</CORSConfiguration>".encode()


def attribute(value: object) -> str:
    """A property as the text that SQS, SNS and SSM take: JSON for mappings, `true` and `false` for flags."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return "" if value is None else str(value)
