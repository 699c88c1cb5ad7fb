"""Stores that misbehave: memory behind a switch, and memory that another program writes to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lanner.cache.backend import CacheEntry
from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.memory import MemoryBackend

_READS = ("get", "get_many", "exists", "keys")
_WRITES = ("set", "set_many", "add", "delete", "delete_many", "touch", "increment", "clear")
_LEASES = ("acquire", "release", "set_held")


class Switched(MemoryBackend):
    """Named as a network store, so that a stack guards it. `asked` has the operations that reached it."""

    name = "remote"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.down = False
        self.asked: list[str] = []
        for operation in (*_READS, *_WRITES, *_LEASES):
            setattr(self, operation, self._switched(operation, getattr(self, operation)))

    def _switched(self, name: str, operation: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.asked.append(name)
            if self.down:
                raise CacheUnavailable(f"remote: {name}: switched off")
            return operation(*arguments, **options)

        return call


class Shared(MemoryBackend):
    """As Redis answers for what another program left under a key (`theirs`): an error, until it is written over."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.theirs: set[str] = set()

    def get(self, key: str) -> CacheEntry | None:
        self._check(key)
        return super().get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, CacheEntry]:
        return super().get_many([key for key in keys if key not in self.theirs])

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: float | None = None) -> int:
        self._check(key)
        return super().increment(key, delta, initial=initial, ttl=ttl)

    def set(self, key: str, value: bytes, ttl: float | None = None) -> None:
        self.theirs.discard(key)
        super().set(key, value, ttl)

    def set_held(self, key: str, value: bytes, ttl: float | None, token: str) -> bool:
        self.theirs.discard(key)
        return super().set_held(key, value, ttl, token)

    def _check(self, key: str) -> None:
        if key in self.theirs:
            raise CacheValueError("the key holds something that is no string")
