"""Structured field values (RFC 9651): items, lists and dictionaries, read and written.

Python values stand for bare items:

    Integer   int               Token           Token("gzip")
    Decimal   float             Byte sequence   bytes
    String    str               Date            Date(1688169599), seconds since the epoch
    Boolean   bool              Display string  DisplayString("füü")

`Token` and `DisplayString` are strings and `Date` is an int, so a reader may use them as what they hold. A member of
a list or dictionary is an `Item` (a value with parameters) or an `InnerList` (items with parameters of their own);
writing accepts bare values, and Python lists for inner lists, in their place.

Reading is strict, as the RFC demands (section 4.2): one error anywhere and the whole field raises
`StructuredFieldError`; whether to ignore the field or to answer 400 is the caller's to say. Writing raises
`StructuredFieldError` for what no field can hold. Whatever is written reads back equal.
"""

from __future__ import annotations

from lanner.http.structured.reading import parse_dictionary, parse_item, parse_list
from lanner.http.structured.values import (
    BareItem,
    Date,
    DisplayString,
    InnerList,
    Item,
    Member,
    Params,
    StructuredFieldError,
    Token,
)
from lanner.http.structured.writing import serialise_dictionary, serialise_item, serialise_list

__all__ = [
    "BareItem",
    "Date",
    "DisplayString",
    "InnerList",
    "Item",
    "Member",
    "Params",
    "StructuredFieldError",
    "Token",
    "parse_dictionary",
    "parse_item",
    "parse_list",
    "serialise_dictionary",
    "serialise_item",
    "serialise_list",
]
