"""What a response cache has done, in numbers. Additions are not atomic: under threads a few may be lost."""

from __future__ import annotations


class Counters:
    """Answers by how they came about; what a backend did wrong is counted where it happens."""

    __slots__ = ("bypass", "collapsed", "hits", "misses", "revalidated", "stale", "stored")

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.stale = 0
        self.revalidated = 0
        self.collapsed = 0
        self.stored = 0
        self.bypass = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return {name: getattr(self, name) for name in self.__slots__}
