"""Structured fields: what is written reads back equal, and no text does worse than a `StructuredFieldError`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lanner.http.structured import (
    Date,
    DisplayString,
    InnerList,
    Item,
    StructuredFieldError,
    Token,
    parse_dictionary,
    parse_item,
    parse_list,
    serialise_dictionary,
    serialise_item,
    serialise_list,
)

LOWER = "abcdefghijklmnopqrstuvwxyz"
KEYS = st.builds(str.__add__, st.sampled_from(LOWER + "*"), st.text(st.sampled_from(LOWER + "019_-.*"), max_size=8))
TOKEN_REST = st.text(st.sampled_from(LOWER + "AZ09!#$%&'*+-.^_`|~:/"), max_size=8)
TOKENS = st.builds(lambda first, rest: Token(first + rest), st.sampled_from("azAZ*"), TOKEN_REST)
INTEGERS = st.integers(-999_999_999_999_999, 999_999_999_999_999)
DECIMALS = INTEGERS.map(lambda thousandths: thousandths / 1000)
BARE: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    INTEGERS,
    DECIMALS,
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    TOKENS,
    st.binary(max_size=20),
    INTEGERS.map(Date),
    st.text(st.characters(codec="utf-8"), max_size=20).map(DisplayString),
)
PARAMS = st.dictionaries(KEYS, BARE, max_size=3)
ITEMS = st.builds(Item, BARE, PARAMS)
INNER = st.builds(InnerList, st.lists(ITEMS, max_size=3), PARAMS)
MEMBERS: st.SearchStrategy[Any] = st.one_of(ITEMS, INNER)
SYNTAX = st.text(st.sampled_from(list('",;=*()?:@%\\ \t.-01aZ~üc3')), max_size=40)


@given(ITEMS)
def test_an_item_reads_back(item: Item) -> None:
    """Every type, with parameters in their order."""
    assert parse_item(serialise_item(item)) == item


@given(st.lists(MEMBERS, max_size=5))
def test_a_list_reads_back(members: list[Any]) -> None:
    """Items and inner lists."""
    assert parse_list(serialise_list(members)) == members


@given(st.dictionaries(KEYS, MEMBERS, max_size=5))
def test_a_dictionary_reads_back(members: dict[str, Any]) -> None:
    """In its order; true written as nothing."""
    found = parse_dictionary(serialise_dictionary(members))
    assert found == members
    assert list(found) == list(members)


@given(st.one_of(SYNTAX, st.text(max_size=40)))
def test_what_reads_writes_and_reads_the_same(text: str) -> None:
    """The canonical form of anything that parses means the same; what does not parse says so in one way."""
    pairs: tuple[tuple[Callable[[str], Any], Callable[[Any], str]], ...] = (
        (parse_item, serialise_item),
        (parse_list, serialise_list),
        (parse_dictionary, serialise_dictionary),
    )
    for parse, serialise in pairs:
        try:
            value = parse(text)
        except StructuredFieldError as error:
            assert "expected" in str(error)
        else:
            canonical = serialise(value)
            assert parse(canonical) == value
            assert serialise(parse(canonical)) == canonical


@given(st.one_of(st.floats(), st.integers(), st.text(max_size=10), st.none(), st.lists(st.none(), max_size=2)))
def test_what_is_written_is_a_field_or_refused(value: Any) -> None:
    """No Python value becomes text that a recipient could not read."""
    try:
        text = serialise_item(value)
    except StructuredFieldError:
        return
    assert serialise_item(parse_item(text)) == text
