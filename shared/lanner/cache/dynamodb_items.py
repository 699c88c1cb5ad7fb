"""A cache's items in a DynamoDB table: their names, attributes and sizes.

    pk       S  `<prefix>|<key>`; other records of the cache are `<prefix>%|...` (`lanner.cache.naming`)
    v        B  the value; absent where `n` or `g` is there
    n        N  a counter
    g, c     S, N  the generation and number of the chunks of a value that one item cannot hold
    x        N  the end in seconds since the epoch, as exact as the clock; absent for ever
    expires  N  the same rounded up to a second, for the table's TTL, which deletes "within a few days"
    o        S  a random token of the write that made the item, to know one's own after a retry
    t        B  the token that holds a lease
    k        B  the whole key, where it is longer than a partition key may be and `pk` has its hash

Limits: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html.
"""

from __future__ import annotations

import os
from binascii import a2b_base64, b2a_base64
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from lanner.cache.naming import check_key, digest, entry_space, own_space, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

TTL_ATTRIBUTE = "expires"
TABLE_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
"""What CreateTable and the template have in common. `Any`: DynamoDB's JSON."""

KEY_LIMIT = 2048
PREFIX_LIMIT = 512
CHUNK_BYTES = 350 * 1024
"""Of the 400 KB of an item, which names and other attributes share."""

CHUNKS_LIFETIME_S = 365 * 24 * 3600.0
"""Chunks always have an end, so that none stays when its head is gone: a large value for ever is one for a year."""

MOST_CHUNKS = 4096
"""More than a gigabyte: what names more was not stored by us."""

_LATEST = 1e15
_KINDS = {"pk": "S", "v": "B", "n": "N", "g": "S", "c": "N", "x": "N", "o": "S", "t": "B", "k": "B"}

Item: TypeAlias = "dict[str, Any]"
"""DynamoDB's AttributeValue form; `Any` because the tag decides the type."""


class Names:
    """The partition keys of one cache."""

    __slots__ = ("entries", "own")

    def __init__(self, prefix: str) -> None:
        space = prefix if len(to_bytes(prefix)) <= PREFIX_LIMIT and _is_text(prefix) else f"#{digest(to_bytes(prefix))}"
        self.entries = entry_space(space)
        self.own = own_space(space)

    def entry(self, key: str) -> Item:
        """The key of an entry."""
        return _key(self.entries, f"{self.own}h", check_key(key))

    def lease(self, key: str) -> Item:
        """The key of a lease."""
        return _key(f"{self.own}l", f"{self.own}m", check_key(key))

    def chunk(self, generation: str, number: int) -> Item:
        """The key of a chunk."""
        return {"pk": {"S": f"{self.own}c{generation}|{number}"}}

    def chunks(self, head: Mapping[str, Any]) -> list[Item]:
        """The keys of the chunks that a head names."""
        if "g" not in head:
            return []
        return [self.chunk(head["g"]["S"], number) for number in range(int(head["c"]["N"]))]

    def key_of(self, item: Mapping[str, Any]) -> str | None:
        """The key of the entry that an item is; None for a chunk."""
        name: str = item["pk"]["S"]
        if name.startswith((f"{self.own}h", f"{self.own}m")):
            return binary(item["k"]).decode("utf-8", "surrogatepass") if "k" in item else None
        if name.startswith(f"{self.own}l"):
            return name[len(self.own) + 1 :]
        return name[len(self.entries) :] if name.startswith(self.entries) else None

    def record(self, pk: Item, key: str, **attributes: Item) -> Item:
        """An item under `pk`, with its whole key where `pk` has only its hash, and a token of this write."""
        item = {**pk, "o": {"S": token()}, **attributes}
        if pk["pk"]["S"].startswith((f"{self.own}h", f"{self.own}m")):
            item["k"] = to_binary(to_bytes(key))
        return item

    def is_entry(self, item: Mapping[str, Any]) -> bool:
        """Whether an item is an entry, and no lease or chunk."""
        return item["pk"]["S"].startswith((self.entries, f"{self.own}h"))  # type: ignore[no-any-return]


def is_ours(item: Any) -> bool:  # Any: whatever an answer holds
    """Whether an item, or what was asked of it, is as this module makes them: others in the table are not looked at."""
    if type(item) is not dict or "pk" not in item:
        return False
    for name, held in item.items():
        kind = _KINDS.get(name)
        if kind is None:
            continue
        text = held.get(kind) if type(held) is dict else None
        if type(text) is not str or (kind == "N" and not _is_number(text)):
            return False
    return "g" not in item or ("c" in item and 0 < float(item["c"]["N"]) <= MOST_CHUNKS)


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def token() -> str:
    """A random token: of a write, or of a generation of chunks."""
    return os.urandom(12).hex()


def number(value: float) -> Item:
    """An instant as DynamoDB has numbers: the shortest digits that are this float."""
    return {"N": repr(value)}


def binary(value: Item) -> bytes:
    """The bytes of a binary attribute."""
    return a2b_base64(value["B"].encode("ascii"))


def to_binary(value: bytes) -> Item:
    """A binary attribute."""
    return {"B": b2a_base64(value, newline=False).decode("ascii")}


def lifetime(end: float) -> Item:
    """The attributes that say when an item ends; none for ever."""
    if end == inf:
        return {}
    end = min(end, _LATEST)
    return {"x": number(end), TTL_ATTRIBUTE: {"N": str(ceil(end))}}


def end_of(item: Mapping[str, Any]) -> float:
    """When an item ends; infinity for ever."""
    return float(item["x"]["N"]) if "x" in item else inf


def _key(space: str, hashed: str, key: str) -> Item:
    if len(space) + len(key) > KEY_LIMIT or not _is_text(key) or len((space + key).encode()) > KEY_LIMIT:
        return {"pk": {"S": hashed + digest(to_bytes(key))}}
    return {"pk": {"S": space + key}}


def text_start(text: str) -> str:
    """The longest start of it that can be in JSON: lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return text[: error.start]
    return text


def _is_text(text: str) -> bool:
    return text_start(text) == text
