"""What moto gets wrong about DynamoDB's streams and transactions, put right in this process.

- A failed transaction puts copies of its tables in their place: iterators that were handed out before would read a
  stream that nobody writes to any more. They look for the table's present stream by every read.
- Each read makes an iterator that is never forgotten; the last `ITERATORS` are kept.
- An update that creates an item is recorded twice, first with its keys alone; a write that changes nothing is recorded
  although DynamoDB does not record it (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
- Every transaction copies its tables to the last value, streams included: 5,000 items made one take over a second. Only
  the items that it names are copied.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import StreamShard, Table
from moto.dynamodbstreams import models as stream_models

ITERATORS = 1_000


def install() -> None:
    """Apply all of it."""
    _follow_tables()
    _record_once()
    _copy_what_is_written()


def _follow_tables() -> None:
    iterator: Any = stream_models.ShardIterator  # Any: its method is replaced
    get = iterator.get

    def read(self: Any, limit: int = 1000) -> dict[str, Any]:
        tables = self.streams_backend.dynamodb.tables
        table = tables.get(self.stream_shard.table.name)
        if table is not None and table.stream_shard is not None:
            self.stream_shard = table.stream_shard
        page: dict[str, Any] = get(self, limit)
        known = self.streams_backend.shard_iterators
        while len(known) > ITERATORS:
            del known[next(iter(known))]
        return page

    iterator.get = read


def _record_once() -> None:
    shard: Any = StreamShard
    backend: Any = DynamoDBBackend
    add, update = shard.add, backend.update_item

    def record(self: Any, old: Any, new: Any) -> None:
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        add(self, old, new)

    def update_item(self: Any, table_name: str, *arguments: Any, **named: Any) -> Any:
        stream = self.get_table(table_name).stream_shard
        before = len(stream.items) if stream is not None else 0
        item = update(self, table_name, *arguments, **named)
        if stream is not None and len(stream.items) == before + 2:
            last = stream.items.pop().record
            last["dynamodb"]["SequenceNumber"] = stream.items[before].record["dynamodb"]["SequenceNumber"]
            stream.items[before].record = last
        return item

    shard.add = record
    backend.update_item = update_item


def _copy_what_is_written() -> None:
    backend: Any = DynamoDBBackend
    table: Any = Table
    transact = backend.transact_write_items
    written: dict[str, list[dict[str, Any]]] = {}

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        written.clear()
        for item in transact_items:
            for operation in item.values():
                written.setdefault(str(operation.get("TableName")), []).append(
                    operation.get("Key") or operation.get("Item") or {}
                )
        try:
            transact(self, transact_items)
        finally:
            written.clear()

    def copy_table(self: Any, _memo: dict[int, Any]) -> Any:
        made = copy.copy(self)
        made.items = _copied(self, written.get(self.name))
        if self.stream_shard is not None:
            made.stream_shard = copy.copy(self.stream_shard)
            made.stream_shard.items = list(self.stream_shard.items)
            made.stream_shard.table = made
        return made

    backend.transact_write_items = transact_write_items
    table.__deepcopy__ = copy_table


def _copied(table: Any, keys: list[dict[str, Any]] | None) -> Any:
    """A snapshot of the items: those at `keys` in mappings and copies of their own, all of them without keys."""
    made = copy.copy(table.items)
    if keys is None:
        return copy.deepcopy(made)
    for hash_value, range_value in _places(table, keys):
        if hash_value not in made:
            continue
        if table.range_key_attr is None:
            made[hash_value] = copy.deepcopy(made[hash_value])
            continue
        place = made[hash_value]
        if place is table.items[hash_value]:
            place = made[hash_value] = dict(place)
        if range_value in place:
            place[range_value] = copy.deepcopy(place[range_value])
    return made


def _places(table: Any, keys: list[dict[str, Any]]) -> Iterator[tuple[Any, Any]]:
    from moto.dynamodb.models.dynamo_type import DynamoType

    for key in keys:
        if table.hash_key_attr not in key:
            continue  # malformed: moto says so itself
        range_value = DynamoType(key[table.range_key_attr]) if table.range_key_attr in key else None
        yield DynamoType(key[table.hash_key_attr]), range_value
