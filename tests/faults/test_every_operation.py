"""Every operation of every network backend under every fault: the right answer, or an error of the cache's own.

How long an operation takes is judged without a watch, in tests/unit/cache/test_stream.py; here a backend that ignored
its budget would hang.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable, CacheValueError
from tests.faults.conftest import PATIENT_MS, Target
from tests.faults.proxy import MODES, SLOW

SHORT_MS = 40
LONG_MS = 500
VALUE = b"value " * 50

OPERATIONS: dict[str, tuple[Callable[[CacheBackend], object], Callable[[object], bool]]] = {
    "get": (lambda cache: cache.get("key"), lambda got: got == CacheEntry(VALUE)),
    "get_many": (lambda cache: cache.get_many(["key", "absent"]), lambda got: got == {"key": CacheEntry(VALUE)}),
    "set": (lambda cache: cache.set("key", b"new", 60), lambda got: got is None),
    "set_many": (lambda cache: cache.set_many({"key": b"new", "other": b"x" * 1000}), lambda got: got is None),
    "add": (lambda cache: cache.add("key", b"new"), lambda got: got is False),
    "delete": (lambda cache: cache.delete("key"), lambda got: got is True),
    "delete_many": (lambda cache: cache.delete_many(["key", "absent"]), lambda got: got == 1),
    "exists": (lambda cache: cache.exists("key"), lambda got: got is True),
    "touch": (lambda cache: cache.touch("key", 60), lambda got: got is True),
    "increment": (lambda cache: cache.increment("n", 2), lambda got: got == 7),
    "keys": (lambda cache: sorted(cache.keys()), lambda got: got == ["key", "n"]),
    "clear": (lambda cache: cache.clear(), lambda got: got in (0, 2)),
    "acquire": (lambda cache: cache.acquire("free", "me", 60), lambda got: got is True),
    "release": (lambda cache: cache.release("held", "me"), lambda got: got is True),
    "set_held": (lambda cache: cache.set_held("held", b"new", 60, "me"), lambda got: got is True),
    "statistics": (lambda cache: cache.statistics(), lambda got: isinstance(got, dict)),
}


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_rightly_or_fails_as_a_cache(
    target: Target, operation: str, mode: str, kept: bool
) -> None:
    """And the next one works, once the network does."""
    perform, is_right = OPERATIONS[operation]
    target.direct.set("key", VALUE)
    target.direct.increment("n", 5)
    target.direct.acquire("held", "me", 60)
    cache = target.through(SHORT_MS if mode in SLOW else LONG_MS)
    if kept:
        untroubled(cache)
    target.proxy.switch(mode)
    try:
        got = perform(cache)
    except (CacheUnavailable, CacheValueError) as error:
        answered = False
        assert isinstance(error, CacheUnavailable) or not target.direct.lists_keys
        assert "me" not in str(error).split() and "value" not in str(error)
    else:
        answered = True
        assert is_right(got), got
    if mode in ("silent", "refuse", "close", "garbage", "hang up"):
        assert not answered or (operation == "keys" and not target.direct.lists_keys)
    target.proxy.switch("pass")
    untroubled(cache)
    cache.close()
    target.direct.close()


def untroubled(cache: CacheBackend) -> None:
    """Use a backend whose network works; a small budget may need some turns on a busy machine."""
    for _ in range(200):
        try:
            cache.set("after", b"works", 60)
            entry = cache.get("after")
            assert entry is not None and entry.value == b"works"
            assert cache.delete("after") is True
        except CacheBudgetSpent:
            continue
        except CacheUnavailable as error:
            # Connecting and TLS may spend a small budget too, and say so.
            assert "budget" in str(error) or "no connection within" in str(error)
            continue
        return
    raise AssertionError("it does not work any more")


@pytest.mark.parametrize("mode", ["close", "hang up"])
def test_a_dead_kept_connection_is_tried_once_more(target: Target, mode: str) -> None:
    """One new connection, not one more."""
    if target.direct.name == "dynamodb":
        pytest.skip("the wire has its own rule, tested in tests/unit/aws")
    cache = target.through(PATIENT_MS)
    cache.get("key")
    target.proxy.switch(mode)
    before = target.proxy.connections
    with pytest.raises(CacheUnavailable):
        cache.get("key")
    assert target.proxy.connections == before + 1
    before = target.proxy.connections
    with pytest.raises(CacheUnavailable):
        cache.get("key")
    assert target.proxy.connections == before + 1
    cache.close()


def test_connections_that_the_server_closed_are_not_noticed_by_callers(target: Target) -> None:
    """Between two operations everything was closed: each operation works, writes included."""
    cache = target.through(PATIENT_MS)
    for perform in (
        lambda: cache.increment("n"),
        lambda: cache.add(f"key {target.proxy.connections}", b"x"),
        lambda: cache.acquire("lease", "me", 60),
        lambda: cache.set("key", b"x"),
    ):
        assert perform() in (None, True, 1)
        before = target.proxy.connections
        target.proxy.drop_all()
        target.proxy.wait_until_closed()
        assert cache.get("absent") is None
        assert target.proxy.connections == before + 1
        target.proxy.drop_all()
        target.proxy.wait_until_closed()
    cache.close()
