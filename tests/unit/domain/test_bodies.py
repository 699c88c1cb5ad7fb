"""JSON bodies by property: strict, and never an exception that is not an answer."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bodies import parse_object
from lanner.http.problems import ApiError, BadRequest, Unprocessable

KEYS = st.text(max_size=5).filter(lambda text: text.isprintable())
OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
).map(lambda value: {"value": value})


@given(OBJECTS)
def test_an_object_is_read_as_it_is(document: dict[str, Any]) -> None:
    """Whatever orjson or the standard library writes."""
    assert parse_object(orjson.dumps(document)) == document
    assert parse_object(json.dumps(document, indent=2).encode()) == document


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_an_answer(body: bytes) -> None:
    """400 or 422 and nothing else."""
    try:
        assert isinstance(parse_object(body), dict)
    except ApiError as error:
        assert error.status in (400, 422)


@given(OBJECTS, st.text("ab\u00e9", min_size=1, max_size=3))
def test_a_repeated_key_is_found_at_any_depth(document: dict[str, Any], key: str) -> None:
    """Also when it is spelled with an escape the second time."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    inner = f'{{{json.dumps(key)}: 1, "{escaped}": 2}}'
    body = json.dumps({**document, "deep": [{"er": "HERE"}]}).replace('"HERE"', inner)
    with pytest.raises(BadRequest) as caught:
        parse_object(body.encode())
    assert caught.value.slug == "duplicate-key"


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"a"', b"true"])
def test_other_json_is_against_the_schema(body: bytes) -> None:
    """Well-formed, and no object."""
    with pytest.raises(Unprocessable) as caught:
        parse_object(body)
    assert caught.value.errors[0]["pointer"] == "#"


@pytest.mark.parametrize("depth", [900, 1000, 1100, 5000, 100_000])
def test_depth_is_bounded(depth: int) -> None:
    """A tower of brackets is an answer, not a crash."""
    body = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
    try:
        assert "a" in parse_object(body)
    except BadRequest as error:
        assert error.slug == "invalid-json"
