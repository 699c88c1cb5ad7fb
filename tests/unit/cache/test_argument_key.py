"""Keys of cached functions: one key for one call."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.cache.argument_key import ArgumentKeys
from lanner.cache.tags import check_tag

CHARACTERS = st.characters(codec="utf-8")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(CHARACTERS, max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def takes(a: Any, b: Any = 2, *, c: Any = None) -> None: ...


def two(a: Any, b: Any) -> None: ...


def rest(*args: Any, **kwargs: Any) -> None: ...


def keys(function: Any, key: Any = None, tags: Any = ()) -> ArgumentKeys:
    return ArgumentKeys(function, key, tags, "p:")


def test_however_arguments_are_passed_it_is_one_key() -> None:
    """By position, by name, in any order, with defaults spelled out or not."""
    of = keys(takes).key
    assert of((1,), {}) == of((), {"a": 1}) == of((1, 2), {"c": None}) == of((), {"c": None, "b": 2, "a": 1})
    assert of((1,), {}) == "p:[1,2,null]"
    assert keys(two).key((1, 2), {}) == keys(two).key((), {"b": 2, "a": 1})


@given(JSON, JSON)
def test_different_arguments_have_different_keys(one: Any, other: Any) -> None:
    """As JSON sees them: 1, 1.0, true and "1" are four; a dict's order is nothing."""
    of = keys(two).key
    same = repr(_sorted(one)) == repr(_sorted(other))
    assert (of((one, 0), {}) == of((other, 0), {})) == same


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, _sorted(value[name])) for name in sorted(value)]
    return ["list", *map(_sorted, value)] if isinstance(value, list) else value


def test_variable_arguments_are_part_of_the_key() -> None:
    """What *args and **kwargs take counts too."""
    of = keys(rest).key
    assert of((1,), {"x": 2}) == 'p:[[1],{"x":2}]'
    assert of((), {"y": 1, "x": 2}) == of((), {"x": 2, "y": 1})


@pytest.mark.parametrize(
    "value",
    [b"bytes", {1}, object(), uuid.UUID(int=1), date(2026, 1, 1), float("nan"), {1: 2}, [{"a": {1}}], 2**70, "\ud800"],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_refused_by_name(value: Any) -> None:
    """Nothing is turned into text in silence, where two arguments could meet in one key."""
    with pytest.raises(TypeError, match=r"test_argument_key\.two"):
        keys(two).key((value, 1), {})


def test_arguments_that_the_function_does_not_take_are_refused() -> None:
    """As a call would, with the function's name."""
    with pytest.raises(TypeError, match=r"test_argument_key\.two.*missing"):
        keys(two).key((1,), {})


def test_a_format_says_the_key() -> None:
    """Fields are parameters, with attributes and formats where wanted; a value cannot imitate the text around it."""
    assert keys(two, "user:{a}").key(("7", object()), {}) == "p:user:7"
    assert keys(two, "{a:03d}:{b.real}").key((7, 1), {}) == "p:007:1"
    of = keys(two, "{a}:{b}").key
    assert of(("x:y", "z"), {}) == "p:x%3Ay:z" != of(("x", "y:z"), {})
    assert keys(two, "100%:{a}{{}}").key(("é", 1), {}) == "p:100%:%C3%A9{}"


def test_a_callable_says_the_key() -> None:
    """It takes what the function takes, and gives a string."""
    assert keys(two, lambda a, b: f"{b}{a}").key((1, 2), {}) == "p:21"
    with pytest.raises(TypeError, match="gave a int"):
        keys(two, lambda a, b: 1).key((1, 2), {})


def test_a_field_that_is_no_parameter_is_found_at_once() -> None:
    """When the function is decorated, and not when it is called."""
    for key, tags in (("{wrong}", ()), (None, ["t:{wrong}"]), ("{}", ())):
        with pytest.raises(ValueError, match="no parameter for"):
            keys(two, key, tags)


def test_tags_are_formats_or_a_callable() -> None:
    """Nothing is encoded in a tag."""
    assert keys(takes, None, ["users", "user:{a}"]).tags(("é",), {}) == ["users", "user:%C3%A9"]
    assert keys(two, None, lambda a, b: [f"t{a}"]).tags((1,), {"b": 2}) == ["t1"]


@pytest.mark.parametrize("value", ["a b", 'say "x"', "a,b", "50%", "é", "tab\there", "", "a@b.co", "x:y/z"])
def test_no_argument_makes_a_tag_that_is_none(value: str) -> None:
    """What a tag may not have is percent-encoded, and two arguments never have one tag."""
    (tag,) = keys(takes, None, ["user:{a}"]).tags((value,), {})
    assert check_tag(tag) == tag
    assert unquote(tag) == f"user:{value}"


def test_what_may_be_in_a_tag_is_as_it_is_written() -> None:
    """So that whoever invalidates by hand writes what is plain to see."""
    assert keys(takes, None, ["user:{a}"]).tags(("ana+x@b.co",), {}) == ["user:ana+x@b.co"]


def test_a_value_in_itself_is_refused_by_name() -> None:
    """And so is one that is nested deeper than Python goes."""
    within: list[Any] = []
    within.append(within)
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    for value in (within, deep):
        with pytest.raises(TypeError, match="takes: a has a value in itself"):
            keys(takes).key((value,), {})


def test_a_tag_that_an_argument_makes_too_long_is_its_digest() -> None:
    """A call does not fail for what its argument holds, and other arguments have other tags."""
    of = keys(takes, tags=["user:{a}"]).tags
    (one,), (other,) = of(("x" * 300,), {}), of(("x" * 301,), {})
    assert check_tag(one) != check_tag(other)
    assert of(("x" * 251,), {}) == ["user:" + "x" * 251]
