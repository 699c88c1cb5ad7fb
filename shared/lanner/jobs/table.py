"""The jobs' table over the wire: one place where DynamoDB's failures become `JobsUnavailable`.

A condition that does not hold is passed on (`ConditionFailed`, `TransactionCanceled`): whoever wrote knows why. Another
transaction on the same record, a cancel beside a commit, is waited for: nothing was written then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.aws import wire
from lanner.aws.errors import AwsRejected, AwsThrottled, AwsUnavailable, ConditionFailed, TransactionCanceled
from lanner.jobs.errors import ItemsRefused, JobsUnavailable
from lanner.jobs.record import Item, key_of
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.clock import Clock

TABLE_SETTING = "LANNER_JOBS_TABLE"

BUDGET_MS = 2_000
"""For one call, its retries included; DynamoDB answers in single-digit milliseconds when it is well."""

MAX_ITEMS = 99
"""Of a transaction's 100 items, one is the record."""

CONFLICT_ATTEMPTS = 6
CONFLICT_WAIT = 0.02
"""Seconds before the second attempt; it doubles."""

_CONFLICTS = ("TransactionConflictException", "TransactionInProgressException")

STATES = {
    "queued": {"S": "queued"},
    "running": {"S": "running"},
    "failed": {"S": "failed"},
    "dead": {"S": "dead"},
}
_NAMES = {"#state": "state", "#token": "token", "#result": "result"}


class JobTable:
    """Calls on one table; `name` is read from LANNER_JOBS_TABLE when it is first needed."""

    def __init__(self, clock: Clock, name: str | None = None) -> None:
        self.clock = clock
        self._name = name

    @property
    def name(self) -> str:
        """The table's name. Raises `SettingError`."""
        return self._name or setting(TABLE_SETTING)

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock.now() * 1000)

    def call(self, operation: str, payload: dict[str, Any], *, idempotent: bool | None = None) -> dict[str, Any]:
        """One operation in DynamoDB's JSON. Raises `JobsUnavailable`, and a condition's failure as it is."""
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                return wire.dynamodb().call(operation, payload, budget_ms=BUDGET_MS, idempotent=idempotent)
            except (AwsThrottled, AwsUnavailable) as error:
                raise JobsUnavailable from error
            except (AwsRejected, TransactionCanceled) as error:
                if not _conflicted(error):
                    raise
            self.clock.sleep(CONFLICT_WAIT * 2**attempt)
        raise JobsUnavailable("The job is being changed by others; try again shortly")

    def read(self, tenant: str, job_id: str) -> Item | None:
        """The record as of now (strongly consistent), or None; one that has expired is none."""
        asked = {"TableName": self.name, "Key": key_of(tenant, job_id), "ConsistentRead": True}
        item: Item | None = self.call("GetItem", asked).get("Item")
        if item is not None and "expires_at" in item and int(item["expires_at"]["N"]) <= self.clock.now():
            return None
        return item

    def update(
        self,
        key: Item,
        expression: str,
        condition: str,
        values: Mapping[str, Any],
        items: Sequence[Mapping[str, Any]] = (),
    ) -> Item:
        """Write one record under `condition`, alone or in a transaction with `items`; gives what is stored then.

        With `items` nothing is given, as transactions return nothing. Raises `ConditionFailed` with the stored
        record, `ItemsRefused` when it was the items' own conditions, `JobsUnavailable`.
        """
        request = {
            "TableName": self.name,
            "Key": key,
            **expressions(expression, condition, values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if not items:
            answer = self.call("UpdateItem", {**request, "ReturnValues": "ALL_NEW"}, idempotent=True)
            stored: Item = answer["Attributes"]
            return stored
        self.transact({"Update": request}, items)
        return {}

    def transact(self, own: dict[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
        """`own` and `items` in one transaction. Raises as `update`; `ValueError` for more than 99 items."""
        if len(items) > MAX_ITEMS:
            raise ValueError(f"a transaction takes {MAX_ITEMS} items beside the record, not {len(items)}")
        try:
            self.call("TransactWriteItems", {"TransactItems": [own, *items]})
        except TransactionCanceled as error:
            if error.reasons and error.reasons[0].code == "ConditionalCheckFailed":
                raise ConditionFailed(str(error), item=error.reasons[0].item) from error
            raise ItemsRefused(error.reasons[1:]) from error


def expressions(expression: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The expressions of a request with the names and values that they use: DynamoDB refuses what is not used."""
    whole = f"{expression} {condition}"
    used = set(_words(whole))
    given = {**{f":{name}": value for name, value in STATES.items()}, **values}
    names = {name: attribute for name, attribute in _NAMES.items() if name in used}
    request: dict[str, Any] = {
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {name: value for name, value in given.items() if name in used},
    }
    if expression:
        request["UpdateExpression"] = expression
    if names:
        request["ExpressionAttributeNames"] = names
    return {name: value for name, value in request.items() if value}


def _words(expression: str) -> list[str]:
    for mark in "(),=<>+":
        expression = expression.replace(mark, " ")
    return expression.split()


def _conflicted(error: AwsRejected | TransactionCanceled) -> bool:
    if isinstance(error, AwsRejected):
        return error.code in _CONFLICTS
    codes = {reason.code for reason in error.reasons}
    return "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes
