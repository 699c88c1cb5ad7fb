"""What a response cache was told when it was made, as far as the pure core needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.cache.errors import CacheConfigError
from lanner.cache.response.freshness import HEURISTIC_FRACTION, HEURISTIC_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

# Ours, for this cache alone, and the one that every content delivery network obeys (RFC 9213 section 3).
TARGETS: Final = ("Lanner-Cache-Control", "CDN-Cache-Control")
OWN_TARGETS: Final = TARGETS[:1]
_PUBLIC_TARGET: Final = "cdn-cache-control"
GRACE: Final = 86_400.0  # seconds that an entry outlives its freshness: to be validated, or served to a `max-stale`
LEASE_MS: Final = 3_000  # longer than a usual answer; a dead leader is noticed after it
WAIT_MS: Final = 8_000  # longer than a dead leader's lease and the answer of the next one
UNCACHEABLE_MS: Final = 5_000  # nobody queues where answers are not stored
HOLD_MS: Final = 1_000  # an origin that failed is not asked again on behalf of a stale response
LONGEST_KEPT: Final = 31_536_000.0  # seconds: one year, whatever a lifetime says


class Rules:
    """Options of the pure core. `targets` are names of targeted fields, the most specific first (RFC 9213).

    All but `CDN-Cache-Control` are this cache's own and are not passed on. `grace` is in seconds; a
    `heuristic_fraction` of 0 turns guessing off. `ranked_languages`: see `selection`.
    """

    __slots__ = (
        "allow_cookies",
        "grace",
        "heuristic_fraction",
        "heuristic_max",
        "own_targets",
        "ranked_languages",
        "shared",
        "targets",
    )

    def __init__(
        self,
        *,
        shared: bool = True,
        targets: Sequence[str] = TARGETS,
        heuristic_fraction: float = HEURISTIC_FRACTION,
        heuristic_max: float = HEURISTIC_MAX,
        allow_cookies: bool = False,
        grace: float = GRACE,
        ranked_languages: bool = False,
    ) -> None:
        if isinstance(targets, str):
            raise CacheConfigError(f"targets is a sequence of field names, not the string {targets!r}")
        self.shared = shared
        self.targets = tuple(name.lower() for name in targets)
        self.own_targets = tuple(name for name in self.targets if name != _PUBLIC_TARGET)
        self.heuristic_fraction = heuristic_fraction
        self.heuristic_max = heuristic_max
        self.allow_cookies = allow_cookies
        self.grace = grace
        self.ranked_languages = ranked_languages
