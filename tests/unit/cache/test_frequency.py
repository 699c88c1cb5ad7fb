"""Counting what is asked for: never too low before it ages, and forgotten after."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.cache.frequency import ADDS_PER_BLOCK, MOST, SLOTS, Frequencies

HASHES = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(HASHES, max_size=ADDS_PER_BLOCK - 1))
def test_a_count_is_never_too_low(asked: list[int]) -> None:
    """Up to `MOST`, until the first halving."""
    sketch = Frequencies()
    for each in asked:
        sketch.add(each)
    for each, times in Counter(asked).items():
        assert min(times, MOST) <= sketch.of(each) <= MOST


def test_counts_are_seldom_too_high() -> None:
    """With as many keys as there is room for, fewer than one in a hundred is taken for another."""
    draw = random.Random(7)
    keys = [draw.getrandbits(63) for _ in range(4_000)]
    sketch = Frequencies()
    sketch.fit(len(keys))
    for key in keys[:2_000]:
        sketch.add(key)
    assert sum(sketch.of(key) > 0 for key in keys[2_000:]) < 20


def test_growing_keeps_what_was_counted() -> None:
    """A key's place is in both halves of what has doubled."""
    sketch = Frequencies()
    for key in range(30):
        sketch.add(key, 3)
    before = [sketch.of(key) for key in range(30)]
    assert min(before) >= 3
    sketch.fit(10_000)
    assert [sketch.of(key) for key in range(30)] == before
    assert len(sketch._rows[0]) >= 10_000 * SLOTS


@pytest.mark.parametrize("entries", [1, 1_000])
def test_what_is_not_asked_for_any_more_is_forgotten(entries: int) -> None:
    """Four rounds of halving leave nothing of fifteen, and each is through within 48 additions per entry's room."""
    sketch = Frequencies()
    sketch.fit(entries)
    sketch.add(1, MOST)
    rounds = 4 * len(sketch._rows[0]) * ADDS_PER_BLOCK // 64
    for _ in range(rounds):
        sketch.add(2)
    assert sketch.of(1) <= sketch.of(2) // 4
    assert sketch.of(2) > 0


def test_one_addition_never_halves_more_than_a_block_of_each_row() -> None:
    """Whatever the size: a write pays for itself alone."""
    sketch = Frequencies()
    sketch.fit(10_000)
    for row in sketch._rows:
        row[:] = bytes([8]) * len(row)
    for _ in range(ADDS_PER_BLOCK - 1):
        sketch.add(1)
    halved = [row.count(4) for row in sketch._rows]
    sketch.add(1)
    for row, before in zip(sketch._rows, halved, strict=True):
        assert 63 <= row.count(4) - before <= 64  # the key counted may be among them
