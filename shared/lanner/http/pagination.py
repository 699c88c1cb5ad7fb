"""Pages of a list: signed cursors, page sizes, offsets, and the Link field that leads from page to page.

A cursor is opaque to clients and means one place in one list: it is bound to its scope (which list, of which API
version) and to the filters it was made under, it is signed, and it may expire. Its bytes, in URL-safe base64 without
padding:

    format(1) scope(8) filters(8) expiry(5, seconds, 0 for never) direction(1) position(JSON) signature(16)

`scope` and `filters` are hashes, so that a cursor for another list can be told from a forged one; the signature is
HMAC-SHA256 cut to 128 bits (RFC 2104 section 5) over everything before it. A cursor is signed, not encrypted: a
position holds keys that the client may read.

Whatever a client sends as a cursor either decodes to exactly what was encoded or raises `BadRequest` with the slug
`invalid-cursor`. The signature is judged before anything inside is believed.

Page size and offset follow AIP-158: too large a size is clamped, what is no size is an error.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from lanner.clock import Clock, SystemClock
from lanner.http.links import join_links, link
from lanner.http.problems import BadRequest, parameter

Direction = Literal["next", "prev"]
Position = list[Any]  # Any: JSON values

_FORMAT = 1
_DIRECTIONS: tuple[Direction, ...] = ("next", "prev")
_HASH = 8
_EXPIRY = slice(17, 22)
_HEAD = 23
_SIGNATURE = 16
_MAX_TEXT = 1024  # characters; a URL has to carry it beside everything else
_MIN_KEY = 16  # bytes; a shorter key is easier to guess than the cut signature
_MAX_DIGITS = 18
_PURPOSE = b"lanner.cursor\0"  # the same key may sign other things


class Cursor:
    """A place in a list: the position (small JSON list, what the query starts after) and which way to read."""

    __slots__ = ("direction", "expires_at", "position")

    def __init__(self, position: Position, direction: Direction = "next", expires_at: int | None = None) -> None:
        self.position = position
        self.direction = direction
        self.expires_at = expires_at

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cursor):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # holds a list

    def __repr__(self) -> str:
        return f"Cursor({self.position!r}, {self.direction!r}, expires_at={self.expires_at!r})"


class CursorCodec:
    """Encodes and decodes cursors. The first key signs and every key verifies, so that keys rotate: add the new one
    in second place everywhere, then move it to the front, then drop the old one.

    `ttl` is how long a cursor lasts, in seconds; None for ever. Raises `ValueError` without keys or for a key under
    16 bytes.
    """

    def __init__(self, keys: Sequence[bytes], *, ttl: int | None = None, clock: Clock | None = None) -> None:
        if not keys:
            raise ValueError("cursors need at least one signing key")
        short = [number for number, key in enumerate(keys, 1) if len(key) < _MIN_KEY]
        if short:
            raise ValueError(f"a cursor key has {_MIN_KEY} bytes or more; too short: key {short[0]} of {len(keys)}")
        if ttl is not None and ttl <= 0:
            raise ValueError(f"a cursor's ttl is a positive number of seconds or None, not {ttl}")
        self._keys = tuple(keys)
        self._ttl = ttl
        self._clock: Clock = clock or SystemClock()

    def encode(
        self, position: Position, *, scope: str, filters: Mapping[str, Any], direction: Direction = "next"
    ) -> str:
        """The cursor as text for a URL. `scope` names list and version, `v2/users`; `filters` are JSON values.

        Raises `ValueError` for a position that makes the cursor longer than 1,024 characters, and `TypeError` for
        one that is not JSON.
        """
        expiry = 0 if self._ttl is None else int(self._clock.now()) + self._ttl
        payload = b"".join(
            (
                bytes((_FORMAT,)),
                _digest(scope.encode()),
                _digest(_canonical(filters)),
                expiry.to_bytes(5, "big"),
                bytes((_DIRECTIONS.index(direction),)),
                orjson.dumps(position),
            )
        )
        text = _to_text(payload + _sign(self._keys[0], payload))
        if len(text) > _MAX_TEXT:
            raise ValueError(f"a cursor's position is a few short values; this one takes {len(text)} characters")
        return text

    def decode(self, text: str, *, scope: str, filters: Mapping[str, Any], name: str = "cursor") -> Cursor:
        """The cursor in `text`, made by `encode` with one of the keys for the same scope and filters.

        Raises `BadRequest` (slug `invalid-cursor`) otherwise; `name` is the parameter that its `errors` point to.
        """
        raw = _from_text(text)
        if raw is None:
            raise _invalid(name, "it is not one of ours: it is malformed or cut off")
        payload, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        if not self._signed(payload, signature):
            raise _invalid(name, "its signature does not verify: it was altered, or its key has been retired")
        if payload[0] != _FORMAT:
            raise _invalid(name, "it is of a format that is no longer read: start again without it")
        if payload[1 : 1 + _HASH] != _digest(scope.encode()):
            raise _invalid(name, "it belongs to another list or another API version")
        if payload[1 + _HASH : 1 + 2 * _HASH] != _digest(_canonical(filters)):
            raise _invalid(name, "it was made under other filters: keep them while paging, or start again without it")
        expiry = int.from_bytes(payload[_EXPIRY], "big")
        if expiry and expiry <= self._clock.now():
            raise _invalid(name, "it has expired: start again without it")
        return Cursor(orjson.loads(payload[_HEAD:]), _DIRECTIONS[payload[_HEAD - 1]], expiry or None)

    def _signed(self, payload: bytes, signature: bytes) -> bool:
        from hmac import compare_digest  # as in _sign

        return any(compare_digest(_sign(key, payload), signature) for key in self._keys)


def _sign(key: bytes, payload: bytes) -> bytes:
    import hmac  # loads OpenSSL: only lists have cursors

    return hmac.digest(key, _PURPOSE + payload, "sha256")[:_SIGNATURE]


def _digest(data: bytes) -> bytes:
    from hashlib import sha256  # as in _sign

    return sha256(data).digest()[:_HASH]


def _canonical(filters: Mapping[str, Any]) -> bytes:
    """Filters that were left out (None) count as not there, so that a new optional filter keeps old cursors valid."""
    given = {name: value for name, value in filters.items() if value is not None}
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)


def _to_text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def _from_text(text: str) -> bytes | None:
    """The bytes, or None unless `text` is exactly how they are written (base64 has several ways to write the end)."""
    if len(text) > _MAX_TEXT or not text.isascii():
        return None
    try:
        raw = a2b_base64(text.encode().translate(_STANDARD) + b"=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if len(raw) > _HEAD + _SIGNATURE and _to_text(raw) == text else None


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def _invalid(name: str, why: str) -> BadRequest:
    detail = f"The cursor cannot be used: {why}"
    return BadRequest(detail, slug="invalid-cursor", title="Invalid cursor", errors=[parameter(name, why)])


def page_size(values: Sequence[str], default: int, maximum: int, name: str = "limit") -> int:
    """The page size from a parameter's values: the default when not sent, the maximum when above it (AIP-158).

    Raises `BadRequest` for what is no positive integer and for a repeated parameter.
    """
    if not values:
        return default
    size = _count(values, name)
    if size < 1:
        raise _bad(name, f"takes an integer of 1 or more (at most {maximum} are returned), not {values[0]!r:.40}")
    return min(size, maximum)


def offset(values: Sequence[str], maximum: int, name: str = "offset", *, beyond: str = "") -> int:
    """How many items to skip: 0 when not sent.

    Raises `BadRequest` for what is no integer of 0 or more, for a repeated parameter, and above `maximum`; there
    `beyond` is the sentence that tells what to use for reading deeper.
    """
    if not values:
        return 0
    skip = _count(values, name)
    if skip < 0:
        raise _bad(name, f"takes an integer of 0 or more, not {values[0]!r:.40}")
    if skip > maximum:
        raise _bad(name, f"goes up to {maximum}" + (f"; {beyond}" if beyond else ""))
    return skip


def _count(values: Sequence[str], name: str) -> int:
    """The one value as an integer; -1 when it is none. A number of any length is large, not an error."""
    if len(values) > 1:
        raise _bad(name, f"was given {len(values)} times; give it once")
    text = values[0]
    if not (text.isascii() and text.isdigit()):
        return -1
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _bad(name: str, detail: str) -> BadRequest:
    return BadRequest(f"The parameter {name} {detail}", errors=[parameter(name, detail)])


def page_links(
    public_path: str,
    query: Sequence[tuple[str, str]],
    cursors: Mapping[str, str | None],
    *,
    name: str = "cursor",
) -> str:
    """The Link field of a page: `first` always, then `prev` and `next` where `cursors` has one for them.

    `query` is the request's own (decoded pairs, in order): every parameter is kept but `name`, which is replaced.
    For lists by offset pass `name="offset"` and the offsets as text.
    """
    from urllib.parse import quote, urlencode  # only pages have links

    path = quote(public_path, safe="/%:@!$&'()*+,;=~")
    kept = [(key, value) for key, value in query if key != name]
    links = []
    for rel in ("first", "prev", "next"):
        cursor = cursors.get(rel)
        if cursor or rel == "first":
            pairs = [*kept, (name, cursor)] if cursor else kept
            links.append(link(f"{path}?{urlencode(pairs, quote_via=quote, errors='replace')}" if pairs else path, rel))
    return join_links(links)
