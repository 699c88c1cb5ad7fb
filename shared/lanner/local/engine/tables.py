"""DynamoDB tables from CloudFormation's properties, which differ from the API's in names and in number types.

Source: AWS::DynamoDB::Table, AWS::DynamoDB::GlobalTable, AWS::Serverless::SimpleTable; DynamoDB API, "CreateTable".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lanner.local.engine.client import AwsClient, AwsError

Properties = Mapping[str, Any]  # Any: CloudFormation properties are free-form JSON
_KEY_TYPES = {"String": "S", "Number": "N", "Binary": "B"}


def put_table(
    client: AwsClient, name: str, type_: str, properties: Properties
) -> Literal["created", "kept", "replaced"]:
    """Create the table, or bring it up to date. Raises `AwsError`; `KeyError` for a property that is missing."""
    if type_ == "AWS::Serverless::SimpleTable":
        properties = _simple(properties)
    document = table_document(name, properties)
    outcome: Literal["created", "kept", "replaced"] = "created"
    try:
        client.json("dynamodb", "CreateTable", document)
    except AwsError as error:
        if error.code != "ResourceInUseException":
            raise
        outcome = _update(client, name, document)
    ttl = properties.get("TimeToLiveSpecification")
    if ttl and outcome != "kept":
        _set_ttl(client, name, ttl)
    return outcome


def table_document(name: str, properties: Properties) -> dict[str, Any]:  # Any: AWS JSON
    """The `CreateTable` request for CloudFormation's properties."""
    document: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "KeySchema": properties["KeySchema"],
    }
    provisioned = properties.get("ProvisionedThroughput")
    on_demand = properties.get("BillingMode") == "PAY_PER_REQUEST" or not provisioned
    document["BillingMode"] = "PAY_PER_REQUEST" if on_demand else "PROVISIONED"
    if provisioned and not on_demand:
        document["ProvisionedThroughput"] = _numbers(provisioned)
    indexes = [_index(each, on_demand) for each in properties.get("GlobalSecondaryIndexes") or ()]
    if indexes:
        document["GlobalSecondaryIndexes"] = indexes
    if properties.get("LocalSecondaryIndexes"):
        document["LocalSecondaryIndexes"] = properties["LocalSecondaryIndexes"]
    stream = properties.get("StreamSpecification")
    if stream:
        document["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    return document


def _simple(properties: Properties) -> dict[str, Any]:
    key = properties.get("PrimaryKey") or {}
    name = key.get("Name", "id")
    simple: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": _KEY_TYPES[key.get("Type", "String")]}],
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
    }
    if properties.get("ProvisionedThroughput"):
        simple["ProvisionedThroughput"] = properties["ProvisionedThroughput"]
    return simple


def _numbers(throughput: Properties) -> dict[str, int]:
    return {key: int(throughput.get(key, 1)) for key in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _index(index: Properties, on_demand: bool) -> dict[str, Any]:
    made = {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
    if not on_demand and index.get("ProvisionedThroughput"):
        made["ProvisionedThroughput"] = _numbers(index["ProvisionedThroughput"])
    return made


def _update(client: AwsClient, name: str, document: dict[str, Any]) -> Literal["kept", "replaced"]:
    there = client.json("dynamodb", "DescribeTable", {"TableName": name})["Table"]
    if there["KeySchema"] != document["KeySchema"]:
        client.json("dynamodb", "DeleteTable", {"TableName": name})
        client.json("dynamodb", "CreateTable", document)
        return "replaced"
    existing = {index["IndexName"] for index in there.get("GlobalSecondaryIndexes") or ()}
    for index in document.get("GlobalSecondaryIndexes", ()):
        if index["IndexName"] not in existing:
            change = {
                "TableName": name,
                "AttributeDefinitions": document["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
            }
            client.json("dynamodb", "UpdateTable", change)
    return "kept"


def _set_ttl(client: AwsClient, name: str, ttl: Properties) -> None:
    enabled = str(ttl.get("Enabled", "true")).lower() == "true"
    specification = {"AttributeName": ttl.get("AttributeName", ""), "Enabled": enabled}
    if enabled:
        request = {"TableName": name, "TimeToLiveSpecification": specification}
        client.json("dynamodb", "UpdateTimeToLive", request)
