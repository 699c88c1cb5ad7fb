"""What moto gets wrong about DynamoDB's streams and transactions, put right in this process.

- A failed transaction puts copies of its tables in their place: iterators that were handed out before would read a
  stream that nobody writes to any more. They look for the table's present stream by every read.
- Each read makes an iterator that is never forgotten; the last `ITERATORS` are kept.
- An update that creates an item is recorded twice, first with its keys alone; a write that changes nothing is recorded
  although DynamoDB does not record it (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
- Every transaction copies its tables to the last value, once for each of its items: 5,000 items made one take over a
  second, and an import of 30,000 users 23 GB. Nothing is copied but the items that a transaction names; they are put
  back where it fails.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
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
    kept: dict[str, _Kept] = {}

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        kept.clear()
        for item in transact_items:
            for operation in item.values():
                name = str(operation.get("TableName"))
                if name in self.tables:
                    kept.setdefault(name, _Kept(self.tables[name])).keep(
                        operation.get("Key") or operation.get("Item") or {}
                    )
        try:
            transact(self, transact_items)
        except BaseException:
            for each in kept.values():
                each.put_back()
            raise
        finally:
            kept.clear()

    def copy_table(self: Any, _memo: dict[int, Any]) -> Any:
        if self.name in kept:
            return self  # moto's copy for a transaction that fails: what it replaces is put back here
        made = copy.copy(self)
        made.items = copy.deepcopy(self.items)
        if self.stream_shard is not None:
            made.stream_shard = copy.copy(self.stream_shard)
            made.stream_shard.items = list(self.stream_shard.items)
            made.stream_shard.table = made
        return made

    backend.transact_write_items = transact_write_items
    table.__deepcopy__ = copy_table


class _Kept:
    """What a transaction may change of one table, as it was before."""

    def __init__(self, table: Any) -> None:  # Any: moto's table
        self._table = table
        self._records = 0 if table.stream_shard is None else len(table.stream_shard.items)
        self._items: dict[tuple[Any, Any], Any] = {}

    def keep(self, key: dict[str, Any]) -> None:
        """Remember the item at a key, or that there is none."""
        table = self._table
        if table.hash_key_attr not in key:
            return  # malformed: moto says so itself
        hash_value = DynamoType(key[table.hash_key_attr])
        range_value = DynamoType(key[table.range_key_attr]) if table.range_key_attr in key else None
        place, at = self._place(hash_value, range_value)
        self._items[hash_value, range_value] = copy.deepcopy(place[at]) if at in place else None

    def put_back(self) -> None:
        """Make everything what it was."""
        table = self._table
        for (hash_value, range_value), item in self._items.items():
            place, at = self._place(hash_value, range_value)
            if item is not None:
                place[at] = item
            elif at in place:
                del place[at]
        if table.stream_shard is not None:
            del table.stream_shard.items[self._records :]

    def _place(self, hash_value: Any, range_value: Any) -> tuple[Any, Any]:
        """The mapping that an item is in, and its key there."""
        if self._table.range_key_attr is None:
            return self._table.items, hash_value
        return self._table.items[hash_value], range_value
