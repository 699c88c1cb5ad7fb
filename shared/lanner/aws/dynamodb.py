"""DynamoDB's AttributeValue form of Python values, for the JSON that the wire carries.

    str            {"S": "..."}          bool   {"BOOL": true}      set[str]            {"SS": [...]}
    int, Decimal   {"N": "..."}          None   {"NULL": true}      set[int | Decimal]  {"NS": [...]}
    bytes          {"B": "<base64>"}     list   {"L": [...]}        set[bytes]          {"BS": ["<base64>", ...]}
                                         dict   {"M": {...}}

`from_item(to_item(x)) == x` for every `x` that is accepted. Refused with a sentence that says why: float (its decimal
digits are not what was computed: use Decimal), NaN and infinities, more than 38 significant digits or a magnitude
outside 1E-130 to 9.99E+125, empty or mixed sets, keys that are not strings, nesting deeper than 32 levels, other types.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

AttributeValue: TypeAlias = "dict[str, Any]"
"""One tagged value; `Any` because the tag decides the type."""

MAX_DIGITS = 38
MIN_EXPONENT = -130
MAX_EXPONENT = 125
MAX_DEPTH = 32
_INT_BOUND = 10**MAX_DIGITS


class UnstorableValue(TypeError):
    """A value has no AttributeValue form; the message says which and why."""


def to_item(attributes: Mapping[str, object]) -> dict[str, AttributeValue]:
    """An item in AttributeValue form. Raises `UnstorableValue`, naming the attribute."""
    item: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if type(name) is not str:
            raise UnstorableValue(f"an attribute's name is a string, not {name!r}")
        try:
            item[name] = to_value(value)
        except UnstorableValue as error:
            raise UnstorableValue(f"attribute {name!r}: {error}") from None
    return item


def from_item(item: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """The values of an item in AttributeValue form. Raises `ValueError`, naming the attribute."""
    attributes: dict[str, Any] = {}
    for name, value in item.items():
        try:
            attributes[name] = from_value(value)
        except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"attribute {name!r} is not an AttributeValue: {error}") from error
    return attributes


def to_value(value: object, depth: int = 0) -> AttributeValue:
    """One value in AttributeValue form; `depth` is how many lists and maps hold it. Raises `UnstorableValue`."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    encode = _ENCODERS.get(kind)
    if encode is not None:
        return encode(value, depth)
    if kind.__name__ == "Decimal":
        return {"N": _number(value)}
    if kind is float:
        raise UnstorableValue(f"the float {value!r} has no exact decimal form; use Decimal or int")
    raise UnstorableValue(f"{kind.__name__} has no DynamoDB type; use str, int, Decimal, bytes, bool, None, list, dict")


def from_value(value: AttributeValue) -> Any:
    """The Python value of one AttributeValue; what it is depends on the tag. Raises `ValueError`."""
    if len(value) != 1:
        raise ValueError(f"one tag expected, not {sorted(value)}")
    ((tag, content),) = value.items()
    if tag == "S":
        return content
    decode = _DECODERS.get(tag)
    if decode is None:
        raise ValueError(f"unknown tag {tag!r}")
    return decode(content)


def _list(value: Any, depth: int) -> AttributeValue:
    _check_depth(depth)
    return {"L": [to_value(element, depth + 1) for element in value]}


def _map(value: Any, depth: int) -> AttributeValue:
    _check_depth(depth)
    for key in value:
        if type(key) is not str:
            raise UnstorableValue(f"a map's key is a string, not {key!r}")
    return {"M": {key: to_value(element, depth + 1) for key, element in value.items()}}


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise UnstorableValue(f"lists and maps nest deeper than {MAX_DEPTH} levels")


def _set(value: Any, _depth: int) -> AttributeValue:
    kinds = {"N" if kind is int or kind.__name__ == "Decimal" else kind.__name__ for kind in map(type, value)}
    if kinds == {"str"}:
        return {"SS": sorted(value)}
    if kinds == {"N"}:
        return {"NS": [_number(element) for element in value]}
    if kinds == {"bytes"}:
        return {"BS": [_binary(element) for element in sorted(value)]}
    raise UnstorableValue("a set holds at least one element, and only str, only bytes or only numbers")


def _number(value: Any) -> str:
    if type(value) is int:
        if -_INT_BOUND < value < _INT_BOUND:
            return str(value)
        from decimal import Decimal

        value = Decimal(value)
    if not value.is_finite():
        raise UnstorableValue(f"{value} is not a number that DynamoDB stores")
    _, digits, exponent = value.as_tuple()
    stripped = "".join(map(str, digits)).strip("0") if any(digits) else ""
    if not stripped:
        return "0"
    if len(stripped) > MAX_DIGITS:
        raise UnstorableValue(f"a number of {len(stripped)} significant digits; DynamoDB keeps {MAX_DIGITS}")
    if not MIN_EXPONENT <= len(digits) + exponent - 1 <= MAX_EXPONENT:
        raise UnstorableValue(f"a number outside 1E{MIN_EXPONENT} to 9.99E+{MAX_EXPONENT}")
    return str(value)


def _binary(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


def _parse_number(text: str) -> int | Decimal:
    if text.isdigit() or (text[:1] == "-" and text[1:].isdigit()):
        return int(text)
    from decimal import Decimal

    return Decimal(text)


def _parse_binary(text: str) -> bytes:
    return a2b_base64(text.encode("ascii"), strict_mode=True)


_ENCODERS: dict[type, Callable[[Any, int], AttributeValue]] = {
    int: lambda value, _: {"N": _number(value)},
    bool: lambda value, _: {"BOOL": value},
    type(None): lambda _value, _depth: {"NULL": True},
    bytes: lambda value, _: {"B": _binary(value)},
    list: _list,
    dict: _map,
    set: _set,
    frozenset: _set,
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "N": _parse_number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "B": _parse_binary,
    "L": lambda elements: [from_value(element) for element in elements],
    "M": lambda members: {name: from_value(member) for name, member in members.items()},
    "SS": set,
    "NS": lambda numbers: {_parse_number(number) for number in numbers},
    "BS": lambda binaries: {_parse_binary(binary) for binary in binaries},
}
