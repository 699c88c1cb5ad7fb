"""Cursors: what was encoded comes back, and nothing else is ever believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lanner.http.pagination import Cursor, CursorCodec, offset, page_links, page_size
from lanner.http.problems import BadRequest

CODEC = CursorCodec([b"k" * 32])
SCOPE = "v2/users"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.one_of(TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.none())
POSITIONS = st.lists(VALUES, max_size=4)
FILTERS = st.dictionaries(TEXT, VALUES, max_size=3)


def refused(text: str, scope: str = SCOPE, filters: dict[str, Any] | None = None) -> bool:
    """Whether a cursor is refused as the client's mistake; any other exception fails the test."""
    try:
        CODEC.decode(text, scope=scope, filters=filters or {})
    except BadRequest as error:
        return error.slug == "invalid-cursor" and error.status == 400
    return False


@given(POSITIONS, FILTERS, TEXT, st.sampled_from(["next", "prev"]))
def test_a_cursor_reads_back(position: list[Any], filters: dict[str, Any], scope: str, direction: Any) -> None:
    """Any small JSON list, any filters, any scope."""
    text = CODEC.encode(position, scope=scope, filters=filters, direction=direction)
    assert CODEC.decode(text, scope=scope, filters=filters) == Cursor(position, direction)
    assert set(text) <= set(ALPHABET)


@given(POSITIONS, st.data())
def test_no_character_can_be_changed(position: list[Any], data: st.DataObject) -> None:
    """Each character of the text is protected, those of the signature and of base64's loose end too."""
    text = CODEC.encode(position, scope=SCOPE, filters={})
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != text[place])
    assert refused(text[:place] + other + text[place + 1 :])


@given(POSITIONS, st.data())
def test_nothing_can_be_cut_off_put_in_or_added(position: list[Any], data: st.DataObject) -> None:
    """Neither at the ends nor in the middle."""
    text = CODEC.encode(position, scope=SCOPE, filters={})
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    middle = data.draw(st.text(st.one_of(st.sampled_from(ALPHABET + "= \n+/"), st.characters()), max_size=5))
    forged = text[:start] + middle + text[end:]
    assume(forged != text)
    assert refused(forged)


@given(st.one_of(st.text(), st.text(st.sampled_from(ALPHABET), min_size=30, max_size=200)))
@example("")
@example("\ud800")
@example("\x00")
@example("=" * 50)
def test_no_text_is_a_cursor(text: str) -> None:
    """Arbitrary text is a 400 and never another exception."""
    assert refused(text)


@given(FILTERS, FILTERS, TEXT, TEXT)
def test_a_cursor_serves_only_its_own_list(
    filters: dict[str, Any], others: dict[str, Any], scope: str, elsewhere: str
) -> None:
    """Filters that differ, if only in the type of a value, make it another list."""
    text = CODEC.encode([1], scope=scope, filters=filters)
    given_filters = sorted((name, repr(value)) for name, value in filters.items() if value is not None)
    other_filters = sorted((name, repr(value)) for name, value in others.items() if value is not None)
    same = scope == elsewhere and given_filters == other_filters
    assert refused(text, elsewhere, others) is not same


@given(st.binary(min_size=16, max_size=64))
def test_a_strangers_cursor_is_refused(key: bytes) -> None:
    """Whatever key it was signed with."""
    assume(key.rstrip(b"\0") != b"k" * 32)
    assert refused(CursorCodec([key]).encode([1], scope=SCOPE, filters={}))


@given(st.lists(st.text(max_size=8), max_size=3))
def test_sizes_and_offsets_are_numbers_in_range_or_400(values: list[str]) -> None:
    """Arbitrary parameters give a number within bounds or the client's error."""
    try:
        assert 1 <= page_size(values, 20, 100) <= 100
    except BadRequest as error:
        assert error.errors
    try:
        assert 0 <= offset(values, 100) <= 100
    except BadRequest as error:
        assert error.errors


@given(st.integers(1, 10**30))
def test_every_positive_integer_is_a_page_size(number: int) -> None:
    """Clamped, never refused."""
    assert page_size([str(number)], 20, 100) == min(number, 100)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4), st.text(max_size=12))
def test_any_query_makes_links_of_plain_characters(query: list[tuple[str, str]], path: str) -> None:
    """Nothing that a client sent can break out of the header."""
    assume(not any("\ud800" <= letter <= "\udfff" for letter in path))
    links = page_links(path, query, {"next": "abc"})
    assert links.isascii()
    assert links.isprintable()
    assert links.count("<") == links.count(">") == 2


def test_a_position_that_is_no_json_is_our_mistake() -> None:
    """It raises where it is made, not where it is read."""
    with pytest.raises(TypeError):
        CODEC.encode([object()], scope=SCOPE, filters={})
