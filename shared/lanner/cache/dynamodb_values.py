"""Values in DynamoDB, the large ones in chunks.

A value above `CHUNK_BYTES` is written as chunks under a random generation first, then as a head that names generation
and count. A reader that misses a chunk reports a miss, so no half value is ever read. Chunks that a head no longer
names are deleted at once where the writer sees them, and by their TTL otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.aws.errors import ConditionFailed
from lanner.cache.backend import CacheEntry
from lanner.cache.dynamodb_items import (
    CHUNK_BYTES,
    CHUNKS_LIFETIME_S,
    TTL_ATTRIBUTE,
    Item,
    Names,
    binary,
    end_of,
    lifetime,
    number,
    to_binary,
    token,
)
from lanner.cache.dynamodb_table import deletion
from lanner.cache.lifetime import instant
from lanner.cache.naming import check_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.cache.dynamodb_table import Table
    from lanner.cache.stream import Deadline
    from lanner.clock import Clock

LIVE = "attribute_exists(pk) AND (attribute_not_exists(x) OR x > :now)"
OLD_ON_FAILURE = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class Values:
    """The values of one cache in one table."""

    def __init__(self, names: Names, table: Table, clock: Clock) -> None:
        self._names = names
        self._table = table
        self._clock = clock

    def prolong(self, key: str, end: float, deadline: Deadline) -> bool:
        """Give a live entry another end, its chunks included. Whether it was there."""
        try:
            self._prolong(self._names.entry(key), end, "attribute_not_exists(g)", {}, deadline)
        except ConditionFailed as error:
            head = error.item
            if not head or "g" not in head or end_of(head) <= self._clock.now():
                return False
            return self._touch_chunked(head, end, deadline)
        return True

    def entries(self, items: list[Item], deadline: Deadline) -> dict[str, CacheEntry]:
        """The entries that these items are, with the chunks of those that have some."""
        now = self._clock.now()
        live = [item for item in items if end_of(item) > now]
        chunks = [pk for item in live for pk in self._names.chunks(item)]
        # Consistent: chunks were written before their head, which may be all that an eventual read has seen.
        read = self._table.read(chunks, deadline, consistent=True) if chunks else []
        parts = {item["pk"]["S"]: _bytes_of(item) for item in read}
        found: dict[str, CacheEntry] = {}
        for item in live:
            key, value = self._names.key_of(item), self._value(item, parts)
            if key is not None and value is not None:
                found[key] = CacheEntry(value, instant(end_of(item)))
        return found

    def _value(self, item: Item, parts: Mapping[str, bytes | None]) -> bytes | None:
        if "n" in item:
            return str(item["n"]["N"]).encode()
        if "v" in item:
            return _bytes_of(item)
        pieces = [parts.get(pk["pk"]["S"]) for pk in self._names.chunks(item)]
        whole = [piece for piece in pieces if piece is not None]
        return b"".join(whole) if pieces and len(whole) == len(pieces) else None

    def item(self, key: str, value: bytes, end: float, deadline: Deadline) -> Item:
        """The item that holds a value; where that is too large for one, its chunks are written now."""
        pk = self._names.entry(key)
        if len(check_value(value)) <= CHUNK_BYTES:
            return self._names.record(pk, key, v=to_binary(value), **lifetime(end))
        end = min(end, self._clock.now() + CHUNKS_LIFETIME_S)
        generation = token()
        pieces = [value[start : start + CHUNK_BYTES] for start in range(0, len(value), CHUNK_BYTES)]
        self._table.write(
            [
                {
                    "PutRequest": {
                        "Item": {**self._names.chunk(generation, index), "v": to_binary(piece), **lifetime(end)}
                    }
                }
                for index, piece in enumerate(pieces)
            ],
            deadline,
        )
        return self._names.record(pk, key, g={"S": generation}, c={"N": str(len(pieces))}, **lifetime(end))

    def _prolong(self, pk: Item, end: float, condition: str, values: dict[str, Item], deadline: Deadline) -> None:
        """Give a live item another end. Raises `ConditionFailed` with what is there."""
        ends = lifetime(end)
        changes = ", ".join(["o = :o", *(f"{name} = :{name}" for name in ends)])
        payload = {
            "Key": pk,
            "UpdateExpression": f"SET {changes}" if ends else f"SET {changes} REMOVE x, {TTL_ATTRIBUTE}",
            "ConditionExpression": f"{LIVE} AND {condition}",
            "ExpressionAttributeValues": {
                ":now": number(self._clock.now()),
                ":o": {"S": token()},
                **{f":{name}": value for name, value in ends.items()},
                **values,
            },
            **OLD_ON_FAILURE,
        }
        self._table.call("UpdateItem", payload, deadline, idempotent=True)

    def _touch_chunked(self, head: Item, end: float, deadline: Deadline) -> bool:
        """Prolong the chunks, then their head: it never names chunks that end before it."""
        end = min(end, self._clock.now() + CHUNKS_LIFETIME_S)
        pk = {"pk": head["pk"]}
        try:
            for chunk in self._names.chunks(head):
                self._prolong(chunk, end, "attribute_exists(v)", {}, deadline)
            self._prolong(pk, end, "g = :g", {":g": head["g"]}, deadline)
        except ConditionFailed:
            return False
        return True

    def discard(self, heads: list[Item], deadline: Deadline) -> None:
        chunks = [pk for head in heads for pk in self._names.chunks(head)]
        if chunks:
            self._table.write([deletion(pk) for pk in chunks], deadline)


def _bytes_of(item: Item) -> bytes | None:
    """What an item or a chunk holds; None where that is not what it says."""
    try:
        return binary(item["v"])
    except (KeyError, ValueError):
        return None
