"""Users in the order of their creation: a merge of the index's partitions, reading about a page for a page.

Each partition is read in small pieces, first its even share of what is wanted and a little more, then less, and only
when the merge has used up what it had. So the items read are a page's worth however many users there are, and a
page costs one query per partition as long as the ids are spread evenly (they are hashed).

The index is eventually consistent: a user appears in lists, and disappears from them, moments after the write.
"""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from domain import ids
from domain.users import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.dynamodb import Item
    from domain.users.model import User

SPARE = 2
"""Items beyond an even share: most pages then need no second query."""


class Page:
    """Some users in order, and whether there are others in front of and behind them."""

    __slots__ = ("has_next", "has_prev", "users")

    def __init__(self, users: list[User], has_prev: bool, has_next: bool) -> None:
        self.users = users
        self.has_prev = has_prev
        self.has_next = has_next


def forward(limit: int, after: str | None = None, floor: str = ids.FIRST) -> Page:
    """At most `limit` users behind the id `after`, none of them in front of the id `floor`."""
    first = floor if after is None else max(floor, ids.after(after))
    found = list(islice(_walk(first, ids.LAST, limit + 1), limit + 1))
    return Page([store.from_item(item) for item in found[:limit]], after is not None, len(found) > limit)


def backward(limit: int, before: str, floor: str = ids.FIRST) -> Page:
    """The `limit` users nearest in front of the id `before`, in the same order as forward."""
    found = list(islice(_walk(floor, ids.before(before), limit + 1, ahead=False), limit + 1))
    return Page([store.from_item(item) for item in reversed(found[:limit])], len(found) > limit, True)


def skip(count: int) -> str | None:
    """The id of the user number `count` from the start, so that a page can begin behind it; None where there are fewer.

    Reads `count` keys: callers bound it.
    """
    found = list(islice(_walk(ids.FIRST, ids.LAST, count, ids_only=True), count))
    return found[-1]["id"]["S"] if len(found) == count and found else None


def _walk(first: str, last: str, wanted: int, *, ahead: bool = True, ids_only: bool = False) -> Iterator[Item]:
    if first > last:
        return iter(())
    share = -(-wanted // store.SHARDS) + SPARE
    partitions = [_partition(shard, first, last, share, ahead, ids_only) for shard in range(store.SHARDS)]
    return merge(*partitions, key=_id, reverse=not ahead)


def _partition(shard: int, first: str, last: str, size: int, ahead: bool, ids_only: bool) -> Iterator[Item]:
    while first <= last:
        items, more = store.between(shard, first, last, size, ahead, ids_only)
        yield from items
        if not more or not items:
            return
        if ahead:
            first = ids.after(_id(items[-1]))
        else:
            last = ids.before(_id(items[-1]))
        size = max(SPARE, -(-size // 2))


def _id(item: Item) -> str:
    found: str = item["id"]["S"]
    return found
