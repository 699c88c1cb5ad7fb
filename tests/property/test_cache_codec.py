"""Every JSON value and every string of bytes comes back from its envelope; nothing else makes the codec fail."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lanner.cache.codec import UnreadableEntry, decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(JSON | st.binary() | st.binary(min_size=1, max_size=8).map(lambda part: part * 400))
def test_what_goes_in_comes_out(value: Any) -> None:
    """With its type."""
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)


@given(st.binary() | st.binary().map(lambda rest: b"\xc1" + rest))
def test_anything_else_is_unreadable_and_nothing_worse(stored: bytes) -> None:
    """Or a number, where it is one."""
    with suppress(UnreadableEntry):
        assert type(decode(stored)) is int
