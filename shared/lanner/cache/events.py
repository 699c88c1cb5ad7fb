"""What a cache tells about itself: hooks that are called in line, and that can break nothing.

    before_get  before_set  before_has  before_delete  before_increment
    hit  miss  set  has  delete  increment  error  unreadable  evict

Those in the first row come before the store is asked, whatever comes of it; one for each key, as those after it. `has`
and `increment` come where the store answered, `set` where it took the value, `delete` where something was there (of
several keys for each, since no store tells which).

A hook changes nothing of the operation. One that raises is counted, and the operation goes on. Hooks run in the thread
of the operation and cost it what they cost. Nothing is made where nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, get_args

from lanner.cache.errors import CacheConfigError

Kind = Literal[
    "before_get",
    "before_set",
    "before_has",
    "before_delete",
    "before_increment",
    "hit",
    "miss",
    "set",
    "has",
    "delete",
    "increment",
    "error",
    "unreadable",
    "evict",
]
KINDS: tuple[str, ...] = get_args(Kind)


class CacheEvent(NamedTuple):
    """One thing that happened. `key` is as the caller has it, empty where an operation has none or several."""

    kind: Kind
    key: str
    error: Exception | None = None


Hook = Callable[[CacheEvent], object]


class Hooks:
    """Who listens to what."""

    __slots__ = ("_hooks", "failures")

    def __init__(self) -> None:
        self._hooks: dict[str, tuple[Hook, ...]] = {}
        self.failures = 0

    def add(self, kind: Kind, hook: Hook) -> Callable[[], None]:
        """Call `hook` for each event of a kind; what is returned ends that. Raises `CacheConfigError` for no kind."""
        if kind not in KINDS:
            raise CacheConfigError(f"a cache has the events {', '.join(KINDS)}, not {kind!r}")
        self._hooks[kind] = (*self._hooks.get(kind, ()), hook)

        def remove() -> None:
            self._hooks[kind] = tuple(each for each in self._hooks[kind] if each is not hook)

        return remove

    def tell_each(self, kind: Kind, keys: Iterable[str]) -> None:
        """Call the hooks of an event once for each key."""
        if self._hooks.get(kind):
            for key in keys:
                self.tell(kind, key)

    def tell(self, kind: Kind, key: str, error: Exception | None = None) -> None:
        """Call the hooks of an event."""
        hooks = self._hooks.get(kind)
        if hooks:
            event = CacheEvent(kind, key, error)
            for hook in hooks:
                try:
                    hook(event)
                except Exception:  # whatever an author's hook does, the request goes on
                    self.failures += 1


def listen_to_evictions(backend: Any, evicted: Callable[[str], None]) -> None:
    """Hear of evictions in every tier of a stack that tells; several caches over one backend all hear."""
    for tier in getattr(backend, "tiers", (backend,)):
        before = getattr(tier, "on_evict", ...)
        if before is not ...:
            tier.on_evict = evicted if before is None else _both(before, evicted)


def _both(first: Callable[[str], None], second: Callable[[str], None]) -> Callable[[str], None]:
    def tell(key: str) -> None:
        first(key)
        second(key)

    return tell
