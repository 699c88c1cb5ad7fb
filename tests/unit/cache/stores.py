"""A store that can be taken away and brought back: memory behind a switch."""

from __future__ import annotations

from typing import Any

from lanner.cache.errors import CacheUnavailable
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
