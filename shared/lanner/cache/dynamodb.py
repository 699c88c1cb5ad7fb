"""DynamoDB as a cache: one item for an entry, several for a large one, over `lanner.aws.wire`.

States of an item: absent → live → ended → (some days later) deleted by the table's TTL. What has ended is absent here:
every read and every condition looks at `x` (`lanner.cache.dynamodb_items` has the attributes).

A value that one item cannot hold is several (`lanner.cache.dynamodb_values`).

Consistency: reads are eventual unless `consistent` is given, as a cache's may be; writes, counters and leases decide
by conditions, which are always current. A conditional write that met its own first attempt is told by its token.
`increment`, `release` and `delete` are not repeated when their outcome is unknown.

`keys` and `clear` scan the whole table, everybody's items included, and cost accordingly: they are for an
administrator. The budget is that of each page there, of the whole operation elsewhere.

Conditions: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.aws.errors import ConditionFailed, TransactionCanceled
from lanner.cache.dynamodb_items import (
    TABLE_DEFINITION,
    TTL_ATTRIBUTE,
    Item,
    Names,
    binary,
    end_of,
    lifetime,
    number,
    text_start,
    to_binary,
    token,
)
from lanner.cache.dynamodb_table import Table, deletion
from lanner.cache.dynamodb_values import LIVE, OLD_ON_FAILURE, Values
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.lifetime import expires_at
from lanner.cache.naming import check_key, check_value, to_bytes
from lanner.cache.stream import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lanner.cache.backend import CacheEntry
    from lanner.cache.dynamodb_table import DynamoDBClient
    from lanner.clock import Clock

__all__ = ["TABLE_DEFINITION", "TTL_ATTRIBUTE", "DynamoDBBackend"]

DEFAULT_BUDGET_MS = 50.0
INT64 = range(-(2**63), 2**63)

_GONE = "attribute_not_exists(pk) OR x <= :now"
_MOST_RACES = 1000


class DynamoDBBackend:
    """`CacheBackend` over a table as `TABLE_DEFINITION` has it, TTL enabled on `TTL_ATTRIBUTE`."""

    name = "dynamodb"
    lists_keys = True

    def __init__(
        self,
        table: str,
        *,
        prefix: str = "",
        budget_ms: float = DEFAULT_BUDGET_MS,
        clock: Clock | None = None,
        consistent: bool = False,
        client: DynamoDBClient | None = None,
    ) -> None:
        if not table:
            raise CacheConfigError("a cache in DynamoDB needs the name of a table")
        if not budget_ms > 0:
            raise CacheConfigError(f"budget_ms is more than 0, not {budget_ms:g}")
        if clock is None:
            from lanner.clock import SystemClock

            clock = SystemClock()
        self._clock: Clock = clock
        self.budget_ms = budget_ms
        self._consistent = consistent
        self._names = Names(prefix)
        self._table = Table(table, clock, client)
        self._values = Values(self._names, self._table, clock)

    def get(self, key: str) -> CacheEntry | None:
        deadline = self._deadline("dynamodb get")
        payload = {"Key": self._names.entry(key), "ConsistentRead": self._consistent}
        item = self._table.call("GetItem", payload, deadline).get("Item")
        return self._values.entries([item], deadline).get(key) if item else None

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        deadline = self._deadline("dynamodb get_many")
        names = [self._names.entry(key) for key in dict.fromkeys(keys)]
        return self._values.entries(self._table.read(names, deadline, consistent=self._consistent), deadline)

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        deadline = self._deadline("dynamodb set")
        if _is_over(ttl):
            check_value(value)
            self._remove(key, deadline)
            return
        item = self._values.item(key, value, expires_at(self._clock.now(), ttl), deadline)
        payload: dict[str, Any] = {"Item": item}
        if "g" in item:  # likely over another one with chunks, whose head is small
            payload["ReturnValues"] = "ALL_OLD"
        old = self._table.call("PutItem", payload, deadline, idempotent=True).get("Attributes", {})
        self._values.discard([old], deadline)

    def set_many(self, values: Mapping[str, bytes], ttl: float | None = None) -> None:
        deadline = self._deadline("dynamodb set_many")
        if _is_over(ttl):
            self._remove_many(values, deadline)
            return
        end = expires_at(self._clock.now(), ttl)
        items = [self._values.item(key, value, end, deadline) for key, value in values.items()]
        self._table.write([{"PutRequest": {"Item": item}} for item in items], deadline)

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        deadline = self._deadline("dynamodb add")
        if _is_over(ttl):
            check_key(key)
            check_value(value)
            return False
        return self._put_new(self._values.item(key, value, expires_at(self._clock.now(), ttl), deadline), deadline)

    def delete(self, key: str) -> bool:
        return self._remove(key, self._deadline("dynamodb delete"))

    def delete_many(self, keys: Iterable[str]) -> int:
        return self._remove_many(keys, self._deadline("dynamodb delete_many"))

    def exists(self, key: str) -> bool:
        return self._exists(key, self._deadline("dynamodb exists"))

    def touch(self, key: str, ttl: float | None) -> bool:
        deadline = self._deadline("dynamodb touch")
        if _is_over(ttl):
            return self._remove(key, deadline)
        return self._values.prolong(key, expires_at(self._clock.now(), ttl), deadline)

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        deadline = self._deadline("dynamodb increment")
        if delta not in INT64 or initial + delta not in INT64:
            raise CacheValueError(f"{deadline.what}: a counter has 64 bits")
        for _ in range(_MOST_RACES):
            try:
                return self._add_number(key, delta, deadline)
            except ConditionFailed as error:
                old = error.item
            if not old or end_of(old) <= self._clock.now():
                made = initial + delta
                if _is_over(ttl) or self._put_new(self._counter(key, made, ttl), deadline):
                    return made
            elif self._becomes_counter(old, made := _number(old, delta, deadline), deadline):
                return made
        raise CacheUnavailable(f"{deadline.what}: another one was faster {_MOST_RACES} times")

    def keys(self, prefix: str = "") -> Iterator[str]:
        for items, _ in self._scan(f"{self._names.entries}{prefix}", f"{self._names.own}h", "dynamodb keys"):
            now = self._clock.now()
            for item in items:
                key = self._names.key_of(item)
                if key is not None and key.startswith(prefix) and end_of(item) > now:
                    yield key

    def clear(self, prefix: str = "") -> int:
        removed = 0
        for items, deadline in self._scan(f"{self._names.entries}{prefix}", self._names.own, "dynamodb clear"):
            now = self._clock.now()
            chosen = [item for item in items if self._is_within(item, prefix)]
            removed += sum(self._names.is_entry(item) and end_of(item) > now for item in chosen)
            self._table.write([deletion({"pk": item["pk"]}) for item in chosen], deadline)
            self._values.discard(chosen, deadline)
        return removed

    def acquire(self, key: str, token: str, ttl: float) -> bool:
        deadline = self._deadline("dynamodb acquire")
        pk = self._names.lease(key)
        if _is_over(ttl):
            return False
        end = expires_at(self._clock.now(), ttl)
        payload = {
            "Item": self._names.record(pk, key, t=_holder(token), **lifetime(end)),
            "ConditionExpression": f"{_GONE} OR t = :token",
            "ExpressionAttributeValues": {":now": self._now(), ":token": _holder(token)},
        }
        try:
            self._table.call("PutItem", payload, deadline, idempotent=True)
        except ConditionFailed:
            return False
        return True

    def release(self, key: str, token: str) -> bool:
        deadline = self._deadline("dynamodb release")
        try:
            self._table.call("DeleteItem", self._releasing(key, token), deadline)
        except ConditionFailed:
            return False
        return True

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        deadline = self._deadline("dynamodb set_held")
        check_value(value)
        write: tuple[str, dict[str, Any]]
        if _is_over(ttl):
            write = ("Delete", {"Key": self._names.entry(key)})
        else:
            write = ("Put", {"Item": self._values.item(key, value, expires_at(self._clock.now(), ttl), deadline)})
        try:
            self._table.transact([write, ("Delete", self._releasing(key, token))], deadline)
        except TransactionCanceled as error:
            if any(reason.code == "ConditionalCheckFailed" for reason in error.reasons):
                return False
            raise CacheUnavailable(f"{deadline.what}: another transaction was in the way") from error
        return True

    def statistics(self) -> dict[str, int | float]:
        """Of the whole table, as DynamoDB counts them every six hours: `entries`, `bytes`."""
        told = self._table.call("DescribeTable", {}, self._deadline("dynamodb statistics")).get("Table", {})
        return {"entries": told.get("ItemCount", 0), "bytes": told.get("TableSizeBytes", 0)}

    def reset(self) -> None:
        self._table.reset()

    def close(self) -> None:
        self._table.reset()

    def _deadline(self, what: str) -> Deadline:
        return Deadline(self._clock, self.budget_ms, what)

    def _now(self) -> Item:
        return number(self._clock.now())

    def _counter(self, key: str, value: int, ttl: float | None) -> Item:
        end = expires_at(self._clock.now(), ttl)
        return self._names.record(self._names.entry(key), key, n={"N": str(value)}, **lifetime(end))

    def _put_new(self, item: Item, deadline: Deadline) -> bool:
        """Put where nothing live is. Whether it was put, by this attempt or an earlier one whose answer was lost."""
        payload = {
            "Item": item,
            "ConditionExpression": _GONE,
            "ExpressionAttributeValues": {":now": self._now()},
            **OLD_ON_FAILURE,
        }
        try:
            self._table.call("PutItem", payload, deadline, idempotent=True)
        except ConditionFailed as error:
            if error.item is not None and error.item.get("o") == item["o"]:
                return True
            self._values.discard([item], deadline)
            return False
        return True

    def _add_number(self, key: str, delta: int, deadline: Deadline) -> int:
        """Add to a live counter whose sum has 64 bits. Raises `ConditionFailed` with the item that is none."""
        bound = {"N": str(INT64[-1] - delta if delta >= 0 else INT64[0] - delta)}
        payload = {
            "Key": self._names.entry(key),
            "UpdateExpression": "ADD n :delta",
            "ConditionExpression": f"attribute_exists(n) AND {LIVE} AND n {'<=' if delta >= 0 else '>='} :bound",
            "ExpressionAttributeValues": {":delta": {"N": str(delta)}, ":now": self._now(), ":bound": bound},
            "ReturnValues": "ALL_NEW",  # a counter is small
            **OLD_ON_FAILURE,
        }
        made = self._table.call("UpdateItem", payload, deadline).get("Attributes", {})
        try:
            return int(made["n"]["N"])
        except (KeyError, ValueError) as error:
            raise CacheUnavailable(f"{deadline.what}: UpdateItem was answered with something else") from error

    def _becomes_counter(self, old: Item, value: int, deadline: Deadline) -> bool:
        """Make an item with digits a counter, where nobody wrote it meanwhile."""
        made = {name: part for name, part in old.items() if name != "v"}
        made |= {"n": {"N": str(value)}, "o": {"S": token()}}
        payload = {
            "Item": made,
            "ConditionExpression": "o = :old",
            "ExpressionAttributeValues": {":old": old["o"]},
            **OLD_ON_FAILURE,
        }
        try:
            self._table.call("PutItem", payload, deadline, idempotent=True)
        except ConditionFailed as error:
            return error.item is not None and error.item.get("o") == made["o"]
        return True

    def _exists(self, key: str, deadline: Deadline) -> bool:
        payload = {
            "Key": self._names.entry(key),
            "ConsistentRead": self._consistent,
            "ProjectionExpression": "pk, x",
        }
        item = self._table.call("GetItem", payload, deadline).get("Item")
        return bool(item) and end_of(item or {}) > self._clock.now()

    def _releasing(self, key: str, token: str) -> dict[str, Any]:
        return {
            "Key": self._names.lease(key),
            "ConditionExpression": "t = :token AND (attribute_not_exists(x) OR x > :now)",
            "ExpressionAttributeValues": {":token": _holder(token), ":now": self._now()},
        }

    def _remove(self, key: str, deadline: Deadline) -> bool:
        payload = {"Key": self._names.entry(key), "ReturnValues": "ALL_OLD"}
        old = self._table.call("DeleteItem", payload, deadline).get("Attributes")
        if not old:
            return False
        self._values.discard([old], deadline)
        return end_of(old) > self._clock.now()

    def _remove_many(self, keys: Iterable[str], deadline: Deadline) -> int:
        names = [self._names.entry(key) for key in dict.fromkeys(keys)]
        old = self._table.read(names, deadline, consistent=True, attributes="pk, x, g, c")
        self._table.write([deletion({"pk": item["pk"]}) for item in old], deadline)
        self._values.discard(old, deadline)
        now = self._clock.now()
        return sum(end_of(item) > now for item in old)

    def _is_within(self, item: Item, prefix: str) -> bool:
        """Whether `clear(prefix)` is about the item; chunks without a head go with everything."""
        key = self._names.key_of(item)
        return not prefix if key is None else key.startswith(prefix)

    def _scan(self, first: str, second: str, what: str) -> Iterator[tuple[list[Item], Deadline]]:
        """Pages of the items whose partition key starts with one of the two, each with its own budget."""
        values: dict[str, Item] = {":first": {"S": text_start(first)}, ":second": {"S": second}}
        condition = "begins_with(pk, :first) OR begins_with(pk, :second)"
        start: Item | None = None
        while True:
            deadline = self._deadline(what)
            items, start = self._table.page(condition, values, start, deadline)
            yield items, deadline
            if start is None:
                return


def _holder(token: str) -> Item:
    return to_binary(to_bytes(token))


def _is_over(ttl: float | None) -> bool:
    return ttl is not None and ttl <= 0


def _number(item: Item, delta: int, deadline: Deadline) -> int:
    """The sum of what an item holds and `delta`. Raises `CacheValueError` where that is no number of 64 bits."""
    try:
        digits = binary(item["v"]) if "v" in item and "o" in item else b""
    except ValueError:
        digits = b""
    unsigned = digits[1:] if digits[:1] == b"-" else digits
    if not unsigned.isdigit() or len(digits) > 20 or int(digits) + delta not in INT64:
        raise CacheValueError(f"{deadline.what}: the value is no integer of 64 bits, or the result is none")
    return int(digits) + delta
