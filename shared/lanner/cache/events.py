"""What a cache tells about itself: hooks that are called in line, and that can break nothing.

    hit  miss  set  delete  error  unreadable  evict

A hook that raises is counted, and the operation goes on. Hooks run in the thread of the operation and cost it what they
cost. Nothing is made where nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from lanner.cache.errors import CacheConfigError

Kind = Literal["hit", "miss", "set", "delete", "error", "unreadable", "evict"]
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
