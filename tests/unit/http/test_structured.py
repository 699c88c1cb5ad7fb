"""Structured field values (RFC 9651), read and written."""

from __future__ import annotations

from typing import Any

import pytest

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


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("42", Item(42)),
        ("-0", Item(0)),
        ("  007 ", Item(7)),
        ("999999999999999", Item(999_999_999_999_999)),
        ("1.5", Item(1.5)),
        ("-123456789012.125", Item(-123_456_789_012.125)),
        (r'"a \"b\" \\"', Item('a "b" \\')),
        ('""', Item("")),
        ("gzip", Item(Token("gzip"))),
        ("*x/y:z!", Item(Token("*x/y:z!"))),
        (":aGVsbG8=:", Item(b"hello")),
        (":aGVsbG8:", Item(b"hello")),
        ("::", Item(b"")),
        ("?1", Item(True)),
        ("?0", Item(False)),
        ("@1688169599", Item(Date(1_688_169_599))),
        ("@-1", Item(Date(-1))),
        ('%"f%c3%bc%22 %25"', Item(DisplayString('fü" %'))),
        ('"a";q=0.5;  b;c=x', Item("a", {"q": 0.5, "b": True, "c": Token("x")})),
        ("1;a=1;b=2;a=3", Item(1, {"a": 3, "b": 2})),
    ],
)
def test_items_are_read(text: str, item: Item) -> None:
    """Every type of bare item, and parameters."""
    assert parse_item(text) == item


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1 2",
        "1,2",
        "1000000000000000",
        "1.",
        ".5",
        "-",
        "--1",
        "+1",
        "1.2345",
        "1234567890123.1",
        '"open',
        '"a\\n"',
        '"tab\t"',
        '"ü"',
        "'single'",
        ":aGVsb G8=:",
        ":aGVs=bG8:",
        ":a:",
        ":open",
        "?2",
        "?true",
        "@1.5",
        "@x",
        "%open",
        '%"C3%BC"x',
        '%"%C3%BC"',
        '%"%c3%28"',
        '%"%c3',
        '%"\t"',
        "1;",
        "1; =2",
        "1;A=2",
        "1 ;a=2",
        "1;a =2",
        "(1 2)",
        "\t1",
        "{}",
    ],
)
def test_what_is_no_item_is_refused(text: str) -> None:
    """Strictly: one character too many and the field is void."""
    with pytest.raises(StructuredFieldError):
        parse_item(text)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        ("   ", []),
        ("sugar, tea,rum", [Item(Token("sugar")), Item(Token("tea")), Item(Token("rum"))]),
        ("a \t,\t b", [Item(Token("a")), Item(Token("b"))]),
        ('("foo" "bar");x, ()', [InnerList(["foo", "bar"], {"x": True}), InnerList([])]),
        ("( 1   2;a )", [InnerList([Item(1), Item(2, {"a": True})])]),
    ],
)
def test_lists_are_read(text: str, members: list[Any]) -> None:
    """Items and inner lists, with parameters at each level."""
    assert parse_list(text) == members


@pytest.mark.parametrize("text", ["a,", ",a", "a,,b", "a b", "(1 2", "(1,2)", "(1(2))", "1)", '("a""b")'])
def test_what_is_no_list_is_refused(text: str) -> None:
    """Trailing commas, nesting, missing spaces."""
    with pytest.raises(StructuredFieldError):
        parse_list(text)


def test_dictionaries_are_read() -> None:
    """A member without a value is true; the last of a repeated key counts, where the first stood."""
    found = parse_dictionary('a=1, b;x=2,c=(1 2);y, d=?0, a="again"')
    assert list(found) == ["a", "b", "c", "d"]
    assert found["a"] == Item("again")
    assert found["b"] == Item(True, {"x": 2})
    assert found["c"] == InnerList([1, 2], {"y": True})
    assert found["d"] == Item(False)
    assert parse_dictionary("") == {}


@pytest.mark.parametrize("text", ["A=1", "a=", "a=1,", "a=1,,b", "=1", "a =1", "1", "a==1", "a=1 b=2"])
def test_what_is_no_dictionary_is_refused(text: str) -> None:
    """Keys are lower case and stand against their values."""
    with pytest.raises(StructuredFieldError):
        parse_dictionary(text)


def test_an_error_says_where() -> None:
    """What was expected, and at which character."""
    with pytest.raises(StructuredFieldError, match="a comma at character 4 of 'a=1 b=2'"):
        parse_dictionary("a=1 b=2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "?1"),
        (False, "?0"),
        (1.0, "1.0"),
        (0.0015, "0.002"),
        (0.0025, "0.002"),
        (-0.0025, "-0.002"),
        (9.9995, "10.0"),
        (1e-9, "0.0"),
        (999_999_999_999.9994, "999999999999.999"),
        ('say "x" \\', r'"say \"x\" \\"'),
        (Token("gzip"), "gzip"),
        (b"hello", ":aGVsbG8=:"),
        (Date(0), "@0"),
        (DisplayString('fü"%'), '%"f%c3%bc%22%25"'),
        (Item("burst", {"q": 100, "w": 60}), '"burst";q=100;w=60'),
        (Item(1, {"a": True, "b": False}), "1;a;b=?0"),
    ],
)
def test_items_are_written(value: Any, text: str) -> None:
    """RFC 9651 section 4.1; decimals are rounded to three places, ties to even."""
    assert serialise_item(value) == text


@pytest.mark.parametrize(
    "value",
    [
        10**15,
        -(10**15),
        1e12,
        float("nan"),
        float("inf"),
        "ü",
        "a\n",
        Token(""),
        Token("1a"),
        Token("a b"),
        Date(10**15),
        DisplayString("\ud800"),
        None,
        Item(1, {"Key": 1}),
        Item(1, {"": 1}),
    ],
)
def test_what_no_field_can_hold_is_refused(value: Any) -> None:
    """Rather than sent as something that no recipient reads."""
    with pytest.raises(StructuredFieldError):
        serialise_item(value)


def test_lists_and_dictionaries_are_written() -> None:
    """Bare values and Python lists stand for items and inner lists; true is left out."""
    assert serialise_list(["a", Token("b"), [1, 2], InnerList([Item(1, {"x": True})], {"y": 2})]) == (
        '"a", b, (1 2), (1;x);y=2'
    )
    assert serialise_dictionary({"a": True, "b": Item(True, {"x": 1}), "c": False, "d": (1, 2), "*e": 1.5}) == (
        "a, b;x=1, c=?0, d=(1 2), *e=1.5"
    )
    assert serialise_list([]) == serialise_dictionary({}) == ""


def test_values_of_different_kinds_are_different() -> None:
    """`1`, `1.0`, `?1` and `@1` are four values, though Python's numbers compare equal."""
    kinds = [Item(1), Item(1.0), Item(True), Item(Date(1))]
    assert all((one == other) is (one is other) for one in kinds for other in kinds)
    assert Item("a") != Item(Token("a"))
    assert Item(1, {"a": 1}) != Item(1, {"a": True})


def test_headers_of_this_api_read_back() -> None:
    """Rate limits, a deprecation date, an idempotency key, a cache's word."""
    assert parse_list('"burst";q=100;w=60') == [Item("burst", {"q": 100, "w": 60})]
    assert parse_item("@1688169599").value == 1_688_169_599
    assert parse_item('"8e03978e-40d5-43e8-bc93-6894a57f9324"').value == "8e03978e-40d5-43e8-bc93-6894a57f9324"
    assert parse_list("Lanner;hit;ttl=60") == [Item(Token("Lanner"), {"hit": True, "ttl": 60})]
