"""Effects that can be counted: an item for each, whose counter every performance raises by one."""

from __future__ import annotations

from typing import Any

from lanner.aws import wire

TABLE = "effects-test"
DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


def effect(name: str) -> dict[str, Any]:
    """An entry of a transaction that counts one performance of `name`."""
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"pk": {"S": name}},
            "UpdateExpression": "ADD performed :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def performed() -> dict[str, int]:
    """How often each effect was performed."""
    found: dict[str, int] = {}
    start: dict[str, Any] = {}
    while True:
        answer = wire.dynamodb().call("Scan", {"TableName": TABLE, "ConsistentRead": True, **start}, budget_ms=30_000)
        found.update({item["pk"]["S"]: int(item["performed"]["N"]) for item in answer["Items"]})
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
