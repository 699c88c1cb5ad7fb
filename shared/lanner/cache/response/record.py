"""What is stored under a cache key: a response with what was asked, an index of variants, or a marker.

    Record   one response: status, fields, body, when it was asked for and received, what it was selected by
    Index    where the variants of one URI are, when there are several: one more read finds the right one
    MARKER   "answers here are not stored": whoever comes next goes to the origin at once and does not queue

The bytes are an envelope: a magic number with the version, a CRC-32 of what follows, the length of the head, the head
as JSON, the body as it is. Whatever does not read back whole is `Unreadable`, which a cache treats as absent.

A `Record` computes on the way in what every hit asks: when its age was 0, its lifetime, the fields to answer with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import orjson

from lanner.cache.response.directives import response_directives
from lanner.cache.response.freshness import explicit_lifetime, heuristic_lifetime, initial_age, moment
from lanner.cache.response.rules import LONGEST_KEPT
from lanner.cache.response.selection import Selecting, fits
from lanner.http.conditional import not_modified_headers
from lanner.http.dates import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.cache.response.rules import Rules

_MAGIC: Final = b"LRC1"
_NUMBER: Final = 4  # bytes of the checksum and of the head's length
_PREFIX: Final = len(_MAGIC) + 2 * _NUMBER
_KNOWN_VALUES: Final = 64  # request values remembered to fit a variant
PARTIAL: Final = 206  # a part of a response (`partial`)
_XFETCH_REACH: Final = 24.0  # deltas before the end: an exponential variable is beyond with a chance of 4e-11


class Unreadable(ValueError):
    """Stored bytes that are no envelope of ours, or of another version, or damaged."""


class Record:
    """One stored response. Times are seconds since the epoch; `age` and `lifetime` are seconds.

    `generations` are those of its tags; `hold_until` is the time until which the origin is taken to be failing, so
    that nobody queues for it. `encoded` is for whoever compresses: the body by content coding. `shown` and
    `unmodified` are the fields of a hit and of its 304, each with the age in seconds that they tell.
    """

    __slots__ = (
        "_known",
        "base",
        "body",
        "born",
        "chosen",
        "cookies",
        "delay",
        "directives",
        "early_from",
        "encoded",
        "etag",
        "fresh_until",
        "generations",
        "headers",
        "hold_until",
        "immediate",
        "lifetime",
        "modified",
        "never_stale",
        "received",
        "requested",
        "rules",
        "shown",
        "status",
        "unmodified",
        "upstream",
        "value",
        "vary",
    )

    def __init__(
        self,
        rules: Rules,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        requested: float,
        received: float,
        chosen: Selecting = (),
        cookies: Sequence[str] = (),
        generations: Mapping[str, int] | None = None,
        hold_until: float = 0.0,
        value: bytes = b"",
    ) -> None:
        self.rules = rules
        self.status = status
        self.headers = dict(headers)
        if moment(self.headers.get("date"), received) is None:
            self.headers["date"] = http_date(received)  # RFC 9110 section 6.6.1
        self.body = body
        self.requested = requested
        self.received = received
        self.chosen = chosen
        self.cookies = tuple(cookies)
        self.generations = dict(generations or {})
        self.hold_until = hold_until
        self.value = value
        self.encoded: dict[str, bytes] = {}
        self.shown: tuple[int, dict[str, str]] = (-1, {})
        self.unmodified: tuple[int, dict[str, str]] = (-1, {})
        self.vary = tuple(name for name, _ in chosen)
        self._known: set[Any] = set()  # Any: a value, or a tuple of them
        self._derive()

    def _derive(self) -> None:
        headers, rules = self.headers, self.rules
        directives = response_directives(headers, rules.targets)
        self.directives = directives
        lifetime = explicit_lifetime(headers, directives, self.received, rules.shared)
        if lifetime is None:
            lifetime = heuristic_lifetime(
                self.status, headers, directives, self.received, rules.heuristic_fraction, rules.heuristic_max
            )
        self.lifetime = lifetime
        self.born = self.received - initial_age(headers, self.requested, self.received)
        self.fresh_until = self.born + lifetime
        self.delay = max(0.0, self.received - self.requested)
        self.early_from = self.fresh_until - self.delay * _XFETCH_REACH
        self.never_stale = directives.prohibits_stale(rules.shared)
        self.etag = headers.get("etag")
        self.modified = moment(headers.get("last-modified"), self.received)
        self.upstream = headers.get("cache-status", "")
        self.base = {
            name: value
            for name, value in headers.items()
            if name not in rules.own_targets and name not in ("age", "cache-status")
        }
        # Nothing but its age decides about it: what the shortest path of a hit may serve.
        self.immediate = not directives.no_cache and not self.cookies and self.status != PARTIAL

    @property
    def has_validator(self) -> bool:
        """Whether the origin can be asked if it still holds."""
        return self.etag is not None or self.modified is not None

    def age(self, now: float) -> float:
        """The current age (section 4.2.3); a clock that was set back makes nothing younger than new."""
        return max(0.0, now - self.born)

    def fits(self, headers: Mapping[str, str]) -> bool:
        """Whether it was selected by what this request says (section 4.1)."""
        vary = self.vary
        if not vary:
            return True
        said: Any  # a value, or a tuple of them
        if len(vary) == 1:
            said = headers.get(vary[0])
        elif len(vary) == 2:
            said = (headers.get(vary[0]), headers.get(vary[1]))
        else:
            said = tuple([headers.get(name) for name in vary])
        if said in self._known:
            return True
        if not fits(self.chosen, headers, self.rules.ranked_languages):
            return False
        if len(self._known) < _KNOWN_VALUES:
            self._known.add(said)
        return True

    def unchanged(self, seconds: int, shown: dict[str, str]) -> dict[str, str]:
        """The fields of its 304 at this age, from those of its 200; made once a second. Do not change them."""
        at, fields = self.unmodified
        if at != seconds:
            fields = not_modified_headers(shown)
            self.unmodified = (seconds, fields)
        return fields

    def keep_for(self, now: float) -> float:
        """Seconds that it is worth keeping: fresh, in a stale window, or to be validated. 0 or less: not at all."""
        beyond = 0.0
        if not self.never_stale:
            directives = self.directives
            beyond = max(self.rules.grace, directives.stale_while_revalidate, directives.stale_if_error)
        elif self.has_validator:
            beyond = self.rules.grace
        return min(self.fresh_until - now + beyond, LONGEST_KEPT)

    def held(self, until: float) -> Record:
        """The same response, with the origin known to be failing until then."""
        return Record(
            self.rules,
            self.status,
            self.headers,
            self.body,
            requested=self.requested,
            received=self.received,
            chosen=self.chosen,
            cookies=self.cookies,
            generations=self.generations,
            hold_until=until,
        )

    def encode(self) -> bytes:
        """The envelope. Raises `TypeError` for what JSON cannot hold (a lone surrogate in a field)."""
        head: dict[str, Any] = {  # Any: JSON
            "status": self.status,
            "headers": self.headers,
            "times": (self.requested, self.received),
            "size": len(self.body),
        }
        if self.chosen:
            head["chosen"] = self.chosen
        if self.cookies:
            head["cookies"] = self.cookies
        if self.generations:
            head["tags"] = self.generations
        if self.hold_until:
            head["hold"] = self.hold_until
        self.value = _seal(head, self.body)
        return self.value


class Variant:
    """Where one of several responses of a URI is, and what it was selected by. Times in seconds since the epoch."""

    __slots__ = ("chosen", "date", "kept_until", "key")

    def __init__(self, key: str, chosen: Selecting, date: float, kept_until: float) -> None:
        self.key = key
        self.chosen = chosen
        self.date = date
        self.kept_until = kept_until


class Index:
    """The variants of one URI."""

    __slots__ = ("variants",)

    def __init__(self, variants: Sequence[Variant]) -> None:
        self.variants = tuple(variants)

    def encode(self) -> bytes:
        """The envelope."""
        rows = [(each.key, each.chosen, each.date, each.kept_until) for each in self.variants]
        return _seal({"variants": rows}, b"")


class Marker:
    """Says that what is answered here is not stored."""

    __slots__ = ()

    def encode(self) -> bytes:
        """The envelope."""
        return _seal({"marker": True}, b"")


MARKER: Final = Marker()
Stored = Record | Index | Marker


def _seal(head: dict[str, Any], body: bytes) -> bytes:
    text = orjson.dumps(head)
    rest = len(text).to_bytes(_NUMBER, "big") + text + body
    return _MAGIC + crc32(rest).to_bytes(_NUMBER, "big") + rest


def decode(value: bytes, rules: Rules) -> Stored:
    """What an envelope holds. Raises `Unreadable` for anything else."""
    start = len(_MAGIC) + _NUMBER
    if value[: len(_MAGIC)] != _MAGIC or len(value) < _PREFIX:
        raise Unreadable("no envelope of this version")
    if crc32(value[start:]) != int.from_bytes(value[len(_MAGIC) : start], "big"):
        raise Unreadable("damaged")
    length = int.from_bytes(value[start:_PREFIX], "big")
    try:
        return _read(orjson.loads(value[_PREFIX : _PREFIX + length]), value, _PREFIX + length, rules)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("not what this version writes") from error


def _read(head: dict[str, Any], value: bytes, start: int, rules: Rules) -> Stored:
    if "marker" in head:
        return MARKER
    if "variants" in head:
        return Index([Variant(key, _pairs(chosen), date, until) for key, chosen, date, until in head["variants"]])
    body = value[start:]
    if len(body) != head["size"]:
        raise Unreadable("the body is not whole")
    requested, received = head["times"]
    return Record(
        rules,
        head["status"],
        head["headers"],
        body,
        requested=requested,
        received=received,
        chosen=_pairs(head.get("chosen", ())),
        cookies=head.get("cookies", ()),
        generations=head.get("tags"),
        hold_until=head.get("hold", 0.0),
        value=value,
    )


def _pairs(rows: Sequence[Sequence[Any]]) -> Selecting:
    return tuple((name, said) for name, said in rows)
