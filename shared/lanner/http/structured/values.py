"""The values of structured fields (RFC 9651 section 3), and the characters that their text is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DIGITS = frozenset("0123456789")
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
ALPHA = LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
KEY = LOWER | DIGITS | frozenset("_-.*")
TOKEN = ALPHA | DIGITS | frozenset("!#$%&'*+-.^_`|~:/")


class StructuredFieldError(ValueError):
    """The field is not what RFC 9651 allows; the message says what and where."""


class Token(str):
    """A token: an unquoted word such as `gzip`."""

    __slots__ = ()


class DisplayString(str):
    """A string of Unicode, meant for people."""

    __slots__ = ()


class Date(int):
    """A point in time, in whole seconds since the epoch."""

    __slots__ = ()


BareItem = bool | int | float | str | bytes
Params = dict[str, BareItem]


class Item:
    """A bare value and its parameters."""

    __slots__ = ("params", "value")

    def __init__(self, value: BareItem, params: Mapping[str, BareItem] | None = None) -> None:
        self.value = value
        self.params: Params = dict(params or {})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            return NotImplemented
        return _same(self.value, other.value) and _same_params(self.params, other.params)

    __hash__ = None  # type: ignore[assignment]  # parameters are a mapping

    def __repr__(self) -> str:
        return f"Item({self.value!r}, {self.params!r})" if self.params else f"Item({self.value!r})"


class InnerList:
    """Several items in parentheses, and parameters of the whole."""

    __slots__ = ("items", "params")

    def __init__(self, items: Sequence[Item | BareItem], params: Mapping[str, BareItem] | None = None) -> None:
        self.items = [item if isinstance(item, Item) else Item(item) for item in items]
        self.params: Params = dict(params or {})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InnerList):
            return NotImplemented
        return self.items == other.items and _same_params(self.params, other.params)

    __hash__ = None  # type: ignore[assignment]  # a list

    def __repr__(self) -> str:
        return f"InnerList({self.items!r}, {self.params!r})" if self.params else f"InnerList({self.items!r})"


Member = Item | InnerList
Writable = Member | BareItem | Sequence[Item | BareItem]


def _same(one: BareItem, other: BareItem) -> bool:
    """Equal and of one kind: `1`, `1.0` and `?1` are three values here, as are `"a"` and the token `a`."""
    return type(one) is type(other) and one == other


def _same_params(one: Params, other: Params) -> bool:
    return list(one) == list(other) and all(_same(value, other[name]) for name, value in one.items())
