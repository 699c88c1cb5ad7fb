"""Users in DynamoDB: keys, conditions and what a failed condition means (docs/design/storage.md).

    U#<id>              the user. `shard` and `id` are also the key of the index `by_created`
    E#<e-mail key>      who has the address: `owner` is the user's id. Not in the index, having neither `shard` nor `id`

A user and the claim on an address are written in one transaction, so an address never has two users, nor a user an
address that another one holds. Every write carries a `token` of its own: a condition that failed because an earlier
attempt of the same write had succeeded is recognised by it and is a success (DynamoDB's retries, FACTS.md).

Raises: `EmailTaken`, `Overtaken`, `Stale` (somebody else wrote first: read again), `ApiError` `Unavailable` for
everything that is DynamoDB's own trouble (mapped once, in `domain.dynamodb`).
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any

from domain.dynamodb import Contended, Item, call
from domain.users.fields import email_key
from domain.users.model import Content, User
from lanner.aws.errors import ConditionFailed, TransactionCanceled
from lanner.jobs.errors import ItemsRefused
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.idempotency.store import TransactItem

    Commit = Callable[[list[TransactItem]], None]

TABLE_SETTING = "LANNER_USERS_TABLE"
INDEX = "by_created"

SHARDS = 4
"""Partitions of the index over creation order. To have more, read both layouts while the items are rewritten."""

_SET = "SET given_name = :given, email = :email, #locale = :locale, updated_at = :at, revision = :next, #token = :token"
_CONTENT_NAMES = {"#locale": "locale", "#token": "token"}
_BETWEEN_NAMES = {"#shard": "shard", "#id": "id"}


class EmailTaken(Exception):
    """Another user has the address."""


class Overtaken(Exception):
    """What was to be written together with a new user was refused, and so nothing was written."""


class Stale(Exception):
    """The stored user is not the one that the write was made from, or is gone."""


def shard_of(user_id: str) -> int:
    """The index partition of an id, 0 to `SHARDS` - 1: a hash, so that ids made one after the other are spread."""
    return zlib.crc32(user_id.encode("ascii")) % SHARDS


def read(user_id: str) -> User | None:
    """One user, as of now (strongly consistent)."""
    item = call("GetItem", {"TableName": _table(), "Key": _user_key(user_id), "ConsistentRead": True}).get("Item")
    return None if item is None else from_item(item)


def read_by_email(email: str) -> User | None:
    """Who has an address, in any spelling of it."""
    key = email_key(email)
    claim = call("GetItem", {"TableName": _table(), "Key": {"pk": {"S": f"E#{key}"}}, "ConsistentRead": True}).get(
        "Item"
    )
    user = None if claim is None else read(claim["owner"]["S"])
    # Between the two reads the user may have changed to another address.
    return user if user is not None and email_key(user.content.email) == key else None


def insert(user: User, along: Sequence[TransactItem] = (), commit: Commit | None = None) -> None:
    """Store a new user, and `along` (entries of TransactWriteItems) in the same transaction.

    `commit` writes all of it in a transaction of its own making, with a job say; it raises `ItemsRefused`.
    Raises `EmailTaken`, `Contended`, and `Overtaken` where a condition in `along` did not hold.
    """
    new = "attribute_not_exists(pk)"
    user_item = {"Put": {"TableName": _table(), "Item": _to_item(user), "ConditionExpression": new}}
    items = [user_item, _claim(user.content.email, user.id, new), *along]
    try:
        if commit is None:
            _transact(items, token=user.id)
        else:
            commit(items)
    except (TransactionCanceled, ItemsRefused) as error:
        holder = _failed_item(error, 1)
        if holder is not None and holder.get("owner", {}).get("S") == user.id:
            return  # our own first attempt: the id is new with every user
        if any(reason.code == "ConditionalCheckFailed" for reason in error.reasons[2:]):
            raise Overtaken from error
        raise _refusal(error, claim_at=1) from error


def update(old: User, new: User) -> None:
    """Write `new` over `old`, which must still be what is stored. Raises `Stale`, `EmailTaken` and `Contended`.

    Attributes that this code does not know, written by a later release, stay as they are.
    """
    token = os.urandom(8).hex()
    change = _update(old, new, token)
    old_key, new_key = email_key(old.content.email), email_key(new.content.email)
    try:
        if old_key == new_key:
            call("UpdateItem", change, idempotent=True)
        else:
            free = "attribute_not_exists(pk)"
            _transact([{"Update": change}, _claim(new_key, new.id, free), _release(old_key, new.id)], token=token)
    except ConditionFailed as error:
        if not _wrote(error.item, token):
            raise Stale from error
    except TransactionCanceled as error:
        if not _wrote(_failed_item(error, 0), token):
            raise _refusal(error, claim_at=1) from error


def delete(user: User) -> None:
    """Remove `user`, which must still be what is stored, and give its address free. Raises `Stale`, `Contended`."""
    gone = {
        "TableName": _table(),
        "Key": _user_key(user.id),
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": {":revision": {"N": str(user.revision)}},
    }
    try:
        _transact([{"Delete": gone}, _release(email_key(user.content.email), user.id)], token=os.urandom(8).hex())
    except TransactionCanceled as error:
        raise _refusal(error) from error


def between(
    shard: int, first: str, last: str, limit: int, forward: bool, ids_only: bool = False
) -> tuple[list[Item], bool]:
    """At most `limit` items of one index partition with ids from `first` to `last`, and whether there may be more.

    The index follows the table within moments (it is eventually consistent): a list may miss a user made just now.
    """
    query: dict[str, Any] = {
        "TableName": _table(),
        "IndexName": INDEX,
        "KeyConditionExpression": "#shard = :shard AND #id BETWEEN :first AND :last",
        "ExpressionAttributeNames": _BETWEEN_NAMES,
        "ExpressionAttributeValues": {":shard": {"N": str(shard)}, ":first": {"S": first}, ":last": {"S": last}},
        "Limit": limit,
        "ScanIndexForward": forward,
    }
    if ids_only:
        query["ProjectionExpression"] = "#id"
    answer = call("Query", query)
    return answer["Items"], "LastEvaluatedKey" in answer


def from_item(item: Item) -> User:
    """The user in a stored item."""
    family, name = item.get("family_name"), item.get("name")
    content = Content(
        item["given_name"]["S"],
        None if family is None else family["S"],
        item["email"]["S"],
        item["locale"]["S"],
        None if name is None else name["S"],
    )
    return User(item["id"]["S"], content, item["created_at"]["S"], item["updated_at"]["S"], int(item["revision"]["N"]))


def _to_item(user: User) -> Item:
    content = user.content
    item: Item = {
        "pk": {"S": f"U#{user.id}"},
        "shard": {"N": str(shard_of(user.id))},
        "id": {"S": user.id},
        "given_name": {"S": content.given_name},
        "email": {"S": content.email},
        "locale": {"S": content.locale},
        "created_at": {"S": user.created_at},
        "updated_at": {"S": user.updated_at},
        "revision": {"N": str(user.revision)},
    }
    if content.family_name is not None:
        item["family_name"] = {"S": content.family_name}
    if content.name is not None:
        item["name"] = {"S": content.name}
    return item


def _update(old: User, new: User, token: str) -> dict[str, Any]:
    content = new.content
    values: Item = {
        ":given": {"S": content.given_name},
        ":email": {"S": content.email},
        ":locale": {"S": content.locale},
        ":at": {"S": new.updated_at},
        ":next": {"N": str(new.revision)},
        ":token": {"S": token},
        ":revision": {"N": str(old.revision)},
    }
    expression, removed = _SET, []
    for attribute, value in (("family_name", content.family_name), ("name", content.name)):
        if value is None:
            removed.append(f"#{attribute}")
        else:
            expression += f", #{attribute} = :{attribute}"
            values[f":{attribute}"] = {"S": value}
    if removed:
        expression += " REMOVE " + ", ".join(removed)
    return {
        "TableName": _table(),
        "Key": _user_key(new.id),
        "UpdateExpression": expression,
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeNames": {**_CONTENT_NAMES, "#family_name": "family_name", "#name": "name"},
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _claim(email: str, owner: str, condition: str) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": _table(),
            "Item": {"pk": {"S": f"E#{email_key(email)}"}, "owner": {"S": owner}},
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _release(key: str, owner: str) -> dict[str, Any]:
    return {
        "Delete": {
            "TableName": _table(),
            "Key": {"pk": {"S": f"E#{key}"}},
            "ConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": owner}},
        }
    }


def _transact(items: list[dict[str, Any]], token: str) -> None:
    call("TransactWriteItems", {"TransactItems": items, "ClientRequestToken": token})


def _failed_item(error: TransactionCanceled | ItemsRefused, at: int) -> Item | None:
    reason = error.reasons[at] if at < len(error.reasons) else None
    return reason.item if reason is not None and reason.code == "ConditionalCheckFailed" else None


def _refusal(error: TransactionCanceled | ItemsRefused, claim_at: int | None = None) -> Exception:
    """What a cancelled transaction means. The user's own condition counts first: a stale writer must read again."""
    codes = [reason.code for reason in error.reasons]
    if codes and codes[0] == "ConditionalCheckFailed":
        return Stale()
    if any(code in ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded") for code in codes):
        return Contended()
    if claim_at is not None and len(codes) > claim_at and codes[claim_at] == "ConditionalCheckFailed":
        return EmailTaken()
    return Stale() if "ConditionalCheckFailed" in codes else error


def _wrote(item: Item | None, token: str) -> bool:
    return item is not None and item.get("token", {}).get("S") == token


def _user_key(user_id: str) -> Item:
    return {"pk": {"S": f"U#{user_id}"}}


def _table() -> str:
    return setting(TABLE_SETTING)
