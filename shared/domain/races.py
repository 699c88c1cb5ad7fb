"""Optimistic writing: read, decide, write on condition that nobody wrote meanwhile; who loses starts again.

    for _ in attempts(clock):
        old = read()
        try:
            return write(old, decide(old))
        except Lost:
            continue
    raise too_busy("user")

Every lost attempt let another writer through, so the number of attempts is bounded by contention and not by luck.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lanner.http.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lanner.clock import Clock

ATTEMPTS = 8

FIRST_WAIT_S = 0.004
"""Upper bound of the first wait; it doubles, and each wait is drawn evenly below it (full jitter)."""


def attempts(clock: Clock) -> Iterator[int]:
    """The numbers of the attempts, 0 to `ATTEMPTS` - 1, with a longer wait before each one after the first."""
    for attempt in range(ATTEMPTS):
        if attempt:
            share = int.from_bytes(os.urandom(2)) / 65_536
            clock.sleep(share * FIRST_WAIT_S * (1 << attempt - 1))
        yield attempt


def too_busy(what: str) -> Unavailable:
    """What a writer is told after its last attempt."""
    return Unavailable(f"Others are changing the same {what}; try again shortly", retry_after=1)
