"""What a process remembers of decoded records: bounded, and never more than the store says."""

from __future__ import annotations

from lanner.cache.response.memo import Memo
from lanner.cache.response.record import MARKER
from tests.unit.cache_response.site import Site


def test_the_number_and_the_bytes_are_bounded() -> None:
    """The oldest goes first; what is too large for all of it is not remembered."""
    memo = Memo(most=3, most_bytes=100)
    for number in range(5):
        memo.put(str(number), b"x" * 10, MARKER)
    assert list(memo.entries) == ["2", "3", "4"]
    memo.put("5", b"x" * 90, MARKER)
    assert list(memo.entries) == ["4", "5"]
    memo.put("6", b"x" * 101, MARKER)
    assert list(memo.entries) == ["4", "5"]
    memo.drop("5")
    memo.put("7", b"x" * 90, MARKER)
    assert list(memo.entries) == ["4", "7"]


def test_other_bytes_are_another_record() -> None:
    """Replaced in the store is replaced here."""
    memo = Memo()
    memo.put("k", b"one", MARKER)
    assert memo.get("k", bytes(bytearray(b"one"))) is MARKER
    assert memo.get("k", b"two") is None
    assert memo.get("other", b"one") is None


def test_a_cache_that_remembers_nothing_works() -> None:
    """It decodes each time."""
    site = Site(remembered=0).reply(cache_control="max-age=60")
    site.get()
    assert site.is_cached()
    assert not site.cache._storage.memo.entries
