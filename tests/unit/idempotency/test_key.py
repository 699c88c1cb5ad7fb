"""The Idempotency-Key field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.http.problems import BadRequest
from lanner.http.structured import serialise_item
from lanner.idempotency.key import MAX_LENGTH, read_key

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('  "a b"  ', "a b"),
        (r'"say \"hi\" \\"', 'say "hi" \\'),
        ('"a, b"', "a, b"),
        ('"a";expires=10', "a"),
        ("order/42=:_~+", "order/42=:_~+"),
        ("x" * MAX_LENGTH, "x" * MAX_LENGTH),
    ],
)
def test_a_key_is_read(written: str, key: str) -> None:
    """Quoted as the draft has it, or bare as most clients send it."""
    assert read_key(written) == key


@pytest.mark.parametrize(
    ("written", "about"),
    [
        ("", "empty"),
        ('""', "empty"),
        ("   ", "empty"),
        ('"open', "quoted string"),
        ('"a" "b"', "quoted string"),
        ('"a", "b"', "quoted string"),
        ('"a\\n"', "quoted string"),
        ('"ü"', "quoted string"),
        ("a, b", "','"),
        ("a b", "visible ASCII"),
        ('a"b', "'\"'"),
        ("a;b", "';'"),
        ("schlüssel", "visible ASCII"),
        ("a\x00b", "visible ASCII"),
        ("x" * (MAX_LENGTH + 1), "at most 255"),
        ('"' + "x" * (MAX_LENGTH + 1) + '"', "at most 255"),
    ],
)
def test_what_is_no_key_is_refused(written: str, about: str) -> None:
    """400, with what is wrong and where."""
    with pytest.raises(BadRequest, match="Idempotency-Key") as caught:
        read_key(written)
    assert about in caught.value.detail
    assert caught.value.slug == "invalid-idempotency-key"
    assert caught.value.errors[0]["pointer"] == "header Idempotency-Key"


@given(st.text(PRINTABLE, min_size=1, max_size=MAX_LENGTH))
def test_every_string_of_the_field_is_read_back(key: str) -> None:
    """Whatever RFC 9651 can write as a string is a key."""
    assert read_key(serialise_item(key)) == key


@given(st.text(max_size=300))
def test_no_input_is_a_fault(written: str) -> None:
    """A key or a 400, never another exception."""
    try:
        assert 1 <= len(read_key(written)) <= MAX_LENGTH
    except BadRequest as error:
        assert error.slug == "invalid-idempotency-key"
