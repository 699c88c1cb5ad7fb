"""How well the memory tier chooses, against an LRU written here, on traces from fixed seeds."""

from __future__ import annotations

import itertools
import random
from collections import OrderedDict
from collections.abc import Callable

import pytest

from lanner.cache.backend import CacheEntry
from lanner.cache.eviction import LEAST_SHARE, Node, Queues
from lanner.cache.memory import MemoryBackend

ROOM = 500
LENGTH = 40_000


def _zipf(exponent: float, population: int, length: int = LENGTH, seed: int = 7) -> list[str]:
    weights = list(itertools.accumulate(rank**-exponent for rank in range(1, population + 1)))
    return [str(each) for each in random.Random(seed).choices(range(population), cum_weights=weights, k=length)]


def _scans() -> list[str]:
    popular = iter(_zipf(0.9, 5_000))
    trace: list[str] = []
    for scan in range(10):
        trace += itertools.islice(popular, 2_000)
        trace += [f"scan{scan}-{at}" for at in range(2_000)]
    return trace


def _recent() -> list[str]:
    draw = random.Random(7)
    return [str(at // 4 - int(draw.expovariate(1 / 75))) for at in range(LENGTH)]


def _shifts() -> list[str]:
    return [f"{part}:{key}" for part in range(8) for key in _zipf(1.0, 5_000, LENGTH // 8, seed=part)]


def _lru(trace: list[str]) -> float:
    held: OrderedDict[str, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            held.move_to_end(key)
        else:
            held[key] = None
            if len(held) > ROOM:
                held.popitem(last=False)
    return hits / len(trace)


def _ours(trace: list[str]) -> float:
    cache = MemoryBackend(max_entries=ROOM)
    hits = 0
    for key in trace:
        if cache.get(key) is not None:
            hits += 1
        else:
            cache.set(key, b"v")
    return hits / len(trace)


@pytest.mark.parametrize(
    ("make", "gain"),
    [
        (lambda: _zipf(0.7, 5_000), 0.07),
        (lambda: _zipf(0.9, 5_000), 0.06),
        (lambda: _zipf(1.1, 25_000), 0.04),
        (_scans, 0.04),
        (lambda: [str(at % 650) for at in range(LENGTH)], 0.5),
        (_shifts, -0.002),
        (_recent, -0.002),
    ],
    ids=["zipf 0.7", "zipf 0.9", "zipf 1.1", "scans", "loop", "shifts", "recency"],
)
def test_hit_ratios_against_lru(make: Callable[[], list[str]], gain: float) -> None:
    """Clearly better where frequency matters; at most a fifth of a point worse where recency does."""
    trace = make()
    assert _ours(trace) >= _lru(trace) + gain


def test_a_scan_leaves_what_is_read_often() -> None:
    """Ten times the room, read once, does not wash out the entries that are asked for again and again."""
    cache = MemoryBackend(max_entries=100)
    for _ in range(3):
        for at in range(50):
            if cache.get(f"hot{at}") is None:
                cache.set(f"hot{at}", b"v")
    for at in range(1_000):
        cache.set(f"scan{at}", b"v")
    assert sum(cache.exists(f"hot{at}") for at in range(50)) >= 45


@pytest.mark.parametrize(("size", "stays"), [(100, True), (300, True), (500, False), (1_000, False)])
def test_frequency_counts_per_byte(size: int, stays: bool) -> None:
    """What is asked for four times as often takes the place of one of its size, and not the room of ten."""
    queues = Queues()
    queues._share = LEAST_SHARE  # so that everything in the window has to prove itself
    for at in range(40):
        queues.enter(f"old{at}", _node(100), full=False)
    for _ in range(3):  # and once as it enters, as the others were
        queues._frequencies.add(hash("new"))
    queues.enter("new", _node(size), full=True)
    queues.enter("last", _node(100), full=True)
    gone = [queues.evict("last") for _ in range(len(queues._window))]
    assert ("new" not in gone) is stays
    assert len(gone) == len(set(gone))


def _node(size: int) -> Node:
    return Node(CacheEntry(b"", None), size)
