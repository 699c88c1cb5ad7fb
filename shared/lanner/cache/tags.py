"""Tags: names under which entries are invalidated together, in O(1), by counting generations.

Every tag has one counter, its generation. An entry records the generations of its tags from *before* its value was
made; an invalidation adds to a counter, and whatever recorded less is out of date, however much there is of it.

    63       62 ... 20                               19 ... 0
    sign 0   milliseconds at creation + hard ones    soft ones since the last hard one

A hard invalidation adds 2**20 and a soft one 1, each by one atomic increment. A counter that is not there is made with
the clock's milliseconds as its high part, so one that a store evicted comes back above every generation that it ever
had (as long as a tag is not invalidated a thousand times a second for its whole life): an old entry stays out of date.
A soft count past 2**20 carries into the high part, which is a hard invalidation: nothing is served too long. The
milliseconds fit until the year 2248.

Verdicts on what an entry recorded: `valid`, `stale` (softly invalidated: may be served while it is made anew), `gone`
(must not be used; a counter that is missing says this too).

Coherence: what was read is believed in this process for `cache_for` seconds, and asked for each time where that is 0;
an invalidation made here is seen here at once. In a stack of tiers the counters are in the last tier only: an upper
tier would hide what others did.

Failure modes: `CacheUnavailable` from every method that has to ask; whoever stores then stores nothing, and whoever
reads takes the entry as gone. `CacheValueError` for what is no tag. An invalidation that did not get through is
remembered here (`pending`): this process takes what has the tag as gone, and sends it along with its next one, or
before it asks for the tag's generation to store something under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend

Verdict = Literal["valid", "stale", "gone"]
Listener = Callable[[tuple[str, ...], bool], object]
"""Told of every invalidation, after it: the tags, and whether it was soft."""

SOFT_BITS = 20
HARD = 1 << SOFT_BITS
CACHE_FOR = 1.0
"""Seconds: how late another environment's invalidation is seen."""

COUNTER_TTL = 90 * 86_400.0
"""Seconds after which an unused counter goes. Entries that recorded it are gone with it, which is only a miss."""

LONGEST_TAG = 256
"""Characters: CloudFront's limit (developer guide, "What you need to know when invalidating tags")."""

MOST_KEPT = 10_000
CLOUDFRONT_HEADER = "cache-tag"
"""What the distribution's CacheTagConfig has as HeaderName; any name does, as long as both say the same."""


class TagIndex:
    """The generations of tags in one backend. Names are printable ASCII without spaces, commas and quotes."""

    def __init__(
        self,
        backend: CacheBackend,
        clock: Clock | None = None,
        *,
        prefix: str = "tag:",
        cache_for: float = CACHE_FOR,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self._backend: CacheBackend = getattr(backend, "shared", backend)
        clock = clock or SystemClock()
        self._now = clock.now
        self._monotonic = clock.monotonic
        self._prefix = prefix
        self.cache_for = cache_for
        self.listeners = list(listeners)
        self._kept: dict[str, tuple[int, float]] = {}
        self.pending: dict[str, bool] = {}
        """Tags whose invalidation did not get through -> whether it was soft."""

    def current(self, tags: Iterable[str]) -> dict[str, int]:
        """The generation of each tag, as of now; made where there is none. Call it before making what is tagged.

        Raises `CacheUnavailable` and `CacheValueError`.
        """
        wanted = list(dict.fromkeys(tags))
        for tag in wanted:
            check_tag(tag)
        if self.pending:
            self._send([tag for tag in wanted if tag in self.pending])
        found = self._read(wanted)
        for tag in wanted:
            if tag not in found:
                found[tag] = self._counted(tag, 0)
                self._keep(tag, found[tag])
        return found

    def judge(self, recorded: Mapping[str, int]) -> Verdict:
        """What has become of an entry that recorded these generations. Raises `CacheUnavailable`."""
        now = self._monotonic()
        kept = self._kept
        for tag, generation in recorded.items():  # nearly always all of them are known, and as recorded
            known = kept.get(tag)
            if known is None or known[0] != generation or known[1] <= now:
                break
        else:
            return "valid"
        if self.pending and not self.pending.keys().isdisjoint(recorded):
            return "gone"
        verdict: Verdict = "valid"
        missing = []
        for tag, generation in recorded.items():
            known = kept.get(tag)
            if known is None or known[1] <= now:
                missing.append(tag)
            elif known[0] != generation:
                if known[0] >> SOFT_BITS != generation >> SOFT_BITS:
                    return "gone"
                verdict = "stale"
        if missing:
            found = self._read(missing)
            for tag in missing:
                held = found.get(tag)
                if held is None or held >> SOFT_BITS != recorded[tag] >> SOFT_BITS:
                    return "gone"
                if held != recorded[tag]:
                    verdict = "stale"
        return verdict

    def invalidate(self, tags: Iterable[str], *, soft: bool = False) -> None:
        """Make everything with one of these tags gone, or only stale where `soft`.

        Raises `CacheUnavailable`, which says how many were done: it is safe to do all of them again.
        """
        wanted = tuple(dict.fromkeys(tags))
        for tag in wanted:
            check_tag(tag)
            # A hard one that is pending stays hard, whatever comes on top.
            self.pending[tag] = soft and self.pending.get(tag, True)
        self._send(list(self.pending))
        for listener in self.listeners:
            listener(wanted, soft)

    def forget(self) -> None:
        """Ask for every generation anew: after a thaw, or where another process is known to have invalidated."""
        self._kept.clear()

    def _send(self, tags: list[str]) -> None:
        """Do these of the pending invalidations. Raises `CacheUnavailable`, and the rest stays pending."""
        for done, tag in enumerate(tags):
            is_soft = self.pending.get(tag, False)  # another thread may have done it: once more costs a rendering
            try:
                generation = self._counted(tag, 1 if is_soft else HARD)
            except CacheUnavailable as error:
                for each in list(self.pending):  # other threads invalidate too
                    self._kept.pop(each, None)
                raise CacheUnavailable(f"invalidated {done} of {len(tags)} tags: {error}") from error
            self._keep(tag, generation)
            self.pending.pop(tag, None)

    def _counted(self, tag: str, step: int) -> int:
        seed = int(self._now() * 1000) << SOFT_BITS
        try:
            return self._backend.increment(self._prefix + tag, step, initial=seed, ttl=COUNTER_TTL)
        except CacheValueError as error:  # the tag is one: what is there is no counter of ours
            raise CacheUnavailable(f"the counter of tag {tag!r}: {error}") from error

    def _read(self, tags: list[str]) -> dict[str, int]:
        prefix = self._prefix
        entries = self._backend.get_many([prefix + tag for tag in tags])
        found = {}
        for tag in tags:
            entry = entries.get(prefix + tag)
            if entry is not None and entry.value.isdigit():
                found[tag] = int(entry.value)
                self._keep(tag, found[tag])
            else:
                self._kept.pop(tag, None)
        return found

    def _keep(self, tag: str, generation: int) -> None:
        if self.cache_for <= 0:
            return
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        now = self._monotonic()
        known = self._kept.get(tag)
        if known is None or known[0] <= generation or known[1] <= now:  # a read may be older than an invalidation here
            self._kept[tag] = (generation, now + self.cache_for)


def check_tag(tag: str) -> str:
    """`tag`, where it is one. Raises `CacheValueError`."""
    if not 0 < len(tag) <= LONGEST_TAG:
        raise CacheValueError(f"a tag is a string of 1 to {LONGEST_TAG} characters")
    if not tag.isascii() or not tag.isprintable() or " " in tag or "," in tag or '"' in tag:
        raise CacheValueError("a tag is printable ASCII without spaces, commas and quotes")
    return tag


def tag_headers(tags: Iterable[str], *, cloudfront: str = CLOUDFRONT_HEADER) -> dict[str, str]:
    """The response fields that tell caches in front of us the tags of an answer.

    `cache-groups` is RFC 9875's list of strings, `surrogate-key` is separated by spaces (Fastly, Varnish's xkey), and
    CloudFront reads a list with commas from the field that its CacheTagConfig names.
    """
    names = [check_tag(tag) for tag in dict.fromkeys(tags)]
    if not names:
        return {}
    return {
        "cache-groups": ", ".join(f'"{name.translate(_ESCAPED)}"' for name in names),
        "surrogate-key": " ".join(names),
        cloudfront: ", ".join(names),
    }


_ESCAPED = {ord("\\"): "\\\\"}
"""A string's backslash is escaped (RFC 9651 section 4.1.6); quotes are in no tag."""
