"""Structured fields, written: the algorithms of RFC 9651 section 4.1."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any

from lanner.http.structured.values import (
    ALPHA,
    KEY,
    LOWER,
    TOKEN,
    BareItem,
    Date,
    DisplayString,
    InnerList,
    Item,
    StructuredFieldError,
    Token,
    Writable,
)

MAX_INTEGER = 999_999_999_999_999  # section 3.3.1
MAX_WHOLE = 999_999_999_999  # of a decimal, section 3.3.2


def serialise_item(value: Item | BareItem) -> str:
    """One item as text."""
    if isinstance(value, Item):
        return _bare(value.value) + _params(value.params)
    return _bare(value)


def serialise_list(members: Sequence[Writable]) -> str:
    """A list as text; an empty one is "", and the field is then not sent (section 4.1)."""
    return ", ".join(_member(member) for member in members)


def serialise_dictionary(members: Mapping[str, Writable]) -> str:
    """A dictionary as text; an empty one is "", and the field is then not sent."""
    pieces = []
    for key, member in members.items():
        if member is True:
            pieces.append(_key(key))
        elif isinstance(member, Item) and member.value is True:
            pieces.append(_key(key) + _params(member.params))
        else:
            pieces.append(f"{_key(key)}={_member(member)}")
    return ", ".join(pieces)


def _member(member: Writable) -> str:
    if isinstance(member, InnerList):
        return f"({' '.join(serialise_item(item) for item in member.items)}){_params(member.params)}"
    if isinstance(member, (list, tuple)):
        return _member(InnerList(member))
    single: Any = member  # Any: what is left is an Item or a bare value, and anything else is refused there
    return serialise_item(single)


def _params(params: Mapping[str, BareItem]) -> str:
    return "".join(f";{_key(name)}" + ("" if value is True else f"={_bare(value)}") for name, value in params.items())


def _key(key: str) -> str:
    if not key or not KEY.issuperset(key) or (key[0] not in LOWER and key[0] != "*"):
        raise StructuredFieldError(f"a key is lower-case letters, digits and _-.*, begun by a letter or *; not {key!r}")
    return key


def _bare(value: BareItem) -> str:
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, Date):
        return f"@{_integer(value)}"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, Token):
        return _token(value)
    if isinstance(value, DisplayString):
        return _display_string(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bytes):
        return f":{b2a_base64(value, newline=False).decode()}:"
    raise StructuredFieldError(f"a structured field holds no {type(value).__name__}")


def _integer(value: int) -> str:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise StructuredFieldError(f"an integer has at most 15 digits, not {value}")
    return str(int(value))


def _decimal(value: float) -> str:
    """At most three decimals, ties to even (section 4.1.5), judged on the number as it is written in decimal."""
    from decimal import ROUND_HALF_EVEN, Decimal

    exact = Decimal(repr(value))
    if exact.is_finite() and abs(exact) <= MAX_WHOLE + 1:  # quantize gives up on what is far too large
        exact = exact.quantize(Decimal("0.001"), ROUND_HALF_EVEN)
    if not exact.is_finite() or abs(exact) >= MAX_WHOLE + 1:
        raise StructuredFieldError(f"a decimal has at most 12 digits before its point, not {value}")
    text = f"{exact:f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _token(value: str) -> str:
    if not value or not TOKEN.issuperset(value) or (value[0] not in ALPHA and value[0] != "*"):
        raise StructuredFieldError(f"a token is a word begun by a letter or *, without spaces or quotes; not {value!r}")
    return str(value)


def _string(value: str) -> str:
    if not all(" " <= character <= "~" for character in value):
        raise StructuredFieldError(f"a string is printable ASCII (DisplayString takes the rest), not {value!r}")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _display_string(value: str) -> str:
    try:
        raw = value.encode()
    except UnicodeEncodeError as error:
        raise StructuredFieldError("a display string is Unicode text, without lone surrogates") from error
    escaped = (chr(byte) if 0x20 <= byte <= 0x7E and byte not in b'%"' else f"%{byte:02x}" for byte in raw)
    return f'%"{"".join(escaped)}"'
