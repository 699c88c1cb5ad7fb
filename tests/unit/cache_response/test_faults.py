"""A backend that fails, lies or loses: requests are answered from the origin, and counted."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.cache.errors import CacheBudgetSpent, CacheError, CacheUnavailable, CacheValueError
from lanner.cache.memory import MemoryBackend
from lanner.cache.response.record import Record, Unreadable, decode
from lanner.cache.response.rules import Rules
from lanner.clock import ManualClock
from tests.unit.cache.stores import Shared
from tests.unit.cache_response.site import NOW, Site, modified_by

OPERATIONS = ["get", "get_many", "set", "set_many", "add", "delete", "delete_many", "acquire", "release", "set_held"]


class Failing(MemoryBackend):
    """A store of which some operations fail."""

    def __init__(self, *operations: str, error: CacheError | None = None) -> None:
        super().__init__(clock=ManualClock(NOW))
        self.error = error or CacheUnavailable("down")
        self.failing: set[str] = set(operations)

    def __getattribute__(self, name: str) -> Any:
        if name in OPERATIONS and name in object.__getattribute__(self, "failing"):

            def fail(*_: object) -> Any:
                raise self.error

            return fail
        return super().__getattribute__(name)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("error", [CacheUnavailable("x"), CacheBudgetSpent("x"), CacheValueError("x"), CacheError("x")])
def test_no_failing_operation_is_seen_by_a_request(operation: str, error: CacheError) -> None:
    """Whatever fails, with whatever error, from the first request on or later."""
    backend = Failing(error=error)
    site = Site(backend=backend)
    site.replies(modified_by('"1"', "max-age=10, stale-while-revalidate=30", vary="foo"))
    site.get(foo="1")
    site.get(foo="2")
    backend.failing.add(operation)
    for foo in "123":
        assert site.get(foo=foo).body == b'body of "1"'
    site.does("POST")
    site.wait(11)
    for foo in "123":
        assert site.get(foo=foo).status == 200


def test_all_of_it_down_is_a_plain_proxy() -> None:
    """Everything is asked of the origin, and says why."""
    site = Site(backend=Failing(*OPERATIONS)).reply(cache_control="max-age=60")
    for _ in range(2):
        assert site.get().headers["cache-status"] == "Lanner; fwd=bypass; fwd-status=200; detail=unavailable"
    assert site.calls == 2
    assert site.cache.statistics()["errors"] == 2
    assert site.cache.statistics()["bypass"] == 2


def test_only_if_cached_is_a_504_where_the_store_is_down() -> None:
    """There is nothing stored that could be used."""
    site = Site(backend=Failing(*OPERATIONS))
    assert site.get(cache_control="only-if-cached").status == 504
    assert site.calls == 0


def test_an_origin_that_raises_still_raises() -> None:
    """With the cache down there is nothing else to say."""
    site = Site(backend=Failing(*OPERATIONS))

    def answer(_: object) -> Any:
        raise ValueError("origin")

    site.replies(answer)
    with pytest.raises(ValueError, match="origin"):
        site.get()


def content(site: Site) -> tuple[str, bytes]:
    key = site.stored_keys()[0]
    return key, site.backend.get(key).value  # type: ignore[union-attr]


@pytest.mark.parametrize("position", [0, 3, 5, 9, 14, -1])
def test_a_damaged_entry_is_a_miss(position: int) -> None:
    """Any byte: the magic, the checksum, the head, the body."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    key, value = content(site)
    damaged = bytearray(value)
    damaged[position] ^= 0x40
    site.backend.set(key, bytes(damaged), 60)
    assert site.get().body == b"body"
    assert site.calls == 2
    assert site.cache.statistics()["unreadable"] >= 1
    assert site.is_cached()


@pytest.mark.parametrize(
    "value", [b"", b"x", b"LRC1", b"LRC1\0\0\0\0\0\0\0\0", b"42", b"\xff" * 64, b"LRC9" + b"\0" * 40]
)
def test_what_is_no_entry_is_a_miss(value: bytes) -> None:
    """Somebody else's bytes, or another version's."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    key, _ = content(site)
    site.backend.set(key, value, 60)
    assert site.get().status == 200
    assert site.is_cached()
    with pytest.raises(Unreadable):
        decode(value, Rules())


def test_what_another_program_left_is_replaced() -> None:
    """As Redis tells it, by an error."""
    store = Shared()
    site = Site(backend=store).reply(cache_control="max-age=60")
    site.get()
    (key,) = site.stored_keys()
    store.theirs.add(key)
    assert not site.is_cached()
    assert site.is_cached()
    assert site.cache.statistics()["unreadable"] > 0
    assert site.cache.statistics()["errors"] == 0


def test_a_cut_entry_is_a_miss() -> None:
    """Truncated anywhere."""
    rules = Rules()
    record = Record(rules, 200, {"a": "1", "date": "x"}, b"body", requested=NOW, received=NOW)
    value = record.encode()
    for length in range(len(value)):
        with pytest.raises(Unreadable):
            decode(value[:length], rules)
    again = decode(value, rules)
    assert isinstance(again, Record)
    assert (again.status, again.headers, again.body) == (200, record.headers, b"body")


def test_a_field_that_is_no_text_is_not_stored() -> None:
    """A lone surrogate has no bytes; the answer goes out all the same."""
    site = Site().reply(cache_control="max-age=60", x_odd="\ud800")
    assert site.get().headers["x-odd"] == "\ud800"
    assert not site.is_cached()


def test_a_variant_that_was_evicted_is_a_miss() -> None:
    """The index outlives it."""
    site = Site().reply(cache_control="max-age=60", vary="foo")
    site.get(foo="1")
    site.get(foo="2")
    for key in site.stored_keys():
        if key != "response:15:api.example.com0:2:/a?":
            site.backend.delete(key)
    assert site.get(foo="1").status == 200
    assert site.is_cached(foo="1")


def test_nothing_is_kept_of_a_record_that_the_store_lost() -> None:
    """Decoded records are remembered only as long as the store has their bytes."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    site.backend.clear()
    assert not site.is_cached()


def test_a_store_that_makes_new_bytes_costs_no_new_decoding() -> None:
    """Equal bytes are the same record."""

    class Copying(MemoryBackend):
        def get(self, key: str) -> Any:
            entry = super().get(key)
            return None if entry is None else entry._replace(value=bytes(bytearray(entry.value)))

    site = Site(backend=Copying(clock=ManualClock(NOW))).reply(cache_control="max-age=60")
    site.get()
    from tests.unit.cache_response.site import request

    one, two = request("GET"), request("GET")
    site.send(one)
    site.send(two)
    assert one.state["cache_record"] is two.state["cache_record"]
