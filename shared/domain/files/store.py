"""Files in DynamoDB: `F#<id>`, one item each, gone after `KEEP_S` by the table's time to live (docs/design/storage.md).

Three writes, in this order: `insert` (the client announced it, in the transaction that records the answer where the
request has a key), `arrival` (its object arrived, in the transaction that accepts the job), `outcome` (in the
transaction that makes the job succeed). `link` says which job it is, and may come late or twice.

Raises `Unavailable` where DynamoDB does not answer, `Contended` and `Overtaken` from `insert`, `ConditionFailed` from
`write_link` where the file is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.dynamodb import Contended, call
from domain.files.model import File, Item, Result, Upload
from lanner.aws.errors import TransactionCanceled
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lanner.idempotency.store import TransactItem

TABLE_SETTING = "LANNER_FILES_TABLE"

_BUSY = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class Overtaken(Exception):
    """What was to be written together with a new file was refused, and so nothing was written."""


def insert(file: File, along: Sequence[TransactItem] = ()) -> None:
    """Store a new file, and `along` (entries of TransactWriteItems) in the same transaction.

    The id is new with every file, so a repeated write meets nothing but its own. Raises `Contended` where others wrote
    at that moment, and `Overtaken` where a condition in `along` did not hold.
    """
    put = {"TableName": setting(TABLE_SETTING), "Item": _to_item(file)}
    if not along:
        call("PutItem", put, idempotent=True)
        return
    put["ConditionExpression"] = "attribute_not_exists(pk)"
    try:
        call("TransactWriteItems", {"TransactItems": [{"Put": put}, *along], "ClientRequestToken": file.id})
    except TransactionCanceled as error:
        own, *others = (reason.code for reason in error.reasons)
        if own == "ConditionalCheckFailed":
            return  # an earlier attempt of this very write
        if "ConditionalCheckFailed" in others:
            raise Overtaken from error
        raise (Contended() if _BUSY.intersection((own, *others)) else error) from error


def read(file_id: str) -> File | None:
    """One file, as of now (strongly consistent)."""
    request = {"TableName": setting(TABLE_SETTING), "Key": _key(file_id), "ConsistentRead": True}
    item = call("GetItem", request).get("Item")
    return None if item is None else _from_item(item)


def arrival(file_id: str, upload: Upload) -> TransactItem:
    """The entry that notes the object: it is refused where another object was noted, or the file is gone."""
    return {
        "Update": {
            "TableName": setting(TABLE_SETTING),
            "Key": _key(file_id),
            "UpdateExpression": "SET etag = :etag, #size = :size, #version = :version",
            "ConditionExpression": "attribute_exists(pk) AND (attribute_not_exists(etag) OR "
            "(etag = :etag AND #version = :version))",
            "ExpressionAttributeNames": {"#size": "size", "#version": "version"},
            "ExpressionAttributeValues": {
                ":etag": {"S": upload.etag},
                ":size": {"N": str(upload.size)},
                ":version": {"S": upload.version},
            },
        }
    }


def link(file_id: str, job_id: str) -> TransactItem:
    """The entry that says which job the file has."""
    return {
        "Update": {
            "TableName": setting(TABLE_SETTING),
            "Key": _key(file_id),
            "UpdateExpression": "SET job_id = :job",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":job": {"S": job_id}},
        }
    }


def outcome(file_id: str, job_id: str, result: Result) -> TransactItem:
    """The entry that stores what the job found."""
    found: Item = {
        "size": {"N": str(result.size)},
        "sha256": {"S": result.sha256},
        "media_type": {"S": result.media_type},
        "errors_key": {"S": result.errors_key},
    }
    if result.rows is not None:
        found["rows"] = {"M": {name: {"N": str(count)} for name, count in result.rows.items()}}
    entry = link(file_id, job_id)
    entry["Update"]["UpdateExpression"] += ", outcome = :outcome"
    entry["Update"]["ExpressionAttributeValues"][":outcome"] = {"M": found}
    return entry


def write_link(file_id: str, job_id: str) -> None:
    """`link` by itself."""
    call("UpdateItem", link(file_id, job_id)["Update"], idempotent=True)


def _to_item(file: File) -> Item:
    return {
        "pk": {"S": f"F#{file.id}"},
        "id": {"S": file.id},
        "principal": {"S": file.principal},
        "filename": {"S": file.filename},
        "content_type": {"S": file.content_type},
        "created_at": {"S": file.created_at},
        "expires_at": {"N": str(file.expires_at)},
    }


def _from_item(item: Item) -> File:
    upload = result = None
    if "etag" in item:
        upload = Upload(item["etag"]["S"], int(item["size"]["N"]), item["version"]["S"])
    if "outcome" in item:
        found: dict[str, Any] = item["outcome"]["M"]  # Any: AttributeValue form
        rows = found.get("rows")
        counts = None if rows is None else {name: int(count["N"]) for name, count in rows["M"].items()}
        result = Result(
            int(found["size"]["N"]),
            found["sha256"]["S"],
            found["media_type"]["S"],
            counts,
            found["errors_key"]["S"],
        )
    return File(
        item["id"]["S"],
        item["principal"]["S"],
        item["filename"]["S"],
        item["content_type"]["S"],
        item["created_at"]["S"],
        int(item["expires_at"]["N"]),
        upload=upload,
        job_id=item.get("job_id", {}).get("S", ""),
        result=result,
    )


def _key(file_id: str) -> Item:
    return {"pk": {"S": f"F#{file_id}"}}
