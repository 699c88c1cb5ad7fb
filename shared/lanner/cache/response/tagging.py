"""Tags of stored responses, and the race between an invalidation and an answer that is being made.

A response counts only while the generation of each of its tags is the one that was current *before* the origin was
asked: then an invalidation at any later moment, while the answer was being made too, makes it stale or gone.

Tags that are known only afterwards (from Cache-Groups, or added by the route) have generations that are read
afterwards. Such a generation proves nothing about the time of the call, unless it can be shown not to have moved in
it: because this process had seen the same generation before it asked. Otherwise the answer is not stored this time;
but the generation has now been seen, so the next one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

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

    def invalidate(self, tags: Iterable[str], *, soft: bool = False) -> Any: ...  # Any: nobody looks at it


class TagGate:
    """The index, with its failures counted, and what was seen of it. Made when the first tag turns up."""

    __slots__ = ("_backend", "_clock", "_index", "_seen", "errors")

    def __init__(self, index: Tags | None, backend: CacheBackend, clock: Clock) -> None:
        self._index = index
        self._backend = backend
        self._clock = clock
        self._seen: dict[str, int] = {}
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
        try:
            return self.index.judge(generations)
        except CacheError:
            self.errors += 1
            return "gone"

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

    def after(self, tags: Iterable[str], before: dict[str, int] | None) -> dict[str, int] | None:
        """The generations to record for these tags, None where they cannot be vouched for."""
        wanted = list(dict.fromkeys(tags))
        if not wanted:
            return {}
        if before is None:
            return None
        late = [tag for tag in wanted if tag not in before]
        if not late:
            return {tag: before[tag] for tag in wanted}
        try:
            found = self.index.current(late)
        except CacheError:
            self.errors += 1
            return None
        moved = [tag for tag in late if tag not in found or not self._unmoved(tag, found[tag])]
        self._see(found)
        if moved:
            return None
        return {tag: before[tag] if tag in before else found[tag] for tag in wanted}

    def _unmoved(self, tag: str, generation: int) -> bool:
        """Whether the generation is the one of before the origin was asked."""
        return self._seen.get(tag) == generation

    def _see(self, generations: Mapping[str, int]) -> None:
        seen = self._seen
        if len(seen) + len(generations) > _SEEN:
            seen.clear()
        seen.update(generations)

    def invalidate(self, tags: Iterable[str]) -> bool:
        """Make everything with one of these tags invalid. Whether it was done."""
        try:
            self.index.invalidate(list(tags))
        except CacheError:
            self.errors += 1
            return False
        return True
