"""`python -m bench.cache_memory`: the memory tier's eviction against LRU and W-TinyLFU, and its cost at every size.

Hit ratios: each trace is drawn from a fixed seed and played to everybody: read, and on a miss store. Everybody has room
for the same number of entries of one size. Costs: CPU time of reads and writes of caches that hold 10^3 to 10^6
entries, each size in turn. A larger dict costs more by itself, since its keys are no longer in the processor's caches.
So what is measured of ours is measured of a plain dict too, in the same run, and the bar is on what ours adds.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from bench.measure import Bar, in_turns, verdicts

ROOM = 1_000
TRACE = 200_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
CALLS = 2_000
ROUNDS = 15
VALUE = b"x" * 64
SEED = 20261127
NEAR_FLAT = 1.0
"""A thousand times the entries make a call dearer by no more than they make a dict's."""

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


OURS, LRU = "lanner", "cachetools LRU"
PLAYERS: dict[str, Callable[[int], Get]] = {OURS: lanner_cache, LRU: lru_cache, "theine": theine_cache}


def hit_ratio(get: Get, trace: Trace) -> float:
    """The share of reads that found something."""
    return sum(map(get, trace)) / len(trace)


def hit_ratios() -> list[str]:
    """Lines of Markdown: a trace a row, a player a column; then what must not be below LRU."""
    rows = [f"| hit ratio, room for {ROOM:,} | {' | '.join(PLAYERS)} |", f"|---|{'---:|' * len(PLAYERS)}"]
    misses: dict[str, float] = {}
    for name, make in TRACES.items():
        trace = make()
        found = {player: hit_ratio(cache(ROOM), trace) for player, cache in PLAYERS.items()}
        rows.append(f"| {name} | {' | '.join(f'{each:.3f}' for each in found.values())} |")
        misses |= {f"{player}: {name}": 1 - each for player, each in found.items()}
    bars = [
        Bar(f"misses against LRU's, {name}", f"{OURS}: {name}", f"{LRU}: {name}", 1.0)
        for name in TRACES
        if name.startswith("Zipf")
    ]
    return [*rows, "", *verdicts(bars, misses)]


def _keys(size: int) -> list[str]:
    draw = random.Random(SEED)
    return [f"k{draw.randrange(size)}" for _ in range(CALLS)]


def _filled(size: int) -> Any:  # Any: imported late, as every player
    from lanner.cache.memory import MemoryBackend

    cache = MemoryBackend(max_bytes=1 << 34, max_entries=size)
    for at in range(size):
        cache.set(f"k{at}", VALUE, 3600)
    return cache


def _reads(size: int) -> Callable[[], object]:
    keys, get = _keys(size), _filled(size).get
    return lambda: [get(key) for key in keys]


def _dict_reads(size: int) -> Callable[[], object]:
    keys, get = _keys(size), {f"k{at}": VALUE for at in range(size)}.get
    return lambda: [get(key) for key in keys]


def _writes(size: int) -> Callable[[], object]:
    """Every write is of a new key and puts another one out."""
    fresh: Iterator[int] = itertools.count(size)
    put = _filled(size).set

    def write() -> None:
        for _ in range(CALLS):
            put(f"k{next(fresh)}", VALUE, 3600)

    return write


def _dict_writes(size: int) -> Callable[[], object]:
    """Every write is of a new key, and the oldest one goes."""
    held = {f"k{at}": VALUE for at in range(size)}
    fresh: Iterator[int] = itertools.count(size)

    def write() -> None:
        for _ in range(CALLS):
            at = next(fresh)
            held[f"k{at}"] = VALUE
            del held[f"k{at - size}"]

    return write


def costs() -> list[str]:
    """Lines of Markdown: microseconds of a hit and of a write that evicts, by the number of entries."""
    lines: list[str] = []
    growth: dict[str, float] = {}
    for title, ours, plain in (
        ("get, a hit", _reads, _dict_reads),
        ("set of a new key, full", _writes, _dict_writes),
    ):
        calls = {(name, size): make(size) for size in SIZES for name, make in (("ours", ours), ("dict", plain))}
        spent = in_turns({f"{name} {size}": call for (name, size), call in calls.items()}, ROUNDS, 1)
        lines += [f"| {title}, entries | ours, us | growth | a dict, us | growth | ours to the dict's |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for size in SIZES:
            mine, dicts = (spent[f"{name} {size}"] / spent[f"{name} {SIZES[0]}"] for name in ("ours", "dict"))
            cells = (
                f"{spent[f'ours {size}'] / CALLS:.2f} | {mine:.2f} | {spent[f'dict {size}'] / CALLS:.2f} | {dicts:.2f}"
            )
            lines.append(f"| {size:,} | {cells} | {mine / dicts:.2f} |")
        growth |= {f"{title}, ours": mine, f"{title}, dict": dicts}
        lines.append("")
    largest = f"{SIZES[0]:,} to {SIZES[-1]:,}"
    bars = [
        Bar(f"growth from {largest} against a dict's, {title}", f"{title}, ours", f"{title}, dict", NEAR_FLAT)
        for title in ("get, a hit", "set of a new key, full")
    ]
    return [*lines, *verdicts(bars, growth)]


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
