"""Cached functions: fresh, early, stale, failing, invalidated, without a backend."""

from __future__ import annotations

import functools
import random
import threading
from typing import Any

import pytest

from lanner.cache import Cache, default
from lanner.cache.computed import marker
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.functions import cached, remember, stored_key
from lanner.cache.lease import Lease
from lanner.cache.memory import MemoryBackend
from lanner.cache.tags import TagIndex
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock
from tests.unit.cache.stores import Shared


class Source:
    """A computation that counts its calls and answers, or raises, as told."""

    def __init__(self, backend: Any = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.backend = backend or MemoryBackend(clock=self.clock)
        self.index = TagIndex(self.backend, self.clock)
        self.answer: Any = None
        self.takes = 0.0
        self.calls = 0
        options = {"ttl": 60, "beta": 0, "index": self.index, **options}
        self.get = cached(backend=self.backend, clock=self.clock, **options)(self.compute)

    def compute(self, name: str = "a") -> Any:
        self.calls += 1
        number = self.calls
        self.clock.advance(self.takes)
        if callable(self.answer):
            return self.answer(number)
        if isinstance(self.answer, Exception):
            raise self.answer
        return number if self.answer is None else self.answer

    def lease(self, name: str = "a") -> Lease:
        lease = Lease.acquire(self.backend, self.get.key(name), 60_000, self.clock)
        assert lease is not None
        return lease


class Down(MemoryBackend):
    """A store whose every operation, or those named, cannot be reached."""

    failing: tuple[str, ...] = ("get", "get_many", "set", "increment", "acquire", "release", "set_held")

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "failing"):

            def refuse(*args: Any, **kwargs: Any) -> Any:
                raise CacheUnavailable(f"{name}: refused")

            return refuse
        return super().__getattribute__(name)  # fmt: skip


def test_a_fresh_value_is_computed_once() -> None:
    """Until its time is over, and for each arguments apart."""
    source = Source()
    assert [source.get(), source.get("a"), source.get("b"), source.get(name="b")] == [1, 1, 2, 2]
    source.clock.advance(59.9)
    assert source.get() == 1
    source.clock.advance(0.1)
    assert source.get() == 3


def test_callers_may_change_what_they_get() -> None:
    """Each gets an object of its own, in the form that a hit has."""
    source = Source()
    source.answer = {"rows": (1, 2)}
    source.get()["rows"].append(3)
    assert source.get() == {"rows": [1, 2]}
    assert source.calls == 1


@pytest.mark.parametrize("answer", [b"\x00bytes", b"", "text", 0, 1.5, False, [], {"a": None}], ids=repr)
def test_values_are_bytes_or_json(answer: Any) -> None:
    """Falsy ones are values like others."""
    source = Source()
    source.answer = lambda _: answer
    assert source.get() == answer
    assert source.get() == answer
    assert source.calls == 1


def test_a_value_that_is_no_json_is_refused() -> None:
    """By the first call and not by a later hit; the lease is given back."""
    source = Source()
    source.answer = object()
    with pytest.raises(CacheValueError):
        source.get()
    assert source.lease().held


def test_an_exception_is_never_kept() -> None:
    """It reaches the caller as it is, and the next call computes again and keeps."""
    source = Source()
    source.answer = LookupError("mine")
    for _ in range(2):
        with pytest.raises(LookupError, match="mine") as raised:
            source.get()
        assert raised.value is source.answer
    source.answer = None
    assert [source.get(), source.get()] == [3, 3]


def test_none_is_kept_as_long_as_said() -> None:
    """Like any value by default, never with 0, for its own time otherwise."""
    for negative_ttl, after, calls in ((None, 59, 1), (0, 0, 2), (5, 4, 1), (5, 5, 2)):
        source = Source(negative_ttl=negative_ttl, stale=100)
        source.answer = lambda _: None
        source.get()
        source.clock.advance(after)
        source.get()
        assert source.calls == calls, (negative_ttl, after)


def test_while_one_computes_the_others_get_the_stale_value() -> None:
    """Within `stale` after its end; whoever has the lease gets the new one."""
    source = Source(stale=10)
    source.get()
    source.clock.advance(69.9)
    with source.lease():
        assert source.get() == 1
    assert source.get() == 2
    assert source.calls == 2


def test_after_the_stale_time_nothing_is_served() -> None:
    """Who cannot have the lease waits, and then computes for itself and stores nothing."""
    source = Source(stale=10, wait_ms=500)
    source.get()
    source.clock.advance(70)
    lease = source.lease()
    assert [source.get(), source.get()] == [2, 3]
    lease.release()
    assert [source.get(), source.get()] == [4, 4]


def test_stale_if_error_is_served_where_the_function_raises() -> None:
    """For its own time, which is `stale` where nothing is said; and each such call tries again."""
    for options, after, served in (
        ({"stale_if_error": 30}, 89, True),
        ({"stale_if_error": 30}, 91, False),
        ({"stale": 30}, 89, True),
        ({"stale": 30, "stale_if_error": 0}, 91, False),
        ({}, 61, False),
    ):
        source = Source(**options)
        source.get()
        source.answer = OSError("down")
        source.clock.advance(after)
        if served:
            assert [source.get(), source.get()] == [1, 1]
            assert source.calls == 3
        else:
            with pytest.raises(OSError, match="down"):
                source.get()


def test_an_early_refresh_that_raises_changes_nothing() -> None:
    """The value is fresh, so it is returned."""
    source = Source(beta=1000)
    source.takes = 1
    source.get()
    source.takes = 0
    source.clock.advance(58)
    source.answer = OSError("down")
    assert {source.get() for _ in range(20)} == {1}
    assert source.calls > 1


def test_a_value_near_its_end_is_refreshed_early() -> None:
    """By XFetch: the last computation took a second, so somebody begins before the end."""
    source = Source(beta=1.0)
    source.takes = 1.0
    source.get()
    source.takes = 0.0
    random.seed(3)
    steps = 0
    while source.get() == 1:
        source.clock.advance(0.1)
        steps += 1
    assert 500 < steps < 600
    assert source.calls == 2


def test_a_hard_invalidation_ends_a_value() -> None:
    """At once for this process, and it is not served on errors either."""
    source = Source(tags=["name:{name}", "all"], stale_if_error=1000)
    assert [source.get("a"), source.get("b")] == [1, 2]
    source.index.invalidate(["name:a"])
    assert [source.get("a"), source.get("b")] == [3, 2]
    source.index.invalidate(["all"])
    source.answer = OSError("down")
    with pytest.raises(OSError, match="down"):
        source.get("b")


def test_a_soft_invalidation_has_it_computed_once() -> None:
    """The others get what there is meanwhile."""
    source = Source(tags=["all"])
    source.get()
    source.index.invalidate(["all"], soft=True)
    with source.lease():
        assert source.get() == 1
    assert [source.get(), source.get()] == [2, 2]


def test_an_invalidation_while_it_is_computed_wins() -> None:
    """Of the tag or of the key: the caller gets its value, and the next one computes again."""
    for invalidate in ("tag", "key", "refresh"):
        source = Source(tags=["all"])

        def answer(number: int, source: Source = source, how: str = invalidate) -> Any:
            if number == 1:
                if how == "tag":
                    source.index.invalidate(["all"])
                elif how == "key":
                    source.get.invalidate()
                else:
                    source.get.refresh()
            return number

        source.answer = answer
        assert source.get() == 1
        assert source.get() == 2


def test_invalidate_refresh_uncached_and_key() -> None:
    """Each takes the function's own arguments."""
    source = Source()
    assert source.get("x") == 1
    source.get.invalidate("x")
    assert source.get("x") == 2
    assert source.get.refresh(name="x") == 3
    assert source.get("x") == 3
    assert source.get.uncached("x") == 4
    assert source.backend.get(source.get.key("x")) is not None
    assert vars(source.get)["__name__"] == "compute"


def test_without_a_backend_every_call_computes() -> None:
    """Whichever operation cannot be reached, before or after the computation, it is never an error of the caller."""
    for failing in (Down.failing, *((name,) for name in Down.failing)):
        backend = Down(clock=ManualClock())
        source = Source(backend, tags=["all"], stale=10)
        backend.failing = failing
        assert source.get() == 1, failing
        backend.failing = ()
        source.get()
        backend.failing = failing
        assert source.get() in (1, 2, 3), failing
        source.answer = LookupError("mine")
        source.clock.advance(1000)
        with pytest.raises(LookupError, match="mine"):
            source.get()


def test_an_unavailable_raised_by_the_function_is_the_functions() -> None:
    """It is not taken for the cache's own, which would compute twice."""
    source = Source()
    source.answer = CacheUnavailable("of another cache")
    with pytest.raises(CacheUnavailable, match="of another cache"):
        source.get()
    assert source.calls == 1


def test_invalidating_what_cannot_be_reached_says_so() -> None:
    """A caller who believes in it must not be lied to."""
    source = Source(Down(clock=ManualClock()))
    with pytest.raises(CacheUnavailable):
        source.get.invalidate()


def test_a_computation_may_ask_for_its_own_key() -> None:
    """It neither waits for itself nor stores the inner value."""
    source = Source()
    source.answer = lambda number: number if number == 3 else [number, source.get()]
    before = source.clock.monotonic()
    assert source.get() == [1, [2, 3]]
    assert source.clock.monotonic() == before
    assert source.get() == [1, [2, 3]]


def test_a_computation_may_call_other_cached_functions() -> None:
    """Their leases are theirs."""
    source = Source()
    source.answer = lambda number: [source.get("b")] if number == 1 else number
    assert [source.get("a"), source.get("b")] == [[2], 2]


def test_an_unreadable_entry_is_a_miss() -> None:
    """Of another program, cut short, or a marker that nobody removed."""
    source = Source()
    for stored in (b"", b"\xc2", b"42", b"\xc2\x01" + bytes(40), marker(2), marker(3)):
        source.backend.set(source.get.key(), stored)
        calls = source.calls
        assert source.get() == source.get() == calls + 1


@pytest.mark.parametrize("stacked", [False, True])
def test_what_another_program_left_is_replaced(stacked: bool) -> None:
    """It cannot be read, which is no error of a call; a tag whose counter is theirs is no tag that can be asked for."""
    store = Shared()
    source = Source(TieredCache([MemoryBackend(), store], jitter=0) if stacked else store, tags=["t"])
    store.theirs.add(source.get.key())
    assert [source.get(), source.get()] == [1, 1]
    store.theirs.update({source.get.key("b"), "tag:t"})
    source.index.forget()
    assert [source.get("b"), source.get("b")] == [2, 3]
    with pytest.raises(CacheUnavailable, match="tag 't'"):
        source.index.invalidate(["t"])


def test_a_near_tier_that_is_behind_is_corrected() -> None:
    """The shared tier has a fresh value that another environment stored: it is taken, and nothing is computed."""
    clock = ManualClock()
    shared = MemoryBackend(clock=clock)
    here, there = (
        Source(TieredCache([MemoryBackend(clock=clock), shared], l1_ttl=300, clock=clock), stale=600) for _ in range(2)
    )
    here.clock = there.clock = clock
    ours, theirs = (
        cached(60, key="k", stale=600, beta=0, backend=each.backend, clock=clock)(each.compute)
        for each in (here, there)
    )
    assert [ours(), theirs()] == [1, 1]
    assert (here.calls, there.calls) == (1, 0)
    clock.advance(61)
    assert theirs() == 1
    assert (here.calls, there.calls) == (1, 1)
    here.calls = 10
    assert [ours(), ours()] == [1, 1]
    assert here.calls == 10


def test_what_cannot_work_is_refused_when_decorating() -> None:
    """Numbers, and functions that return no value."""
    numbers = ({"ttl": 0}, {"ttl": -1}, {"stale": -1}, {"lease_ms": 0}, {"beta": -1}, {"ttl": float("nan")})
    others = ({"ttl": None}, {"ttl": "60"}, {"ttl": len}, {"ttl": True}, {"stale": "1"}, {"wait_ms": None})
    for wrong in (*numbers, *others):
        with pytest.raises(CacheConfigError):
            options: dict[str, Any] = {"ttl": 60, **wrong}
            cached(**options)

    async def later() -> None: ...

    class Later:
        async def __call__(self) -> None: ...

    given: Any
    for given, says in (
        (later, "later does not"),
        (functools.partial(later), "returns its value"),
        (Later(), "a Later does not"),
        (functools.partial(print, 1), "a function with a name"),
        (property(print), "a function with a name"),
        (lambda: 1, "all lambdas here have this name"),
    ):
        with pytest.raises(TypeError, match=says):
            cached(60)(given)
    with pytest.raises(TypeError, match="one string"):
        cached(60, tags="users")(lambda: 1)
    with pytest.raises(CacheValueError, match="tag"):
        cached(60, tags=["two words"])(print)
    with pytest.raises(TypeError, match="format string"):
        cached(60, key=5)(print)  # type: ignore[arg-type]
    assert cached(60, key="one", backend=MemoryBackend())(lambda: 1)() == 1


def test_what_remember_cannot_use_is_refused() -> None:
    """A key that is none, one tag for many, and what is no cache."""
    backend: Any = MemoryBackend()
    wrong: Any
    for wrong in ("", None, 5):
        with pytest.raises(CacheValueError, match="non-empty string"):
            remember(backend, wrong, 60, lambda: 1)
    with pytest.raises(TypeError, match="one string"):
        remember(backend, "k", 60, lambda: 1, tags="users")
    wrong = "memory://"
    with pytest.raises(TypeError, match="not a str"):
        remember(wrong, "k", 60, lambda: 1)


def test_caches_with_different_prefixes_remember_apart() -> None:
    """What one remembers goes with its `clear`, and no other has it."""
    backend = MemoryBackend()
    one, other = Cache(backend, prefix="one:"), Cache(backend, prefix="other:")
    assert remember(one, "k", 60, lambda: 1) == 1
    assert remember(other, "k", 60, lambda: 2) == 2
    assert backend.get(f"one:{stored_key('k')}") is not None
    one.clear()
    assert remember(one, "k", 60, lambda: 3) == 3
    assert remember(other, "k", 60, lambda: 4) == 2


def test_remember_is_the_same_for_a_key() -> None:
    """A value in the middle of code, with tags and a time."""
    clock = ManualClock()
    backend = MemoryBackend(clock=clock)
    index = TagIndex(backend, clock)
    made = iter(range(1, 9))

    def ask() -> int:
        return remember(backend, "k", 60, lambda: next(made), tags=["t"], index=index, clock=clock, beta=0)

    assert [ask(), ask()] == [1, 1]
    index.invalidate(["t"])
    assert ask() == 2
    clock.advance(60)
    assert ask() == 3
    assert backend.get(stored_key("k")) is not None
    assert remember(Cache(backend), "k", 60, lambda: 9, clock=clock, beta=0) == 3


def test_the_default_is_the_processs_own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory where nothing is set; looked up when it is used, and again after a close."""
    monkeypatch.delenv("LANNER_CACHE", raising=False)
    default.close()
    calls: list[int] = []

    @cached(60, tags=["default"])
    def count() -> int:
        calls.append(1)
        return len(calls)

    assert [count(), count()] == [1, 1]
    default.default_tags().invalidate(["default"])
    assert count() == 2
    default.close()
    assert count() == 3
    assert remember(None, "k", 5, lambda: 7) == 7
    default.close()


def test_a_method_is_cached_by_its_key() -> None:
    """`self` is an argument: a format leaves it out."""

    class Repository:
        calls = 0

        @cached(60, key="row:{number}", backend=MemoryBackend())
        def row(self, number: int) -> int:
            self.calls += 1
            return number

    repository = Repository()
    assert [repository.row(1), repository.row(1), repository.row(2)] == [1, 1, 2]
    assert repository.calls == 2


@pytest.mark.parametrize("inline", [False, True])
def test_threads_wait_for_each_other_and_not_by_the_clock(inline: bool) -> None:
    """A clock that is moved by whoever sleeps stands still: nobody's patience or lease ends while one computes."""
    readers = 30
    source = Source()
    here = threading.Barrier(readers)
    all_here = threading.Event()
    source.answer = lambda number: all_here.wait(60) and number
    got: list[Any] = []

    def read() -> None:
        if not here.wait():
            all_here.set()  # by one of them
        if inline:
            got.append(remember(source.backend, "key", 60, source.compute, index=source.index, clock=source.clock))
        else:
            got.append(source.get())

    begun = source.clock.monotonic()
    crowd = [threading.Thread(target=read) for _ in range(readers)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert got == [1] * readers
    assert source.calls == 1
    assert source.clock.monotonic() == begun
