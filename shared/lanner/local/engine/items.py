"""DynamoDB's items in moto: what costs more the more items a table has, or the more attributes an item.

- A query looks at its partition, or at the items of its index's partition, and not at the whole table in order.
- Items are put in order by the values that moto compares, read once an item and not twice a comparison.
- A new item's size is added up as its attributes come, not anew by each.

moto's own code filters, sorts, pages, projects and refuses; it is given fewer items, never others.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize

LARGEST = 405_000  # bytes, moto's limit of an item: between the documented 400 KB and what AWS takes


def install() -> None:
    """Apply all of it."""
    table: Any = Table  # Any: its methods are replaced
    table.all_items = _all_items
    _query_a_partition()
    item: Any = Item
    item.__init__ = _initialize


def _all_items(table: Any) -> list[Any]:
    if table.range_key_attr:
        return _in_order([item for place in table.items.values() for item in place.values()])
    return _in_order(list(table.items.values()))


def _in_order(items: list[Any]) -> list[Any]:
    """By hash and range key: a table's keys have one type each, so their values order them alone."""
    return sorted(items, key=_place)


def _place(item: Any) -> Any:
    if item.range_key:
        return item.hash_key.cast_value, item.range_key.cast_value
    return item.hash_key.cast_value


def _query_a_partition() -> None:
    table: Any = Table
    query = table.query

    def narrowed(
        self: Any,
        hash_key: Any,
        range_comparison: Any,
        range_objs: Any,
        limit: Any,
        exclusive_start_key: Any,
        scan_index_forward: Any,
        projection_expressions: Any,
        index_name: Any = None,
        *more: Any,
        hash_key_conditions: Any = None,
        **named: Any,
    ) -> Any:
        found = _index_partition(self, hash_key_conditions) if index_name else _partition(self, hash_key)
        if found is not None:
            ordered = _in_order(found)
            self.all_items = lambda: ordered  # what moto's query begins with
        try:
            where = limit, exclusive_start_key, scan_index_forward, projection_expressions, index_name
            named["hash_key_conditions"] = hash_key_conditions
            return query(self, hash_key, range_comparison, range_objs, *where, *more, **named)
        finally:
            vars(self).pop("all_items", None)

    table.query = narrowed


def _partition(table: Any, hash_key: Any) -> list[Any] | None:
    """The items of a hash key; None where moto is to look at all of them, and to refuse what it refuses."""
    if hash_key is None or hash_key.type != table.hash_key_type:
        return None
    try:
        place = table.items.get(hash_key)
    except (TypeError, ArithmeticError):  # no value of a key: a number without digits
        return None
    if place is None:
        return []
    return list(place.values()) if table.range_key_attr else [place]


def _index_partition(table: Any, conditions: Any) -> list[Any] | None:
    """The items with an index's hash keys; None without conditions."""
    if not conditions:
        return None
    places = table.items.values()
    items = (item for place in places for item in place.values()) if table.range_key_attr else places
    return [item for item in items if all(_same(item.attrs.get(name), value) for name, value in conditions)]


def _same(value: Any, wanted: Any) -> bool:
    if value is None or value.type != wanted.type:
        return False
    if value.type == "S":
        return bool(value.value == wanted.value)
    return bool(value == wanted)


def _initialize(item: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    item.hash_key, item.range_key = hash_key, range_key
    item.attrs = LimitedSizeDict()
    size = 0
    for name, value in attrs.items():
        made = DynamoType(value)
        size += bytesize(name) + made.size()
        if size > LARGEST:
            raise ItemSizeTooLarge
        dict.__setitem__(item.attrs, name, made)
