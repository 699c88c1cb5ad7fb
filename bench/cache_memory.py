"""`python -m bench.cache_memory`: the memory tier's eviction against LRU and W-TinyLFU, and its cost at every size.

Hit ratios: each trace is drawn from a fixed seed and played to everybody: read, and on a miss store. Everybody has room
for the same number of entries of one size. Costs: CPU time of reads and writes of caches that hold 10^3 to 10^6
entries, each size in turn, as ratios to the smallest.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from bench.measure import in_turns, table

ROOM = 1_000
TRACE = 200_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
CALLS = 2_000
ROUNDS = 15
VALUE = b"x" * 64
SEED = 20261127

Trace = list[str]
Get = Callable[[str], bool]
"""Reads a key and stores it on a miss; whether it was there."""


def zipf(exponent: float, population: int, length: int = TRACE, seed: int = SEED) -> Trace:
    """Independent draws: the key of rank r with a weight of r to the power of -exponent."""
    draw = random.Random(seed)
    weights = list(itertools.accumulate(rank**-exponent for rank in range(1, population + 1)))
    return [f"k{rank}" for rank in draw.choices(range(population), cum_weights=weights, k=length)]


def scans(exponent: float = 0.9, population: int = 10_000, length: int = TRACE) -> Trace:
    """Zipf, interrupted by reads of things that nobody asks for again: a crawler."""
    popular = iter(zipf(exponent, population, length))
    trace: Trace = []
    for scan in range(length // 10_000):
        trace += itertools.islice(popular, 5_000)
        trace += [f"s{scan}-{at}" for at in range(5_000)]
    return trace


def loop(share: float = 1.3, length: int = TRACE) -> Trace:
    """The same keys in the same order, a few more than there is room for: LRU's worst case."""
    around = int(ROOM * share)
    return [f"k{at % around}" for at in range(length)]


def shift(exponent: float = 1.0, population: int = 10_000, length: int = TRACE) -> Trace:
    """What is popular changes ten times: frequency has to be forgotten."""
    part = length // 10
    return [f"{at}:{key}" for at in range(10) for key in zipf(exponent, population, part, seed=SEED + at)]


def recent(length: int = TRACE) -> Trace:
    """New things, each read a few times soon after it came: LRU's best case."""
    draw = random.Random(SEED)
    return [f"k{at // 4 - int(draw.expovariate(1 / 150))}" for at in range(length)]


TRACES: dict[str, Callable[[], Trace]] = {
    "Zipf 0.7": lambda: zipf(0.7, 10_000),
    "Zipf 0.9": lambda: zipf(0.9, 10_000),
    "Zipf 1.1": lambda: zipf(1.1, 50_000),
    "Zipf 0.9 with scans": scans,
    "loop of 1.3 x room": loop,
    "popularity shifts": shift,
    "recency": recent,
}


def lanner_cache(room: int) -> Get:
    """Ours, bounded by entries."""
    from lanner.cache.memory import MemoryBackend

    cache = MemoryBackend(max_bytes=1 << 34, max_entries=room)

    def get(key: str) -> bool:
        if cache.get(key) is not None:
            return True
        cache.set(key, VALUE)
        return False

    return get


def lru_cache(room: int) -> Get:
    """cachetools' LRUCache."""
    cache: Any = import_module("cachetools").LRUCache(room)  # Any: mypy runs where the peers are not installed

    def get(key: str) -> bool:
        if cache.get(key) is not None:
            return True
        cache[key] = VALUE
        return False

    return get


def theine_cache(room: int) -> Get:
    """theine's W-TinyLFU."""
    cache: Any = import_module("theine").Cache(room)

    def get(key: str) -> bool:
        if cache.get(key)[1]:
            return True
        cache.set(key, VALUE)
        return False

    return get


PLAYERS: dict[str, Callable[[int], Get]] = {"lanner": lanner_cache, "cachetools LRU": lru_cache, "theine": theine_cache}


def hit_ratio(get: Get, trace: Trace) -> float:
    """The share of reads that found something."""
    return sum(map(get, trace)) / len(trace)


def hit_ratios() -> list[str]:
    """Lines of Markdown: a trace a row, a player a column."""
    rows = [f"| hit ratio, room for {ROOM:,} | {' | '.join(PLAYERS)} |", f"|---|{'---:|' * len(PLAYERS)}"]
    for name, make in TRACES.items():
        trace = make()
        found = [f"{hit_ratio(player(ROOM), trace):.3f}" for player in PLAYERS.values()]
        rows.append(f"| {name} | {' | '.join(found)} |")
    return [*rows, ""]


def _reads(size: int) -> Callable[[], object]:
    from lanner.cache.memory import MemoryBackend

    cache = MemoryBackend(max_bytes=1 << 34, max_entries=size)
    for at in range(size):
        cache.set(f"k{at}", VALUE, 3600)
    draw = random.Random(SEED)
    keys = [f"k{draw.randrange(size)}" for _ in range(CALLS)]
    get = cache.get
    return lambda: [get(key) for key in keys]


def _writes(size: int) -> Callable[[], object]:
    """Every write is of a new key and puts another one out."""
    from lanner.cache.memory import MemoryBackend

    cache = MemoryBackend(max_bytes=1 << 34, max_entries=size)
    for at in range(size):
        cache.set(f"k{at}", VALUE, 3600)
    fresh: Iterator[int] = itertools.count(size)
    put = cache.set

    def write() -> None:
        for _ in range(CALLS):
            put(f"k{next(fresh)}", VALUE, 3600)

    return write


def costs() -> list[str]:
    """Lines of Markdown: microseconds of a hit and of a write that evicts, by the number of entries."""
    lines: list[str] = []
    for title, make in (("get, a hit", _reads), ("set of a new key, full", _writes)):
        calls = {f"{size:,}": make(size) for size in SIZES}
        spent = {name: each / CALLS for name, each in in_turns(calls, ROUNDS, 1).items()}
        lines += table(title, "us", spent, f"{SIZES[0]:,}")
    return lines


def one_hit() -> float:
    """Nanoseconds of a hit in a loop over one key: the call itself."""
    from lanner.cache.memory import MemoryBackend

    cache = MemoryBackend()
    cache.set("key", VALUE, 3600)
    get = cache.get
    times = []
    for _ in range(20):
        started = time.process_time()
        for _ in itertools.repeat(None, 50_000):
            get("key")
        times.append((time.process_time() - started) / 50_000 * 1e9)
    return min(times)


def cache_memory() -> list[str]:
    """Everything, as Markdown."""
    return [*hit_ratios(), *costs(), f"A hit takes {one_hit():.0f} ns.", ""]


if __name__ == "__main__":
    print("\n".join(cache_memory()))
