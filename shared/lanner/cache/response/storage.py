"""Where responses are: reading, writing and forgetting them in a backend, variants and leases included.

    primary key     one `Record`, or a `Marker`, or an `Index` when a URI has several variants
    variant keys    a `Record` each, named by the index and by nothing else; their names are random, so that a variant
                    that was forgotten with its index is never found again
    guard key       a random word, written anew by every invalidation of the URI: whoever began to ask the origin
                    before it, and finds another word afterwards, has an answer from before the change and drops it

A URI with one response costs one read. Nothing here raises for what a backend does: a `CacheError` is counted, a read
is then `None` with `available` False, a write did not happen. Bytes that do not read back are counted and absent.

Decoded records are remembered in this process (`memo`), as long as the backend returns the bytes that they were made
from: the very object (`MemoryBackend`), or equal ones.
"""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING, Final

from lanner.cache.errors import CacheError, CacheValueError
from lanner.cache.response.freshness import date_value
from lanner.cache.response.memo import Memo
from lanner.cache.response.record import MARKER, PARTIAL, Index, Marker, Record, Unreadable, Variant, decode
from lanner.cache.response.selection import fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.cache.backend import CacheBackend, CacheEntry
    from lanner.cache.response.record import Stored
    from lanner.cache.response.rules import Rules
    from lanner.cache.response.selection import Selecting
    from lanner.clock import Clock

MAX_VARIANTS: Final = 32  # per URI: Accept, its codings and languages in all sensible combinations
GUARD_TTL: Final = 300.0  # seconds: longer than any answer takes (Lambda ends at 900, its gateway at 30)
_TOKEN_BYTES: Final = 8


def token() -> str:
    """A word that nobody else has: from the kernel, because a snapshot restored twice repeats `random`."""
    return urandom(_TOKEN_BYTES).hex()


class _Replaced:
    """What a record takes the place of, by what it was selected by."""

    __slots__ = ("_chosen", "_headers", "_ranked")

    def __init__(self, record: Record, headers: Mapping[str, str], updated: Record | None) -> None:
        self._chosen = {record.chosen} if updated is None else {record.chosen, updated.chosen}
        self._headers = headers if updated is None else None
        self._ranked = record.rules.ranked_languages

    def includes(self, chosen: Selecting) -> bool:
        """Whether what was selected by this has to go."""
        return chosen in self._chosen or (self._headers is not None and fits(chosen, self._headers, self._ranked))


class Found:
    """What a read came to: the complete record that fits, why there is none, and what else there is."""

    __slots__ = ("available", "fitting", "part", "reason", "record", "stored")

    def __init__(self, stored: Stored | None, fitting: Sequence[Record], reason: str, available: bool = True) -> None:
        whole = [each for each in fitting if each.status != PARTIAL]
        self.stored = stored
        self.fitting = whole
        self.record = whole[0] if whole else None
        self.part = fitting[0] if fitting and not whole else None
        # uri-miss, vary-miss or partial (RFC 9211 section 2.2); "" with a record
        self.reason = "partial" if self.part is not None else reason
        self.available = available


class Storage:
    """Records in a backend."""

    __slots__ = ("_truth", "backend", "clock", "errors", "max_variants", "memo", "rules", "unreadable")

    def __init__(
        self,
        backend: CacheBackend,
        clock: Clock,
        rules: Rules,
        *,
        max_variants: int = MAX_VARIANTS,
        memo: Memo | None = None,
    ) -> None:
        self.backend = backend
        # A tier in front shows for a while what others have replaced: enough for a first look, not for a decision.
        self._truth: CacheBackend = getattr(backend, "shared", backend)
        self.clock = clock
        self.rules = rules
        self.max_variants = max_variants
        self.memo = memo or Memo()
        self.errors = 0
        self.unreadable = 0

    def decoded(self, key: str, value: bytes) -> Stored | None:
        """What these bytes hold; None, and counted, when they are not ours."""
        known = self.memo.get(key, value)
        if known is not None:
            return known
        try:
            stored = decode(value, self.rules)
        except Unreadable:
            self.unreadable += 1
            return None
        self.memo.put(key, value, stored)
        return stored

    def _get(self, key: str) -> CacheEntry | None:
        try:
            return self._truth.get(key)
        except CacheValueError:
            self.unreadable += 1  # another program's: absent, and replaced
            return None
        except CacheError:
            self.errors += 1
            raise

    def find(self, key: str, headers: Mapping[str, str]) -> Found:
        """What is stored for a request with these headers, in the tier that all processes share."""
        try:
            return self.look(key, self._get(key), headers)
        except CacheError:
            return Found(None, (), "bypass", available=False)

    def look(self, key: str, entry: CacheEntry | None, headers: Mapping[str, str]) -> Found:
        """What an entry that was read under `key` holds for a request with these headers."""
        if entry is None:
            return Found(None, (), "uri-miss")
        stored = self.decoded(key, entry.value)
        try:
            if isinstance(stored, Record):
                return Found(stored, (stored,), "") if stored.fits(headers) else Found(stored, (), "vary-miss")
            if isinstance(stored, Index):
                return self._among(stored, headers)
            return Found(stored, (), "uri-miss")
        except CacheError:
            return Found(None, (), "bypass", available=False)

    def _among(self, index: Index, headers: Mapping[str, str]) -> Found:
        now = self.clock.now()
        keys = [each.key for each in index.variants if each.kept_until > now]
        if not keys:
            return Found(index, (), "vary-miss")
        ranked = self.rules.ranked_languages
        wanted = [each.key for each in index.variants if each.key in keys and fits(each.chosen, headers, ranked)]
        if not wanted:
            return Found(index, (), "vary-miss")
        try:
            entries = self.backend.get_many(wanted)
        except CacheError:
            self.errors += 1
            raise
        fitting: list[Record] = []
        for key, entry in entries.items():
            record = self.decoded(key, entry.value)
            if isinstance(record, Record) and record.fits(headers):
                fitting.append(record)
        # Section 4.1: one with a Vary before one without, then the most recent (section 4: by Date).
        fitting.sort(key=lambda each: (bool(each.vary), _date(each), each.received), reverse=True)
        return Found(index, fitting, "" if fitting else "vary-miss")

    def acquire(self, key: str, holder: str, seconds: float) -> bool | None:
        """Take the lease. None when the backend gave no answer."""
        try:
            return self.backend.acquire(key, holder, seconds)
        except CacheError:
            self.errors += 1
            return None

    def release(self, key: str, holder: str) -> None:
        """Give the lease back."""
        try:
            self.backend.release(key, holder)
        except CacheError:
            self.errors += 1

    def guard(self, key: str) -> bytes | None:
        """The word of the last invalidation of this URI. Raises `CacheError`."""
        entry = self._get(_guard_key(key))
        return None if entry is None else entry.value

    def save(
        self,
        key: str,
        record: Record,
        holder: str,
        guard: bytes | None,
        headers: Mapping[str, str],
        updated: Record | None = None,
    ) -> bool:
        """Store under the lease of `holder`, which ends with it; not over anything newer, nor after an invalidation.

        It takes the place of everything that fits the request with these headers (RFC 9111 section 4.3.3), or, where
        it is `updated` brought up to date, of that one and of no other (section 4.3.4).
        """
        now = self.clock.now()
        ttl = record.keep_for(now)
        if ttl <= 0:  # over on arrival, and so is what it would take the place of
            if self.find(key, headers).record is not None:
                self.drop(key, headers, holder, 0.0)
            return False
        try:
            value = record.encode()
        except TypeError:
            return False  # a field that is no text
        try:
            word, entry = self._guarded(key)
            if word != guard:
                return False
            present = None if entry is None else self.decoded(key, entry.value)
            replaced = _Replaced(record, headers, updated)
            if isinstance(present, Record) and replaced.includes(present.chosen):
                if present.requested > record.requested:
                    return False  # somebody asked later and was faster
                present = None
            if isinstance(present, (Record, Index)):
                return self._save_variant(key, present, record, holder, ttl, replaced)
            if not self._put(key, value, ttl, holder, absent=entry is None):
                return False
        except CacheError:
            self.errors += 1
            return False
        self.memo.put(key, value, record)
        return True

    def _guarded(self, key: str) -> tuple[bytes | None, CacheEntry | None]:
        """The guard's word and the entry, in one read."""
        name = _guard_key(key)
        entries = self._truth.get_many((name, key))
        return entries[name].value if name in entries else None, entries.get(key)

    def _put(self, key: str, value: bytes, ttl: float, holder: str, absent: bool) -> bool:
        """Under the lease; or, where it ran out, where there still is nothing: that overwrites nobody."""
        if self.backend.set_held(key, value, ttl, holder):
            return True
        return absent and self.backend.add(key, value, ttl)

    def _save_variant(
        self, key: str, present: Record | Index, record: Record, holder: str, ttl: float, replaced: _Replaced
    ) -> bool:
        """Beside the variants that are there: the variant first, the index that names it last."""
        now = self.clock.now()
        kept: list[Variant] = []
        if isinstance(present, Index):
            kept = [each for each in present.variants if each.kept_until > now and not replaced.includes(each.chosen)]
        else:
            ttl_present = present.keep_for(now)
            if ttl_present > 0:
                other = f"{key} {token()}"
                self.backend.set(other, present.value, ttl_present)
                kept.append(Variant(other, present.chosen, _date(present), now + ttl_present))
        kept.sort(key=lambda each: each.date)
        dropped = kept[: max(0, len(kept) + 1 - self.max_variants)]
        kept = kept[len(dropped) :]
        own = f"{key} {token()}"
        self.backend.set(own, record.value, ttl)
        index = Index([*kept, Variant(own, record.chosen, _date(record), now + ttl)])
        value = index.encode()
        longest = max(each.kept_until for each in index.variants) - now
        if not self.backend.set_held(key, value, longest, holder):
            self.backend.delete(own)
            return False
        if dropped:
            self.backend.delete_many([each.key for each in dropped])
        return True

    def hold(self, key: str, record: Record, until: float, holder: str) -> None:
        """Note in a record that stands alone that its origin fails, under the lease of `holder`, which ends with it.

        Who waits for the lease then reads that there is nothing to wait for.
        """
        now = self.clock.now()
        noted = record.held(until)
        try:
            entry = self._get(key) if until > now else None
            if entry is not None and entry.value == record.value:
                ttl = noted.keep_for(now)
                if self.backend.set_held(key, noted.encode(), ttl, holder):
                    return
            self.backend.release(key, holder)
        except CacheError:
            self.errors += 1

    def mark(self, key: str, holder: str, seconds: float, guard: bytes | None) -> None:
        """Say that answers here are not stored, under the lease of `holder`, which ends with it."""
        try:
            if self.guard(key) == guard and self.backend.set_held(key, MARKER.encode(), seconds, holder):
                return
            self.backend.release(key, holder)
        except CacheError:
            self.errors += 1

    def drop(
        self, key: str, headers: Mapping[str, str], holder: str, seconds: float, only: Record | None = None
    ) -> None:
        """Remove what fits a request with these headers, or `only` one, and what is on its way; other variants stay.

        Under the lease of `holder`, which ends with it; without one, or where there are no others, all goes.
        """
        own = holder or token()
        if holder or self.acquire(key, own, seconds):
            try:
                entry = self._get(key)
                index = None if entry is None else self.decoded(key, entry.value)
                now = self.clock.now()
                ranked = self.rules.ranked_languages
                others = index.variants if isinstance(index, Index) else ()
                others = tuple(
                    each
                    for each in others
                    if each.kept_until > now
                    and not (fits(each.chosen, headers, ranked) if only is None else each.chosen == only.chosen)
                )
                if others:
                    self._truth.set(_guard_key(key), token().encode(), GUARD_TTL)
                    longest = max(each.kept_until for each in others) - now
                    if self.backend.set_held(key, Index(others).encode(), longest, own):
                        return
            except CacheError:
                self.errors += 1
            self.release(key, own)
        self.forget([key])

    def tags(self, keys: Sequence[str]) -> list[str]:
        """The tags of everything stored under these primary keys."""
        found: dict[str, None] = {}
        try:
            entries = self._truth.get_many(keys)
            stored = [self.decoded(key, entry.value) for key, entry in entries.items()]
            names = [each.key for index in stored if isinstance(index, Index) for each in index.variants]
            if names:
                stored += [self.decoded(key, entry.value) for key, entry in self._truth.get_many(names).items()]
        except CacheError:
            self.errors += 1
            return []
        for record in stored:
            if isinstance(record, Record):
                found.update(dict.fromkeys(record.generations))
        return list(found)

    def forget(self, keys: Sequence[str]) -> bytes | None:
        """Remove everything stored under these primary keys, and what is on its way there.

        Gives the word that is their guard from now on, None where the backend failed.
        """
        if not keys:
            return None
        word: bytes | None = token().encode()
        try:
            self._truth.set_many(dict.fromkeys(map(_guard_key, keys), word or b""), GUARD_TTL)
            self.backend.delete_many(keys)
        except CacheError:
            self.errors += 1
            word = None
        for key in keys:
            self.memo.drop(key)
        return word


def is_marker(stored: Stored | None) -> bool:
    """Whether nobody should queue here."""
    return isinstance(stored, Marker)


def _guard_key(key: str) -> str:
    return f"guard:{key}"


def _date(record: Record) -> float:
    return float(date_value(record.headers, record.received))
