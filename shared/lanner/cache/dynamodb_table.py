"""Calls to one DynamoDB table within an operation's budget, and what their errors mean for a cache.

`ConditionFailed` and `TransactionCanceled` pass, for the backend to judge. An item that is too large is
`CacheValueError`; whatever else goes wrong is `CacheUnavailable`. An item that no cache made is not there. Batches are
sent until nothing is unprocessed, with growing waits in between, while the budget lasts.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from lanner.aws.errors import AwsError, AwsRejected, BudgetSpent, ConditionFailed, TransactionCanceled
from lanner.cache.dynamodb_items import is_ours
from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable, CacheValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lanner.cache.dynamodb_items import Item
    from lanner.cache.stream import Deadline
    from lanner.clock import Clock

READ_BATCH = 100
WRITE_BATCH = 25
PAGE = 500
"""Items in a page of a Scan, so that one fits a budget."""

_FIRST_WAIT_S = 0.005
_LONGEST_WAIT_S = 0.5


class DynamoDBClient(Protocol):
    """What of `lanner.aws.wire.AwsJsonClient` a cache needs."""

    def call(
        self,
        operation: str,
        payload: Mapping[str, object],
        *,
        budget_ms: float | None = None,
        idempotent: bool | None = None,
    ) -> dict[str, Any]:
        """Perform an operation; the answer's shape is the operation's, hence `Any`."""
        ...

    def reset(self) -> None:
        """Drop connections."""
        ...


class Table:
    """One table; the client is `wire.dynamodb()` unless one is given."""

    def __init__(self, name: str, clock: Clock, client: DynamoDBClient | None) -> None:
        self.name = name
        self._clock = clock
        self._client = client
        self._used = False

    def call(
        self, operation: str, payload: Mapping[str, object], deadline: Deadline, *, idempotent: bool | None = None
    ) -> dict[str, Any]:
        """An operation on the table. Raises what the module's docstring says."""
        return self._send(operation, {"TableName": self.name, **payload}, deadline, idempotent)

    def transact(self, items: Sequence[tuple[str, dict[str, Any]]], deadline: Deadline) -> None:
        """Writes that happen together or not at all, as (kind, write) pairs."""
        writes = [{kind: {"TableName": self.name, **write}} for kind, write in items]
        self._send("TransactWriteItems", {"TransactItems": writes}, deadline, None)

    def read(
        self, keys: Sequence[Item], deadline: Deadline, *, consistent: bool, attributes: str | None = None
    ) -> list[Item]:
        """The items under these keys that are there, in no order."""
        shape: dict[str, Any] = {"ConsistentRead": consistent}
        if attributes is not None:
            shape["ProjectionExpression"] = attributes
        found: list[Item] = []
        for start in range(0, len(keys), READ_BATCH):
            request = {self.name: {"Keys": keys[start : start + READ_BATCH], **shape}}
            for answer in self._until_processed("BatchGetItem", request, "UnprocessedKeys", deadline):
                found += answer.get("Responses", {}).get(self.name, ())
        return found

    def write(self, requests: Sequence[dict[str, Any]], deadline: Deadline) -> None:
        """Put and delete requests, in batches, each safe to do twice."""
        for start in range(0, len(requests), WRITE_BATCH):
            batch = {self.name: requests[start : start + WRITE_BATCH]}
            for _ in self._until_processed("BatchWriteItem", batch, "UnprocessedItems", deadline):
                pass

    def page(
        self, condition: str, values: dict[str, Item], start: Item | None, deadline: Deadline
    ) -> tuple[list[Item], Item | None]:
        """One page of a Scan, without values of entries, and where the next one starts; None at the end."""
        payload: dict[str, Any] = {
            "FilterExpression": condition,
            "ExpressionAttributeValues": values,
            "ProjectionExpression": "pk, x, k, g, c",
            "ConsistentRead": True,
            "Limit": PAGE,
        }
        if start is not None:
            payload["ExclusiveStartKey"] = start
        answer = self.call("Scan", payload, deadline)
        return answer.get("Items", []), answer.get("LastEvaluatedKey") or None

    def reset(self) -> None:
        """Drop the client's connections, where there may be any."""
        if self._client is not None:
            self._client.reset()
        elif self._used:
            self._shared().reset()

    def _shared(self) -> DynamoDBClient:
        # Asked for every time: after `wire.reset()` it is another one.
        from lanner.aws import wire

        client = wire.dynamodb()
        self._used = True
        return client

    def _until_processed(
        self, operation: str, request: Mapping[str, Any], rest: str, deadline: Deadline
    ) -> Iterator[dict[str, Any]]:
        wait = _FIRST_WAIT_S
        while True:
            answer = self._send(operation, {"RequestItems": request}, deadline, True)
            yield answer
            request = answer.get(rest) or {}
            if not request:
                return
            pause = wait * (0.5 + int.from_bytes(os.urandom(2), "big") / 2**17)
            if pause * 1000 >= deadline.left_ms():
                raise deadline.spent()
            self._clock.sleep(pause)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    def _send(
        self, operation: str, payload: Mapping[str, object], deadline: Deadline, idempotent: bool | None
    ) -> dict[str, Any]:
        try:
            client = self._client or self._shared()
            answer = client.call(operation, payload, budget_ms=deadline.left_ms(), idempotent=idempotent)
        except ConditionFailed as error:
            if error.item is not None and not is_ours(error.item):
                error.item = None
            raise
        except TransactionCanceled:
            raise
        except BudgetSpent as error:
            raise CacheBudgetSpent(str(error)) from error
        except AwsRejected as error:
            if error.code == "ValidationException" and "size" in str(error):
                raise CacheValueError(f"{deadline.what}: the key or value is larger than an item may be") from error
            raise CacheUnavailable(f"{deadline.what}: {operation} was refused ({error.code})") from error
        except AwsError as error:
            raise CacheUnavailable(f"{deadline.what}: {error}") from error
        try:
            return _known(answer)
        except (TypeError, AttributeError) as error:
            raise CacheUnavailable(f"{deadline.what}: {operation} was answered with something else") from error


def _known(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without the items that no cache made. Raises `TypeError` or `AttributeError` for another shape."""
    for name in ("Item", "Attributes"):
        if name in answer and not is_ours(answer[name]):
            answer = {other: held for other, held in answer.items() if other != name}
    if "Items" in answer:
        answer = {**answer, "Items": [each for each in answer["Items"] if is_ours(each)]}
    if "Responses" in answer:
        found = {table: [each for each in items if is_ours(each)] for table, items in answer["Responses"].items()}
        answer = {**answer, "Responses": found}
    for name in ("UnprocessedKeys", "UnprocessedItems", "Table", "LastEvaluatedKey"):
        if type(answer.get(name, {})) is not dict and answer[name] is not None:
            raise TypeError(name)
    return answer


def deletion(key: Item) -> dict[str, Any]:
    """A delete request of a batch."""
    return {"DeleteRequest": {"Key": key}}
