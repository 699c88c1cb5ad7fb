"""Many at once: threads of one cache, processes after a fork."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable

import pytest

from lanner.cache.backend import CacheBackend, CacheEntry
from tests.contract.cache.conftest import Store

THREADS = 20
PROCESSES = 8
ROUNDS = 12


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What `work` returned in each of so many threads that start together."""
    results: list[object] = [None] * count
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        ready.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def in_processes(count: int, work: Callable[[int], None]) -> list[int]:
    """The exit codes of so many forked processes that did `work`; 0 where it raised nothing."""
    children = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(number)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


def test_one_of_many_adds(store: Store) -> None:
    """`add` is atomic."""
    cache = store.make()
    added = at_once(THREADS, lambda number: cache.add("key", b"%d" % number, 60))
    assert sorted(map(str, added)) == ["False"] * (THREADS - 1) + ["True"]
    entry = cache.get("key")
    assert entry is not None and entry.value == b"%d" % added.index(True)


def test_one_of_many_deletes(store: Store) -> None:
    """`delete` says True once."""
    cache = store.make()
    cache.set("key", b"value")
    assert sorted(map(str, at_once(8, lambda _: cache.delete("key")))) == ["False"] * 7 + ["True"]


def test_one_of_many_gets_the_lease(store: Store) -> None:
    """Under contention, again after a release, and one `set_held` for it."""
    cache = store.make()
    for _ in range(3):
        granted = at_once(THREADS, lambda number: cache.acquire("key", f"token {number}", 60))
        assert sorted(map(str, granted)) == ["False"] * (THREADS - 1) + ["True"]
        holder = granted.index(True)
        stored = at_once(THREADS, lambda number: cache.set_held("key", b"%d" % number, None, f"token {number}"))
        assert [number for number, done in enumerate(stored) if done] == [holder]
        assert cache.get("key") == CacheEntry(b"%d" % holder)


def test_threads_lose_no_increment(store: Store) -> None:
    """Every number is given once, from a counter that did not exist."""
    cache = store.make()
    got = at_once(8, lambda _: [cache.increment("n", ttl=60) for _ in range(ROUNDS)])
    numbers = [number for each in got if isinstance(each, list) for number in each]
    assert sorted(numbers) == list(range(1, 8 * ROUNDS + 1))


def test_threads_have_answers_of_their_own(store: Store) -> None:
    """No thread reads what another asked for."""
    cache = store.make()

    def work(number: int) -> bool:
        mine = b"%d" % number * 1000
        for turn in range(ROUNDS):
            cache.set(f"key {number}", mine + b"%d" % turn)
            entry = cache.get(f"key {number}")
            many = cache.get_many([f"key {number}", "absent"])
            if entry != CacheEntry(mine + b"%d" % turn) or many != {f"key {number}": entry}:
                return False
        return True

    assert at_once(THREADS, work) == [True] * THREADS


def test_a_reset_in_one_thread_disturbs_no_other(store: Store) -> None:
    """Connections of other threads are dropped at their next operation, not in the middle of one."""
    cache = store.make()
    cache.set("key", b"value")

    def work(number: int) -> bool:
        for _ in range(ROUNDS):
            if number == 0:
                cache.reset()
            if cache.get("key") != CacheEntry(b"value"):
                return False
        return True

    assert at_once(4, work) == [True] * 4


@pytest.fixture
def forked(store: Store) -> CacheBackend:
    """A cache that was used before the fork, in a store that processes share."""
    if not store.kind.shared:
        pytest.skip("processes have nothing in common in it")
    cache = store.make()
    cache.set("before", b"fork")
    return cache


def test_processes_lose_no_increment(forked: CacheBackend) -> None:
    """Eight of them, over a cache that its parent has a connection of."""

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            forked.increment("n")

    assert in_processes(PROCESSES, work) == [0] * PROCESSES
    assert forked.get("n") == CacheEntry(b"%d" % (PROCESSES * ROUNDS))


def test_a_fork_shares_no_connection(forked: CacheBackend) -> None:
    """Parent and children ask at the same time, and everyone has its own answers."""

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            forked.set(f"{number}", b"%d" % turn)
            assert forked.get(f"{number}") == CacheEntry(b"%d" % turn)
        assert forked.get("before") == CacheEntry(b"fork")

    parent = threading.Thread(target=lambda: [forked.get("before") for _ in range(ROUNDS)])
    parent.start()
    codes = in_processes(4, work)
    parent.join()
    assert codes == [0] * 4
    assert forked.get("before") == CacheEntry(b"fork")


def test_one_of_many_processes_gets_the_lease(forked: CacheBackend) -> None:
    """And its value is what is stored."""

    def work(number: int) -> None:
        token = f"token {number}"
        if forked.acquire("key", token, 60):
            forked.increment("granted")
            assert forked.set_held("key", b"%d" % number, None, token)
            assert forked.acquire("done", "once", 60)

    assert in_processes(PROCESSES, work) == [0] * PROCESSES
    assert forked.get("key") is not None
