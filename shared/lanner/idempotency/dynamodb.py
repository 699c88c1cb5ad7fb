"""Records in DynamoDB, one item each (docs/idempotency.md). The table has the key `pk` and its TTL on `expires_at`.

    pk            the record's id
    state         in_flight or done          lease_until   seconds, with three decimals; only in flight
    token         the owner, "" when free    expires_at    whole seconds; checked here, since TTL deletes days later
    fingerprint, execution
    status, headers, body, coding            the answer; only when done. A body that was too large is left out

A claim is one conditional PutItem, which also reads: a condition that fails returns the item that is in the way. A
repeated key therefore costs one call, and so does a new one.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from math import ceil
from typing import TYPE_CHECKING, Any

import orjson

from lanner.aws import wire
from lanner.aws.errors import AwsRejected, AwsThrottled, AwsUnavailable, ConditionFailed
from lanner.idempotency.record import DONE, IN_FLIGHT, Answer, IdempotencyRecord
from lanner.idempotency.store import RecordBusy, StoreUnavailable
from lanner.observe.correlation import current
from lanner.settings import setting

if TYPE_CHECKING:
    from lanner.idempotency.store import TransactItem

TABLE_SETTING = "LANNER_IDEMPOTENCY_TABLE"

BUDGET_MS = 1_000
"""For one call, its retries included."""
RESERVE_MS = 100
"""Of what remains of the invocation, kept for saying that the store did not answer."""

_CONTENTION = ("TransactionConflictException", "TransactionInProgressException")
_NAMES = {"#state": "state", "#token": "token"}
_MINE = "#token = :token AND #state = :in_flight"

Item = dict[str, dict[str, Any]]  # Any: DynamoDB's AttributeValue form


class DynamoDBIdempotencyStore:
    """An `IdempotencyStore` in one table; `table` is its name, by default what the setting says."""

    def __init__(self, table: str | None = None) -> None:
        self._table = table

    def claim(self, fresh: IdempotencyRecord, now: float) -> IdempotencyRecord:
        put = {
            "Item": to_item(fresh),
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": {"N": str(int(now))}},
        }
        try:
            self._call("PutItem", put)
        except ConditionFailed as error:
            if error.item is None:  # deleted between the check and the answer, as TTL does
                raise RecordBusy("the record in the way is gone; claim again") from error
            return from_item(error.item)
        return fresh

    def take_over(self, old: IdempotencyRecord, token: str, lease_until: float, now: float) -> IdempotencyRecord | None:
        update = {
            "Key": _key(old.id),
            "UpdateExpression": "SET #token = :new, lease_until = :until",
            "ConditionExpression": "#token = :old AND #state = :in_flight AND lease_until <= :now",
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": {
                ":new": {"S": token},
                ":old": {"S": old.token},
                ":in_flight": {"S": IN_FLIGHT},
                ":until": _seconds(lease_until),
                ":now": _seconds(now),
            },
        }
        try:
            self._call("UpdateItem", update)
        except ConditionFailed as error:
            if error.item is None or error.item["token"]["S"] != token:
                return None
        return old.but(token=token, lease_until=lease_until)

    def complete(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> IdempotencyRecord | None:
        try:
            self._call("UpdateItem", _completion(record, answer, expires_at))
        except ConditionFailed as error:
            if error.item is None or error.item["token"]["S"] in ("", record.token):
                return None
            return from_item(error.item)
        return None

    def release(self, record: IdempotencyRecord) -> None:
        update = {
            "Key": _key(record.id),
            "UpdateExpression": "SET #token = :free, lease_until = :zero",
            "ConditionExpression": _MINE,
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": {
                ":token": {"S": record.token},
                ":in_flight": {"S": IN_FLIGHT},
                ":free": {"S": ""},
                ":zero": {"N": "0"},
            },
        }
        try:
            self._call("UpdateItem", update)
        except ConditionFailed:
            return  # released already, done, or somebody else's

    def completion(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> list[TransactItem]:
        update = _completion(record, answer, expires_at)
        return [{"Update": {"TableName": self._name(), "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **update}}]

    def _name(self) -> str:
        return self._table or setting(TABLE_SETTING)

    def _call(self, operation: str, payload: dict[str, Any]) -> None:
        payload = {"TableName": self._name(), "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **payload}
        try:
            # Safe to repeat: the token tells a repetition what its first attempt wrote.
            wire.dynamodb().call(operation, payload, budget_ms=_budget(), idempotent=True)
        except (AwsThrottled, AwsUnavailable) as error:
            raise StoreUnavailable(str(error)) from error
        except AwsRejected as error:
            if error.code in _CONTENTION:
                raise RecordBusy(str(error)) from error
            raise


def to_item(record: IdempotencyRecord) -> Item:
    """A record in DynamoDB's JSON."""
    item: Item = {
        **_key(record.id),
        "state": {"S": record.state},
        "token": {"S": record.token},
        "fingerprint": {"S": record.fingerprint},
        "execution": {"S": record.execution},
        "lease_until": _seconds(record.lease_until),
        "expires_at": {"N": str(ceil(record.expires_at))},
    }
    if record.answer is not None:
        item.update(_answer(record.answer))
    return item


def from_item(item: Item) -> IdempotencyRecord:
    """The record in a stored item."""
    done = item["state"]["S"] == DONE
    return IdempotencyRecord(
        item["pk"]["S"],
        item["fingerprint"]["S"],
        item["execution"]["S"],
        item["token"]["S"],
        float(item["lease_until"]["N"]),
        float(item["expires_at"]["N"]),
        item["state"]["S"],
        _read_answer(item) if done else None,
    )


def _completion(record: IdempotencyRecord, answer: Answer, expires_at: float) -> dict[str, Any]:
    stored = _answer(answer)
    return {
        "Key": _key(record.id),
        "UpdateExpression": "SET #state = :done, expires_at = :expires_at, "
        + ", ".join(f"#{name} = :{name}" for name in stored),
        "ConditionExpression": _MINE,
        "ExpressionAttributeNames": {**_NAMES, **{f"#{name}": name for name in stored}},
        "ExpressionAttributeValues": {
            ":done": {"S": DONE},
            ":in_flight": {"S": IN_FLIGHT},
            ":token": {"S": record.token},
            ":expires_at": {"N": str(ceil(expires_at))},
            **{f":{name}": value for name, value in stored.items()},
        },
    }


def _answer(answer: Answer) -> Item:
    item: Item = {
        "status": {"N": str(answer.status)},
        "headers": {"S": orjson.dumps(answer.headers).decode()},
        "coding": {"S": answer.coding},
    }
    if answer.body is not None:
        item["body"] = {"B": b2a_base64(answer.body, newline=False).decode("ascii")}
    return item


def _read_answer(item: Item) -> Answer:
    body = item.get("body")
    return Answer(
        int(item["status"]["N"]),
        orjson.loads(item["headers"]["S"]),
        None if body is None else a2b_base64(body["B"]),
        item["coding"]["S"],
    )


def _key(record_id: str) -> Item:
    return {"pk": {"S": record_id}}


def _seconds(moment: float) -> dict[str, str]:
    return {"N": f"{moment:.3f}"}


def _budget() -> int:
    """Milliseconds for one call: the constant, or less where less remains of the request that is being served."""
    request = current()
    remaining = getattr(request and request.context, "get_remaining_time_in_millis", None)
    return BUDGET_MS if remaining is None else max(1, min(BUDGET_MS, remaining() - RESERVE_MS))
