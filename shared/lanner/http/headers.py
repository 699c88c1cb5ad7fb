"""What request headers say, parsed as RFC 9110 writes them, and the choices that follow from them.

Reading is lenient in the way a public server has to be: a malformed member of a list is skipped and the others count,
because a client that also sends one odd member still deserves its answer. A list of which nothing is left says
nothing, as if the field had not been sent. No function here raises for what a client sent.

Quality values are floats of 0 to 1; 0 means "not acceptable" (RFC 9110 section 12.4.2). `.5` without its zero is
accepted, because Java's URLConnection sends it in every request.

Structured fields (RFC 9651) are in `structured.py`; conditional requests in `conditional.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from lanner.http.dates import http_date, parse_http_date

__all__ = [
    "ANY",
    "MediaRange",
    "accept",
    "accept_encoding",
    "accept_language",
    "choose_encoding",
    "content_type",
    "etags",
    "http_date",
    "negotiate",
    "negotiate_language",
    "parameters",
    "parse_http_date",
    "prefer",
    "split_list",
]

ANY: Final = "*"
EntityTags = list[tuple[bool, str]]

_TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_OWS = " \t"


def is_token(text: str) -> bool:
    """Whether this is a token of RFC 9110 section 5.6.2."""
    return bool(text) and _TOKEN_CHARACTERS.issuperset(text)


def split_list(value: str, separator: str = ",") -> list[str]:
    """The members of a list, trimmed, empty ones dropped; a separator inside a quoted string does not count.

    A quoted string that never ends takes the rest of the value with it (and makes that member malformed).
    """
    if '"' not in value:
        return [member for part in value.split(separator) if (member := part.strip(_OWS))]
    members, start, position, end = [], 0, 0, len(value)
    quoted = False
    while position < end:
        character = value[position]
        if quoted:
            if character == "\\":
                position += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character == separator:
            members.append(value[start:position])
            start = position + 1
        position += 1
    members.append(value[start:])
    return [member for part in members if (member := part.strip(_OWS))]


def unquote(text: str) -> str | None:
    """A token or a quoted string (RFC 9110 section 5.6.4) as its value; None when it is neither."""
    if not text.startswith('"'):
        return text if is_token(text) else None
    if len(text) < 2 or not text.endswith('"'):
        return None
    inner = text[1:-1]
    if "\\" not in inner:
        return None if '"' in inner else inner
    result, escaped = [], False
    for character in inner:
        if escaped or character not in '\\"':
            result.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            return None
    return None if escaped else "".join(result)


def parameters(parts: Sequence[str]) -> dict[str, str] | None:
    """`name=value` parts as a mapping with lower-case names, the first of repeats; None when one is malformed."""
    result: dict[str, str] = {}
    for part in parts:
        name, equals, raw = part.partition("=")
        value = unquote(raw)
        if not equals or value is None or not is_token(name):
            return None
        result.setdefault(name.lower(), value)
    return result


def content_type(value: str) -> tuple[str, str, dict[str, str]] | None:
    """A media type as (type, subtype, parameters), lower case but for parameter values; None when malformed.

    RFC 9110 section 8.3.1.
    """
    parts = split_list(value, ";")
    if not parts or value.lstrip(_OWS).startswith(";"):
        return None
    major, slash, minor = parts[0].partition("/")
    params = parameters(parts[1:])
    if not slash or params is None or not is_token(major) or not is_token(minor):
        return None
    return major.lower(), minor.lower(), params


def quality(text: str) -> float | None:
    """A weight of RFC 9110 section 12.4.2, or None when it is none: at most three decimals, 0 to 1."""
    whole, _, fraction = text.partition(".")
    if whole not in ("", "0", "1") or len(fraction) > 3 or not (whole or fraction):
        return None
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        return None
    result = float(f"{whole or '0'}.{fraction or '0'}")
    return result if result <= 1 else None


class MediaRange:
    """One member of Accept: `*/*`, `type/*` or `type/subtype`, its parameters without `q`, and its quality."""

    __slots__ = ("params", "quality", "subtype", "type")

    def __init__(self, type: str, subtype: str, params: dict[str, str], quality: float = 1.0) -> None:  # noqa: A002
        self.type = type
        self.subtype = subtype
        self.params = params
        self.quality = quality

    @property
    def specificity(self) -> int:
        """What takes precedence over what (RFC 9110 section 12.5.1): parameters, then a subtype, then a type."""
        if self.type == "*":
            return 0
        return 1 if self.subtype == "*" else 2 + len(self.params)

    def matches(self, type: str, subtype: str, params: dict[str, str]) -> bool:  # noqa: A002 (the field's name)
        """Whether a representation of this media type falls into the range."""
        if self.type not in ("*", type) or self.subtype not in ("*", subtype):
            return False
        return all(_same_parameter(name, value, params.get(name)) for name, value in self.params.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MediaRange):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.type, self.subtype, frozenset(self.params.items()), self.quality))

    def __repr__(self) -> str:
        extra = "".join(f";{name}={value}" for name, value in self.params.items())
        return f"MediaRange({self.type}/{self.subtype}{extra};q={self.quality:g})"


def _same_parameter(name: str, wanted: str, given: str | None) -> bool:
    if given is None:
        return False
    return wanted.lower() == given.lower() if name == "charset" else wanted == given


def accept(value: str) -> list[MediaRange]:
    """The media ranges of Accept, the most specific first, then by quality, then as written (RFC 9110 12.5.1)."""
    ranges = []
    for member in split_list(value):
        found = _media_range(member)
        if found is not None:
            ranges.append(found)
    ranges.sort(key=lambda entry: (-entry.specificity, -entry.quality))
    return ranges


def _media_range(member: str) -> MediaRange | None:
    if member[0] == "*" and not member.startswith("*/"):
        member = "*/*" + member[1:]  # a lone `*`: old Java clients
    parsed = content_type(member)
    if parsed is None:
        return None
    major, minor, params = parsed
    if major == "*" and minor != "*":
        return None
    weight = quality(params.pop("q", "1"))
    return None if weight is None else MediaRange(major, minor, params, weight)


def negotiate(value: str | None, offers: Sequence[str]) -> str | None:
    """The offered media type that Accept likes best, or None when it excludes them all.

    Offers are in the server's order of preference, which decides between equals. Each offer has the quality of the
    most specific range that it falls into (RFC 9110 section 12.5.1). An absent, empty or wholly malformed Accept
    takes the first offer. Raises `ValueError` for an offer that is no media type.
    """
    ranges = accept(value) if value else []
    best, best_quality = None, 0.0
    for offer in offers:
        parsed = content_type(offer)
        if parsed is None:
            raise ValueError(f"an offer is a media type like application/json, not {offer!r}")
        if not ranges:
            return offer
        weight = next((entry.quality for entry in ranges if entry.matches(*parsed)), 0.0)
        if weight > best_quality:
            best, best_quality = offer, weight
    return best


def _weighted(value: str, valid: Callable[[str], bool]) -> dict[str, float]:
    """`name;q=weight` members, names in lower case, the first of a repeated name."""
    result: dict[str, float] = {}
    for member in split_list(value):
        parts = split_list(member, ";")
        if not parts or not valid(parts[0]):
            continue
        name, params = parts[0], parameters(parts[1:])
        if params is None:
            continue
        weight = quality(params.get("q", "1"))
        if weight is not None:
            result.setdefault(name.lower(), weight)
    return result


def accept_encoding(value: str) -> dict[str, float]:
    """Content codings and their qualities, `identity` and `*` among them if sent (RFC 9110 section 12.5.3)."""
    codings = _weighted(value, is_token)
    for alias, name in (("x-gzip", "gzip"), ("x-compress", "compress")):  # RFC 9110 section 8.4.1: equivalent
        if alias in codings:
            codings.setdefault(name, codings[alias])
    return codings


def choose_encoding(value: str | None, available: Sequence[str]) -> str | None:
    """The coding to answer with: one of `available` (the server's preference first), `identity`, or None for none.

    An absent field allows everything and an empty one only identity; neither asks for compression, so both give
    identity. Identity is acceptable unless `identity;q=0` or `*;q=0` excludes it; when the field does not weigh it,
    any acceptable coding is better (RFC 9110 section 12.5.3).
    """
    if not value:
        return "identity"
    codings = accept_encoding(value)
    rest = codings.get("*")
    best, best_quality = None, 0.0
    for coding in available:
        weight = codings.get(coding, rest or 0.0)
        if weight > best_quality:
            best, best_quality = coding, weight
    identity = codings.get("identity", rest)
    if identity is None:
        return best or "identity"
    return "identity" if identity > best_quality else best


def _is_language_range(text: str) -> bool:
    """RFC 4647 section 2.1: `*`, or subtags of 1 to 8 letters and digits joined by hyphens."""
    subtags = text.split("-")
    return text == "*" or all(1 <= len(part) <= 8 and part.isascii() and part.isalnum() for part in subtags)


def accept_language(value: str) -> list[tuple[str, float]]:
    """Language ranges in lower case with their qualities, the best first, equals as written (RFC 9110 12.5.4)."""
    return sorted(_weighted(value, _is_language_range).items(), key=lambda entry: -entry[1])


def negotiate_language(value: str | None, offers: Sequence[str]) -> str | None:
    """The offered language tag that Accept-Language likes best, or None when it names none of them.

    Each range is looked up from its full form to its shorter ones (RFC 4647 section 3.4: `zh-Hant-CN`, `zh-Hant`,
    `zh`), a longer offer of the same language counting last (`de` finds `de-CH`). An absent field takes the first.
    """
    ranges = accept_language(value) if value else []
    if not ranges:
        return offers[0] if offers else None
    excluded = {name for name, weight in ranges if weight == 0}
    allowed = [offer for offer in offers if offer.lower() not in excluded]
    for name, weight in ranges:
        if weight == 0:
            break
        found = _lookup_language(name, allowed, named={other for other, _ in ranges})
        if found is not None:
            return found
    return None


def _lookup_language(name: str, offers: Sequence[str], named: set[str]) -> str | None:
    if name == "*":
        return next((offer for offer in offers if offer.lower() not in named), None)
    by_name = {offer.lower(): offer for offer in reversed(offers)}
    subtags = name.split("-")
    while subtags:
        found = by_name.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()  # a singleton introduces what followed it and means nothing alone (RFC 4647 section 3.4)
    return next((offer for offer in offers if offer.lower().startswith(name + "-")), None)


def etags(value: str) -> EntityTags | Literal["*"]:
    """The entity-tags of If-Match or If-None-Match as (weak, opaque value), or `ANY` for `*` (RFC 9110 8.8.3).

    An opaque value may hold commas and backslashes, which escape nothing. Malformed members are skipped; an
    unquoted value is one.
    """
    if value.strip(_OWS) == "*":
        return ANY
    tags: EntityTags = []
    position = 0
    while (opening := value.find('"', position)) >= 0:
        closing = value.find('"', opening + 1)
        if closing < 0:
            break
        before = value[position:opening].rpartition(",")[2].strip(_OWS)
        following = value.find(",", closing + 1)
        after = value[closing + 1 : following if following >= 0 else len(value)]
        opaque = value[opening + 1 : closing]
        if before in ("", "W/") and not after.strip(_OWS) and _is_opaque(opaque):
            tags.append((before == "W/", opaque))
        position = following + 1 if following >= 0 else len(value)
    return tags


def _is_opaque(text: str) -> bool:
    if text.isascii():
        return text.isprintable() and " " not in text
    return all(character > " " and character != "\x7f" for character in text)  # obs-text is allowed


def prefer(value: str) -> dict[str, str]:
    """The preferences of Prefer, names in lower case, "" for one without a value; the first of each (RFC 7240).

    Parameters of a preference are read over: none of the registered preferences has any.
    """
    result: dict[str, str] = {}
    for member in split_list(value):
        parts = split_list(member, ";")
        if not parts:
            continue
        name, equals, raw = (piece.strip(_OWS) for piece in parts[0].partition("="))
        text = unquote(raw) if equals and raw else ""
        if is_token(name) and text is not None:
            result.setdefault(name.lower(), text)
    return result
