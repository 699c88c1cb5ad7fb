"""AttributeValue round trips, and what has no AttributeValue."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import orjson
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from lanner.aws.dynamodb import MAX_DEPTH, UnstorableValue, from_item, from_value, to_item, to_value

INTS = st.integers(-(10**38) + 1, 10**38 - 1)
DECIMALS = st.tuples(INTS, st.integers(-90, 80)).map(lambda pair: Decimal(pair[0]).scaleb(pair[1]))
NUMBERS = INTS | DECIMALS
SETS = st.sets(st.text(), min_size=1) | st.sets(st.binary(), min_size=1) | st.sets(NUMBERS, min_size=1).map(frozenset)
SCALARS = st.text() | NUMBERS | st.booleans() | st.none() | st.binary()
VALUES = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=6))
def test_items_survive_the_wire(attributes: dict[str, object]) -> None:
    """Through AttributeValues, JSON and back, every value is equal to what went in."""
    assert from_item(orjson.loads(orjson.dumps(to_item(attributes)))) == attributes


def plain(value: Any) -> Any:
    """boto3's form of one of our AttributeValues: bytes where JSON has base64."""
    if isinstance(value, dict) and set(value) == {"B"} and isinstance(value["B"], str):
        return {"B": base64.b64decode(value["B"])}
    if isinstance(value, dict) and set(value) == {"BS"}:
        return {"BS": [base64.b64decode(entry) for entry in value["BS"]]}
    if isinstance(value, dict) and set(value) == {"L"}:
        return {"L": [plain(entry) for entry in value["L"]]}
    if isinstance(value, dict) and set(value) == {"M"}:
        return {"M": {key: plain(entry) for key, entry in value["M"].items()}}
    return value


@given(VALUES)
def test_boto3_reads_what_we_write(value: object) -> None:
    """boto3's deserializer understands our AttributeValues as the same value."""
    read = TypeDeserializer().deserialize(plain(to_value(value)))
    assert to_value(_without_binary(read)) == to_value(_without_binary(value)) or read == value


def _without_binary(value: object) -> object:
    """boto3 wraps bytes in its own class; unwrap it."""
    if type(value).__name__ == "Binary":
        return bytes(value.value)  # type: ignore[attr-defined]
    if isinstance(value, list):
        return [_without_binary(entry) for entry in value]
    if isinstance(value, (set, frozenset)):
        return {_without_binary(entry) for entry in value}
    if isinstance(value, dict):
        return {key: _without_binary(entry) for key, entry in value.items()}
    return value


@pytest.mark.parametrize(
    "value", [0, -1, Decimal("1.50"), Decimal("1E+125"), Decimal("-1E-130"), True, None, "", b"", [], {}]
)
def test_writes_the_tags_that_boto3_writes(value: object) -> None:
    """Scalars and empty containers have the same tag in both."""
    assert set(to_value(value)) == set(TypeSerializer().serialize(value))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.5, "use Decimal"),
        (Decimal("NaN"), "not a number that DynamoDB stores"),
        (Decimal("-Infinity"), "not a number that DynamoDB stores"),
        (10**38 + 1, "39 significant digits"),
        (Decimal("1E+126"), "outside 1E-130 to 9.99E\\+125"),
        (Decimal("1E-131"), "outside 1E-130"),
        (set(), "at least one element"),
        ({1, "a"}, "only numbers"),
        ({True, 2}, "only numbers"),
        ({1: "a"}, "key is a string"),
        ((1, 2), "tuple has no DynamoDB type"),
        (bytearray(b"a"), "bytearray has no DynamoDB type"),
        (object(), "object has no DynamoDB type"),
    ],
)
def test_refuses_by_name_what_it_cannot_keep(value: object, said: str) -> None:
    """The error names the attribute, and what would be right."""
    with pytest.raises(UnstorableValue, match=rf"^attribute 'bad': .*{said}"):
        to_item({"good": 1, "bad": value})


def test_takes_large_round_integers() -> None:
    """What counts is the significant digits, not the length."""
    assert from_value(to_value(10**100)) == 10**100


def test_limits_the_depth() -> None:
    """DynamoDB's 32 levels pass, one more does not."""
    value: object = "leaf"
    for _ in range(MAX_DEPTH):
        value = [value]
    assert from_value(to_value(value)) == value
    with pytest.raises(UnstorableValue, match="deeper than 32"):
        to_value([value])


@pytest.mark.parametrize(
    "value", [{}, {"S": "a", "N": "1"}, {"X": 1}, {"N": "one"}, {"N": ""}, {"B": "***"}, {"L": None}, {"M": 1}]
)
def test_refuses_what_is_not_an_attribute_value(value: dict[str, object]) -> None:
    """A damaged stored value is a ValueError that names the attribute."""
    with pytest.raises(ValueError, match="attribute 'a'"):
        from_item({"a": value})


def test_refuses_a_name_that_is_no_string() -> None:
    """Attribute names are strings."""
    with pytest.raises(UnstorableValue, match="name is a string"):
        to_item({1: "a"})  # type: ignore[dict-item]
