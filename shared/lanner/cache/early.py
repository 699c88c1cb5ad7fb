"""XFetch: refresh a little before the end, each reader with a growing chance, so that nobody meets an expired entry.

A reader recomputes early when `now - delta * beta * ln(u) >= expires_at`, `u` uniform in (0, 1], `delta` what the last
computation took: the dearer the computation, the earlier somebody begins (Vattani, Chierichetti, Lowenstein: "Optimal
Probabilistic Cache Stampede Prevention", VLDB 2015, algorithm 2; beta 1 is optimal there). A lease behind it makes the
few that begin into one.
"""

from __future__ import annotations

from math import log
from random import random

BETA = 1.0


def is_due(now: float, expires_at: float, delta: float, *, beta: float = BETA, uniform: float | None = None) -> bool:
    """Whether this reader should recompute now. Times in seconds; `uniform` in (0, 1] replaces the random number."""
    if now >= expires_at:
        return True
    if delta <= 0 or beta <= 0:
        return False
    chance = 1.0 - random() if uniform is None else uniform  # noqa: S311 (spreads load, guards nothing)
    return now - delta * beta * log(chance) >= expires_at
