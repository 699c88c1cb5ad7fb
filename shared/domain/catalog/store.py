"""Catalog documents in DynamoDB: one item each, its body the JSON that v2 answers, byte for byte.

    pk                       sk          what
    categories, settings     document    body, revision, tag, updated_at, written_by
    translations#<locale>    document    the same
    translations             <locale>    updated_at: the list of locales, written in the same transaction

`revision` counts writes from 1; a write names the revision it was made from. `tag` is that number and some random
digits: the part of the ETag that tells two states apart, also after the table was made anew. A write that failed
on its condition because its own first attempt had succeeded finds its tag there and is a success.

Raises `Stale` (somebody else wrote first), `Contended`, and what `domain.dynamodb` says.
"""

from __future__ import annotations

import os
from typing import Any

from domain.dynamodb import Contended, Item, call
from lanner.aws.errors import ConditionFailed, TransactionCanceled
from lanner.settings import setting

TABLE_SETTING = "LANNER_CATALOG_TABLE"
UNWRITTEN = "0"
"""The tag of a document that was never written."""

_DOCUMENT = {"S": "document"}
_LOCALES = "translations"


class Stale(Exception):
    """The stored document is not the one that the write was made from."""


class Stored:
    """A document as it is stored: `body` is JSON as v2 has it."""

    __slots__ = ("body", "revision", "tag", "updated_at")

    def __init__(self, body: bytes, revision: int, tag: str, updated_at: str) -> None:
        self.body = body
        self.revision = revision
        self.tag = tag
        self.updated_at = updated_at


def translations_key(locale: str) -> str:
    """The key of one locale's texts; `locale` in its recommended case."""
    return f"{_LOCALES}#{locale}"


def read(key: str) -> Stored | None:
    """The document under a key, as of now (strongly consistent)."""
    item = call("GetItem", {"TableName": _table(), "Key": _key(key), "ConsistentRead": True}).get("Item")
    if item is None:
        return None
    return Stored(item["body"]["S"].encode(), int(item["revision"]["N"]), item["tag"]["S"], item["updated_at"]["S"])


def write(key: str, old: Stored | None, body: bytes, updated_at: str, written_by: str) -> Stored:
    """Put a document in the place of `old`, which must still be what is there (None: nothing).

    Raises `Stale` and `Contended`.
    """
    revision = 1 if old is None else old.revision + 1
    new = Stored(body, revision, f"{revision}-{os.urandom(4).hex()}", updated_at)
    put = _put(key, old, new, written_by)
    try:
        if key.startswith(f"{_LOCALES}#"):
            listed = {
                "pk": {"S": _LOCALES},
                "sk": {"S": key.removeprefix(f"{_LOCALES}#")},
                "updated_at": {"S": updated_at},
            }
            call(
                "TransactWriteItems",
                {"TransactItems": [{"Put": put}, {"Put": {"TableName": _table(), "Item": listed}}]},
            )
        else:
            call("PutItem", put, idempotent=True)
    except ConditionFailed as error:
        if not _wrote(error.item, new.tag):
            raise Stale from error
    except TransactionCanceled as error:
        codes = [reason.code for reason in error.reasons]
        if not _wrote(error.reasons[0].item if error.reasons else None, new.tag):
            if "ConditionalCheckFailed" in codes:
                raise Stale from error
            if "TransactionConflict" in codes:
                raise Contended from error
            raise
    return new


def locales() -> list[tuple[str, str]]:
    """Every locale that has texts and when they were written last, in the order of the tags."""
    found: list[tuple[str, str]] = []
    query: dict[str, Any] = {
        "TableName": _table(),
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": _LOCALES}},
        "ConsistentRead": True,
    }
    while True:
        answer = call("Query", query)
        found += [(item["sk"]["S"], item["updated_at"]["S"]) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return found
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _put(key: str, old: Stored | None, new: Stored, written_by: str) -> dict[str, Any]:
    put: dict[str, Any] = {
        "TableName": _table(),
        "Item": {
            **_key(key),
            "body": {"S": new.body.decode()},
            "revision": {"N": str(new.revision)},
            "tag": {"S": new.tag},
            "updated_at": {"S": new.updated_at},
            "written_by": {"S": written_by},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if old is None:
        put["ConditionExpression"] = "attribute_not_exists(pk)"
    else:
        put["ConditionExpression"] = "#tag = :tag"
        put["ExpressionAttributeNames"] = {"#tag": "tag"}
        put["ExpressionAttributeValues"] = {":tag": {"S": old.tag}}
    return put


def _wrote(item: Item | None, tag: str) -> bool:
    return item is not None and item.get("tag", {}).get("S") == tag


def _key(key: str) -> Item:
    return {"pk": {"S": key}, "sk": _DOCUMENT}


def _table() -> str:
    return setting(TABLE_SETTING)
