"""The wire against moto's DynamoDB, with boto3 as the witness."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from lanner.aws.dynamodb import from_item, to_item
from lanner.aws.errors import AwsRejected, ConditionFailed, TransactionCanceled
from lanner.aws.wire import AwsJsonClient

ITEM = {
    "pk": "user#1",
    "sk": "profile",
    "name": "Zoë",
    "visits": 7,
    "ratio": Decimal("0.125"),
    "photo": b"\x00\xff",
    "active": True,
    "none": None,
    "tags": {"a", "b"},
    "nested": {"list": [1, "two", {"three": Decimal("3.5")}]},
}


@pytest.fixture
def table(boto: Any) -> Iterator[str]:
    """A table of its own for each test, made by boto3."""
    name = f"wire-{uuid.uuid4().hex}"
    client = boto("dynamodb")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    client.delete_table(TableName=name)


def key(pk: str = "user#1", sk: str = "profile") -> dict[str, object]:
    """A primary key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def read(dynamodb: AwsJsonClient, table: str, **of: str) -> dict[str, Any] | None:
    """One item, decoded."""
    item = dynamodb.call("GetItem", {"TableName": table, "Key": key(**of), "ConsistentRead": True}).get("Item")
    return None if item is None else from_item(item)


def put_new(table: str, item: Mapping[str, object]) -> dict[str, object]:
    """A put that succeeds only where there is no item, and returns the one that is in its way."""
    return {
        "TableName": table,
        "Item": to_item(item),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_an_item_comes_back_as_it_was(dynamodb: AwsJsonClient, table: str) -> None:
    """Every type survives PutItem and GetItem; an absent item has no Item."""
    assert dynamodb.call("PutItem", {"TableName": table, "Item": to_item(ITEM)}) == {}
    assert read(dynamodb, table) == ITEM
    assert read(dynamodb, table, pk="nobody") is None


def test_boto3_reads_what_the_wire_wrote(dynamodb: AwsJsonClient, table: str, boto: Any) -> None:
    """The same item through both clients."""
    dynamodb.call("PutItem", {"TableName": table, "Item": to_item(ITEM)})
    item = boto("dynamodb").get_item(TableName=table, Key=key())["Item"]
    assert item["photo"] == {"B": b"\x00\xff"}
    assert item["visits"] == {"N": "7"}
    assert item["nested"]["M"]["list"]["L"][2] == {"M": {"three": {"N": "3.5"}}}


def test_queries_page_through(dynamodb: AwsJsonClient, table: str) -> None:
    """Query follows LastEvaluatedKey in the order of the sort key."""
    for number in range(5):
        dynamodb.call("PutItem", {"TableName": table, "Item": to_item({"pk": "p", "sk": f"{number}"})})
    seen: list[str] = []
    start: dict[str, object] = {}
    while True:
        page = dynamodb.call(
            "Query",
            {
                "TableName": table,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": "p"}},
                "Limit": 2,
                **start,
            },
        )
        seen += [from_item(item)["sk"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert seen == ["0", "1", "2", "3", "4"]


def test_updates_and_deletes_return_what_was_asked(dynamodb: AwsJsonClient, table: str) -> None:
    """UpdateItem with new values, DeleteItem with old ones."""
    updated = dynamodb.call(
        "UpdateItem",
        {
            "TableName": table,
            "Key": key(),
            "UpdateExpression": "ADD visits :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    )
    assert from_item(updated["Attributes"])["visits"] == 1
    deleted = dynamodb.call("DeleteItem", {"TableName": table, "Key": key(), "ReturnValues": "ALL_OLD"})
    assert from_item(deleted["Attributes"])["visits"] == 1
    assert read(dynamodb, table) is None


def test_a_failed_condition_shows_the_item_in_its_way(dynamodb: AwsJsonClient, table: str) -> None:
    """ConditionFailed carries the old item, so that an owner can know itself."""
    mine = {"pk": "user#1", "sk": "profile", "owner": "first"}
    dynamodb.call("PutItem", put_new(table, mine))
    with pytest.raises(ConditionFailed) as caught:
        dynamodb.call("PutItem", put_new(table, {**mine, "owner": "second"}))
    assert caught.value.item is not None
    assert from_item(caught.value.item) == mine


def test_a_transaction_applies_whole(dynamodb: AwsJsonClient, table: str) -> None:
    """Both puts, under a token that the wire adds."""
    one, two = ({"pk": "t", "sk": sk} for sk in "ab")
    dynamodb.call("TransactWriteItems", {"TransactItems": [{"Put": put_new(table, item)} for item in (one, two)]})
    found = dynamodb.call(
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": table, "Key": key("t", sk)}} for sk in "ab"]},
    )
    assert [from_item(entry["Item"]) for entry in found["Responses"]] == [one, two]


def test_a_cancelled_transaction_applies_nothing(dynamodb: AwsJsonClient, table: str) -> None:
    """One failed condition cancels all; each item has its reason."""
    taken = {"pk": "t", "sk": "taken"}
    dynamodb.call("PutItem", put_new(table, taken))
    puts = [{"Put": put_new(table, {"pk": "t", "sk": "free"})}, {"Put": put_new(table, taken)}]
    with pytest.raises(TransactionCanceled) as caught:
        dynamodb.call("TransactWriteItems", {"TransactItems": puts})
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
    assert from_item(caught.value.reasons[1].item or {}) == taken
    assert read(dynamodb, table, pk="t", sk="free") is None


def test_batches_are_written_and_read(dynamodb: AwsJsonClient, table: str) -> None:
    """BatchWriteItem and BatchGetItem with all items processed."""
    items = [{"pk": "b", "sk": str(number), "payload": "x" * 3000} for number in range(25)]
    puts = [{"PutRequest": {"Item": to_item(item)}} for item in items]
    assert dynamodb.call("BatchWriteItem", {"RequestItems": {table: puts}})["UnprocessedItems"] == {}
    keys = [key("b", str(number)) for number in range(25)]
    found = dynamodb.call("BatchGetItem", {"RequestItems": {table: {"Keys": keys}}})["Responses"][table]
    assert sorted((from_item(item) for item in found), key=lambda item: int(item["sk"])) == items


def test_errors_keep_dynamodbs_names(dynamodb: AwsJsonClient, table: str) -> None:
    """A missing table and an invalid request are told apart by code."""
    with pytest.raises(AwsRejected) as missing:
        dynamodb.call("GetItem", {"TableName": "no-such-table", "Key": key()})
    with pytest.raises(AwsRejected) as invalid:
        dynamodb.call("GetItem", {"TableName": table, "Key": {"pk": {"S": "only the hash key"}}})
    assert (missing.value.code, invalid.value.code) == ("ResourceNotFoundException", "ValidationException")
