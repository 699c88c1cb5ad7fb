"""Names, headers and lifetimes as stores see them."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.cache.dynamodb_items import KEY_LIMIT, Names
from lanner.cache.errors import CacheConfigError, CacheValueError
from lanner.cache.lifetime import HEADER_BYTES, LONGEST_MS, MARGIN_MS, ends, expires_at, header, instant, server_ms
from lanner.cache.memcached import MemcachedBackend
from lanner.cache.memcached_space import HASHED, NAME_LIMIT, PLAIN, Space, generation_name, pack, unpack
from lanner.cache.memcached_text import Item
from lanner.cache.naming import check_key, check_value, entry_space, own_space, to_bytes, to_text
from lanner.cache.redis import RedisBackend
from lanner.cache.redis_names import RedisNames
from lanner.cache.slots import slot
from lanner.clock import SystemClock

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=40)
MARKS = st.text(alphabet="%|{}a", max_size=5)


@given(MARKS, MARKS.filter(bool), MARKS, MARKS.filter(bool))
def test_two_names_are_one_only_for_one_prefix_and_key(prefix: str, key: str, other: str, their: str) -> None:
    """And an entry's is never that of a cache's own record."""
    same = (prefix, key) == (other, their)
    assert (entry_space(prefix) + key == entry_space(other) + their) is same
    assert (own_space(prefix) + key == own_space(other) + their) is same
    assert entry_space(prefix) + key != own_space(other) + their


@given(ANY_TEXT)
def test_any_text_is_bytes_and_back(text: str) -> None:
    """Lone surrogates too."""
    assert to_text(to_bytes(text)) == text


@pytest.mark.parametrize("key", ["", b"bytes", None, 5])
def test_what_is_no_key(key: object) -> None:
    """A key is a non-empty string."""
    with pytest.raises(CacheValueError, match="non-empty string"):
        check_key(key)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["text", None, 5, bytearray(b"x")])
def test_what_is_no_value(value: object) -> None:
    """A value is bytes; the message names the type and not the value."""
    with pytest.raises(CacheValueError, match=type(value).__name__):
        check_value(value)  # type: ignore[arg-type]


@given(st.floats(min_value=0, max_value=1e12) | st.just(math.inf), st.binary(max_size=20))
def test_a_header_says_when_a_value_ends(end: float, value: bytes) -> None:
    """Exactly; and no header says nothing."""
    stored = header(end) + value
    assert ends(stored) == end
    assert stored[HEADER_BYTES:] == value
    assert instant(end) == (None if end == math.inf else end)
    assert ends(stored[: HEADER_BYTES - 1]) is None
    assert ends(b"42") is None


def test_how_long_a_server_keeps_it() -> None:
    """Rounded up and longer, bounded, and for ever."""
    assert server_ms(None) is None and server_ms(math.inf) is None
    kept = [server_ms(ttl) for ttl in (0.0001, 1, 1.5001, 1e300)]
    assert kept == [MARGIN_MS + ms for ms in (1, 1000, 1501, LONGEST_MS)]
    assert expires_at(10, None) == math.inf and expires_at(10, 1.5) == 11.5
    with pytest.raises(CacheValueError, match="NaN"):
        expires_at(10, math.nan)


@settings(deadline=None)  # a tag for an odd name takes thousands of tries
@given(ANY_TEXT, ANY_TEXT)
def test_a_lease_of_redis_is_in_its_entrys_slot(prefix: str, key: str) -> None:
    """So one script may look at both."""
    names = RedisNames(prefix)
    entry, lease = names.entry(key), names.lease(key)
    assert slot(entry) == slot(lease)
    assert names.is_lease(lease, to_bytes(key)) and not names.is_lease(entry, b"")
    assert names.is_entry(entry, to_bytes(key)) and not names.is_entry(lease, b"") and names.key_of(entry) == key
    assert not lease.startswith(to_bytes(entry_space(prefix)))


@given(ANY_TEXT, ANY_TEXT | st.text(min_size=200, max_size=300))
def test_a_name_in_memcached_fits(prefix: str, key: str) -> None:
    """At most 250 printable bytes, different for entry and lease, and the key comes back."""
    space = Space(prefix, b"0123456789abcdef")
    allowed = set((string.ascii_letters + string.digits + string.punctuation).encode())
    names = (space.entry(key), space.lease(key), generation_name(prefix))
    assert len(set(names)) == 3
    for name in names:
        assert len(name) <= NAME_LIMIT and set(name) <= allowed
    flags, data = pack(names[0], key, b"value", 12.5)
    assert flags in (PLAIN, HASHED)
    assert unpack(key, Item(data, flags, 1)) == (b"value", 12.5)


def test_a_collision_of_hashes_is_a_miss() -> None:
    """The whole key is in the data block and compared; so are flags that nobody gave."""
    space = Space("", b"0123456789abcdef")
    flags, data = pack(space.entry("é"), "é", b"value", 12.5)
    assert flags == HASHED
    assert unpack("ü", Item(data, flags, 1)) is None
    assert unpack("é", Item(data, 7, 1)) is None
    assert unpack("é", Item(b"raw", PLAIN, 1)) is None


def test_what_memcached_is_told_about_lifetimes() -> None:
    """Seconds rounded up and one more; above 30 days an instant; 0 for ever; a negative one for what has ended."""
    cache = MemcachedBackend("127.0.0.1")
    now = SystemClock().now()
    assert cache._exptime(math.inf) == 0
    assert cache._exptime(now - 1) == -1
    assert cache._exptime(now + 0.9) == 2
    assert cache._exptime(now + 10.5) in (11, 12)
    month = 30 * 24 * 3600
    assert cache._exptime(now + month - 10) < month
    assert abs(cache._exptime(now + 2 * month) - (now + 2 * month)) < 10
    assert cache._exptime(2.0**31 + 10) == 0


@given(ANY_TEXT, ANY_TEXT)
def test_a_name_in_dynamodb_leads_back_to_its_key(prefix: str, key: str) -> None:
    """Entries and leases, whether they are hashed or not."""
    names = Names(prefix)
    for pk in (names.entry(key), names.lease(key)):
        assert 0 < len(pk["pk"]["S"].encode()) <= KEY_LIMIT
        assert names.key_of(names.record(pk, key)) == key
    assert names.entry(key) != names.lease(key)
    assert names.is_entry(names.entry(key)) and not names.is_entry(names.lease(key))
    assert not names.is_entry(names.chunk("generation", 0))


def test_options_that_contradict_each_other() -> None:
    """Are found when the backend is made."""
    with pytest.raises(CacheConfigError, match="database"):
        RedisBackend("127.0.0.1", cluster=True, database=1)
    with pytest.raises(CacheConfigError, match="password"):
        RedisBackend("127.0.0.1", username="who")
    with pytest.raises(CacheConfigError, match="budget_ms"):
        RedisBackend("127.0.0.1", budget_ms=0)
    with pytest.raises(CacheConfigError):
        MemcachedBackend("127.0.0.1", budget_ms=-1)
