"""The envelope of values: what goes in comes out, and nothing else comes out."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from lanner.cache import codec
from lanner.cache.codec import ABSENT, UnreadableEntry, decode, encode
from lanner.cache.errors import CacheValueError


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -5, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1, 1.5, "", "12", "é", [], {"a": [1, None]}, b"",
     b"12", b"\xc1", bytes(range(256)), "x" * 5_000, b"y" * 5_000, {"items": ["z" * 50] * 200}],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_a_value_comes_back(value: Any) -> None:
    """With its type: the text "12", the bytes 12 and the number 12 are three values."""
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)


def test_absent_is_a_value_of_its_own() -> None:
    """Known to be absent is neither None nor unknown."""
    assert decode(encode(ABSENT)) is ABSENT
    assert not ABSENT


def test_a_number_is_stored_as_a_counter() -> None:
    """So a backend's increment works on what was set."""
    assert encode(42) == b"42"
    assert decode(b"-7") == -7


def test_compression_only_where_it_pays() -> None:
    """Small values and values that do not shrink are stored as they are."""
    noise = b"".join(zlib.crc32(b"%d" % at).to_bytes(4, "big") for at in range(2_000))
    assert len(encode(b"a" * (codec.COMPRESSED_FROM - 1))) == codec.COMPRESSED_FROM - 1 + codec.HEADER_BYTES
    assert len(encode(noise)) == len(noise) + codec.HEADER_BYTES
    assert len(encode(b"a" * 100_000)) < 1_000


@pytest.mark.parametrize("value", [{"a": [1, 2, 3]}, b"bytes", "x" * 3_000, b"z" * 3_000, ABSENT])
def test_every_truncation_and_every_flipped_byte_is_unreadable(value: Any) -> None:
    """A torn write is a miss and never another value."""
    whole = encode(value)
    for length in range(len(whole)):
        with pytest.raises(UnreadableEntry):
            decode(whole[:length])
    for at in range(2, len(whole)):
        with pytest.raises(UnreadableEntry):
            decode(whole[:at] + bytes((whole[at] ^ 0x55,)) + whole[at + 1 :])
    with pytest.raises(UnreadableEntry):
        decode(whole + b"more")


@pytest.mark.parametrize(
    "stored",
    [b"", b"-", b"+5", b"12a", b" 1", b"1" * 20, b"\x80\x04N.", b'{"a":1}', b"\xc2\x01aaaabody", b"\xc1\x09\0\0\0\0"],
)
def test_what_nobody_here_encoded_is_unreadable(stored: bytes) -> None:
    """Other programs' values, other versions, pickles and numbers too large for a counter."""
    with pytest.raises(UnreadableEntry):
        decode(stored)


def test_a_bomb_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would grow beyond the limit is not expanded."""
    stored = encode(b"0" * 1_000_000)
    monkeypatch.setattr(codec, "LARGEST", 999_999)
    with pytest.raises(UnreadableEntry):
        decode(stored)
    monkeypatch.setattr(codec, "LARGEST", 1_000_000)
    assert len(decode(stored)) == 1_000_000


def test_zlib_is_read_wherever_zstd_is() -> None:
    """Python 3.13 and 3.14 share a store."""
    body = zlib.compress(b'"' + b"a" * 5_000 + b'"', 1)
    assert decode(b"\xc1\x11" + zlib.crc32(body).to_bytes(4, "big") + body) == "a" * 5_000


@pytest.mark.parametrize("value", [object(), {1, 2}, {1: 2}, 1 << 70, "\ud800", [object()]])
def test_what_is_no_json_is_refused(value: Any) -> None:
    """At the write, where its author sees it."""
    with pytest.raises(CacheValueError):
        encode(value)
