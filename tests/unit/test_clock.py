"""A manual clock stands still until it is moved."""

from __future__ import annotations

import pytest

from lanner.clock import ManualClock


def test_sleeping_moves_it() -> None:
    """Both clocks move by the same amount."""
    clock = ManualClock(100)
    clock.sleep(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)


def test_setting_the_wall_clock_leaves_the_monotonic_one() -> None:
    """As when NTP corrects a machine."""
    clock = ManualClock(100)
    clock.set(50)
    assert (clock.now(), clock.monotonic()) == (50, 0)
    with pytest.raises(ValueError, match="0 or more"):
        clock.advance(-1)
