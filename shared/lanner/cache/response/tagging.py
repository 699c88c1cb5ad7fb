"""Tags of stored responses, and the race between an invalidation and an answer that is being made.

A response counts only while the generation of each of its tags is the one that was current *before* the origin was
asked: then an invalidation at any later moment, while the answer was being made too, makes it stale or gone. The tags
that a request has, and those of the stored response that it would replace, are read before.

Tags that are known only afterwards (from Cache-Groups, or added by the route) have generations that are read
afterwards, which prove nothing about the time of the call, unless it can be shown that they did not move in it:

    seen      this process had read the same generation before the trip began (a counter never comes back to a value)
    created   the counter was not there until now: an invalidation would have made it, so there was none. Its value
              tells: the milliseconds of our own read, with nothing added (`lanner.cache.tags`); an invalidation that
              made it in the millisecond before looks the same, which is how exact this is

Otherwise the answer is not stored this time. The generation has now been seen, so the next one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from lanner.cache.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lanner.cache.backend import CacheBackend
    from lanner.cache.response.decision import Verdict
    from lanner.clock import Clock

STATE: Final = "cache_tags"  # where a route leaves the tags of what it read, in `request.state`
_SEEN: Final = 4096  # generations remembered: an hour of an environment's tags, in some 400 kB


class Tags(Protocol):
    """What is asked of a `lanner.cache.tags.TagIndex`; each may raise `CacheUnavailable`."""

    def current(self, tags: Iterable[str]) -> dict[str, int]: ...

    def judge(self, recorded: Mapping[str, int]) -> Verdict: ...

    def invalidate(self, tags: Iterable[str], *, soft: bool = False) -> None: ...


class TagGate:
    """The index, with its failures counted, and what was seen of it. Made when the first tag turns up."""

    __slots__ = ("_backend", "_clock", "_index", "_mark", "_seen", "errors")

    def __init__(self, index: Tags | None, backend: CacheBackend, clock: Clock) -> None:
        self._index = index
        self._backend = backend
        self._clock = clock
        self._seen: dict[str, tuple[int, int]] = {}  # the generation, and the mark when it was first seen
        self._mark = 0
        self.errors = 0

    @property
    def index(self) -> Tags:
        """The index that was given, else one over the cache's own backend."""
        if self._index is None:
            from lanner.cache.tags import TagIndex

            self._index = TagIndex(self._backend, self._clock)
        return self._index

    def verdict(self, generations: Mapping[str, int]) -> Verdict:
        """What has become of a record with these tags; without an index nothing tagged is used."""
        index = self._index or self.index
        try:
            return index.judge(generations)
        except CacheError:
            self.errors += 1
            return "gone"

    def mark(self) -> int:
        """A point in the order of things: what was seen before it has a smaller mark."""
        self._mark += 1
        return self._mark

    def before(self, tags: Iterable[str]) -> dict[str, int] | None:
        """The generations to go by, read before the origin is asked; None without an index."""
        wanted = list(dict.fromkeys(tags))
        if not wanted:
            return {}
        try:
            found = self.index.current(wanted)
        except CacheError:
            self.errors += 1
            return None
        self._see(found)
        return found

    def after(self, tags: Iterable[str], before: dict[str, int] | None, mark: int) -> dict[str, int] | None:
        """The generations to record for these tags, None where they cannot be vouched for.

        `before` is what `before` gave, and `mark` the one from when the trip began.
        """
        wanted = list(dict.fromkeys(tags))
        if before is None:
            return None
        late = [tag for tag in wanted if tag not in before]
        found: dict[str, int] = {}
        if late:
            begun = self._milliseconds()
            try:
                found = self.index.current(late)
            except CacheError:
                self.errors += 1
                return None
            ended = self._milliseconds()
            proven = [self._is_proven(tag, found.get(tag), mark, begun, ended) for tag in late]
            self._see(found)
            if not all(proven):
                return None
        return {tag: before[tag] if tag in before else found[tag] for tag in wanted}

    def _is_proven(self, tag: str, generation: int | None, mark: int, begun: int, ended: int) -> bool:
        """Whether this is the generation of before the origin was asked: seen, or created just now."""
        if generation is None:
            return False
        seen = self._seen.get(tag)
        if seen is not None:
            return seen[0] == generation and seen[1] < mark
        from lanner.cache.tags import SOFT_BITS

        return begun <= generation >> SOFT_BITS <= ended and not generation & ((1 << SOFT_BITS) - 1)

    def _milliseconds(self) -> int:
        return int(self._clock.now() * 1000)

    def _see(self, generations: Mapping[str, int]) -> None:
        seen = self._seen
        if len(seen) + len(generations) > _SEEN:
            seen.clear()
        for tag, generation in generations.items():
            known = seen.get(tag)
            if known is None or known[0] != generation:
                seen[tag] = (generation, self._mark)

    def invalidate(self, tags: Iterable[str]) -> bool:
        """Make everything with one of these tags invalid. Whether it was done."""
        wanted = list(tags)
        try:
            self.index.invalidate(wanted)
            self._see(self.index.current(wanted))  # so that the next answer with them is stored
        except CacheError:
            self.errors += 1
            return False
        return True
