"""Cache directives: `Cache-Control` of requests and responses (RFC 9111 section 5.2), targeted fields (RFC 9213).

Reading errs on the side that serves nothing wrong. A directive that restricts (`no-store`, `private`, `no-cache`,
`must-revalidate`) counts however it is written; one that permits counts only when it is well-formed. A lifetime that
is no number is a lifetime of 0 (section 4.2.1 encourages it: `max-age=3600.5`, `max-age =60`, `max-age='60'`), and of
several values of one directive the shortest counts.

A number of seconds is at most 2**31 (section 1.2.2). Quoted numbers are numbers (section 5.2: recipients ought to
accept both forms of an argument).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from lanner.http.headers import is_token, split_list, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_SECONDS: Final = 2**31  # RFC 9111 section 1.2.2
INVALID: Final = 0  # a lifetime that does not parse: already over
UNLIMITED: Final = MAX_SECONDS  # max-stale without a value (section 5.2.1.2)
_OWS = " \t"
_MAX_DIGITS = len(str(MAX_SECONDS))
_REMEMBERED = 512  # distinct field values: an API sends a handful
_LONGEST = 1024  # characters of a field value worth remembering

Pair = tuple[str, "str | None"]


def delta_seconds(text: str | None) -> int | None:
    """A non-negative number of seconds (section 1.2.2), too large ones as 2**31; None when it is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return MAX_SECONDS if len(digits) > _MAX_DIGITS else min(int(digits or "0"), MAX_SECONDS)


def pairs(value: str) -> list[Pair]:
    """The directives of a Cache-Control field as (name in lower case, argument or None), in order.

    An argument that is neither a token nor a quoted string is given as it stands, so that it fails to be a number.
    A name with white space before its `=` keeps its meaning and has an argument that is no number.
    """
    found: list[Pair] = []
    for member in split_list(value):
        name, equals, raw = member.partition("=")
        bare = name.strip(_OWS).lower()
        if not equals:
            found.append((bare, None))
        elif name != name.strip(_OWS) or not is_token(bare):
            found.append((bare, f" {raw}"))
        else:
            argument = unquote(raw)
            found.append((bare, raw if argument is None else argument))
    return found


def field_names(argument: str) -> tuple[str, ...]:
    """The names in the argument of a qualified `private` or `no-cache`, in lower case."""
    return tuple(name.lower() for name in split_list(argument))


class ResponseDirectives:
    """What a response says about caching it. Lifetimes in seconds, None where there is none.

    `private` and `no_cache` are the unqualified forms; the field names of the qualified ones are in
    `private_fields` and `no_cache_fields`. `targeted` is True when a targeted field replaced Cache-Control, so that
    Expires does not count either (RFC 9213 section 2.2).
    """

    __slots__ = (
        "max_age",
        "must_revalidate",
        "must_understand",
        "no_cache",
        "no_cache_fields",
        "no_store",
        "private",
        "private_fields",
        "proxy_revalidate",
        "public",
        "s_maxage",
        "stale_if_error",
        "stale_while_revalidate",
        "targeted",
    )

    def __init__(self) -> None:
        self.max_age: int | None = None
        self.s_maxage: int | None = None
        self.stale_while_revalidate = 0
        self.stale_if_error = 0
        self.no_store = False
        self.no_cache = False
        self.no_cache_fields: tuple[str, ...] = ()
        self.private = False
        self.private_fields: tuple[str, ...] = ()
        self.public = False
        self.must_revalidate = False
        self.proxy_revalidate = False
        self.must_understand = False
        self.targeted = False

    def prohibits_stale(self, shared: bool) -> bool:
        """Whether it may never be served stale (section 4.2.4); `s-maxage` means `proxy-revalidate` (5.2.2.10)."""
        if self.no_cache or self.must_revalidate:
            return True
        return shared and (self.proxy_revalidate or self.s_maxage is not None)

    def lifetime(self, shared: bool) -> int | None:
        """The explicit lifetime in directives (section 4.2.1), in seconds."""
        if shared and self.s_maxage is not None:
            return self.s_maxage
        return self.max_age


_SWITCHES = {
    "no-store": "no_store",
    "must-revalidate": "must_revalidate",
    "proxy-revalidate": "proxy_revalidate",
}
_BARE_SWITCHES = {"public": "public", "must-understand": "must_understand"}  # they permit: no argument is defined
_LIFETIMES = {"max-age": "max_age", "s-maxage": "s_maxage"}
_WINDOWS = {"stale-while-revalidate": "stale_while_revalidate", "stale-if-error": "stale_if_error"}
_QUALIFIED = {"private": "private", "no-cache": "no_cache"}


def _apply(found: ResponseDirectives, name: str, argument: str | None, seen: set[str]) -> None:
    if name in _SWITCHES:
        setattr(found, _SWITCHES[name], True)
    elif name in _BARE_SWITCHES:
        if argument is None:
            setattr(found, _BARE_SWITCHES[name], True)
    elif name in _QUALIFIED:
        names = field_names(argument) if argument is not None else ()
        if names:
            fields = f"{_QUALIFIED[name]}_fields"
            setattr(found, fields, getattr(found, fields) + names)
        else:
            setattr(found, _QUALIFIED[name], True)
    elif name in _LIFETIMES:
        seconds = delta_seconds(argument)
        present = getattr(found, _LIFETIMES[name])
        value = INVALID if seconds is None else seconds
        setattr(found, _LIFETIMES[name], value if present is None else min(present, value))
    elif name in _WINDOWS:
        value = delta_seconds(argument) or 0
        field = _WINDOWS[name]
        setattr(found, field, min(getattr(found, field), value) if name in seen else value)
    seen.add(name)


def parse_cache_control(value: str) -> ResponseDirectives:
    """The directives of a response's Cache-Control."""
    found = ResponseDirectives()
    seen: set[str] = set()
    for name, argument in pairs(value):
        _apply(found, name, argument, seen)
    return found


def parse_targeted(value: str) -> ResponseDirectives | None:
    """The directives of a targeted field, or None when it has to be ignored: malformed or empty (RFC 9213 2.1, 2.2).

    Its values are typed: a lifetime is an Integer, field names are in a String; a lifetime of another type is 0, a
    switch that is false (`no-store=?0`) is not set.
    """
    from lanner.http.structured import Item, StructuredFieldError, Token, parse_dictionary

    try:
        members = parse_dictionary(value)
    except StructuredFieldError:
        return None
    if not members:
        return None
    found = ResponseDirectives()
    found.targeted = True
    seen: set[str] = set()
    for name, member in members.items():
        held = member.value if isinstance(member, Item) else ""
        if held is False:
            continue
        if held is True:
            argument = None
        elif type(held) is int:
            argument = str(held)
        elif isinstance(held, str) and not isinstance(held, Token) and name in _QUALIFIED:
            argument = held
        else:
            argument = " "  # the wrong type: no number, no field names
        _apply(found, name, argument, seen)
    return found


_NOTHING = ResponseDirectives()
_cache_control = lru_cache(_REMEMBERED)(parse_cache_control)
_targeted = lru_cache(_REMEMBERED)(parse_targeted)


def response_directives(headers: Mapping[str, str], targets: Sequence[str] = ()) -> ResponseDirectives:
    """What counts for this cache: the first valid, non-empty targeted field in `targets`, else Cache-Control.

    `targets` are field names in lower case, the cache's own first (RFC 9213 section 2.2). The result is shared:
    do not change it.
    """
    for target in targets:
        value = headers.get(target)
        if value is not None:
            found = (_targeted if len(value) <= _LONGEST else parse_targeted)(value)
            if found is not None:
                return found
    value = headers.get("cache-control")
    if value is None:
        return _NOTHING
    return (_cache_control if len(value) <= _LONGEST else parse_cache_control)(value)


class RequestDirectives:
    """What a request says about caching (section 5.2.1). Seconds, None where it says nothing."""

    __slots__ = ("max_age", "max_stale", "min_fresh", "no_cache", "no_store", "only_if_cached", "stale_if_error")

    def __init__(self) -> None:
        self.max_age: int | None = None
        self.max_stale: int | None = None
        self.min_fresh: int | None = None
        self.stale_if_error = 0
        self.no_cache = False
        self.no_store = False
        self.only_if_cached = False


def parse_request(value: str) -> RequestDirectives:
    """The directives of a request's Cache-Control; a `max-age` or `min-fresh` that is no number asks for validation.

    Of several values the strictest counts. `max-stale` that is no number permits nothing.
    """
    found = RequestDirectives()
    for name, argument in pairs(value):
        if name == "no-cache":
            found.no_cache = True
        elif name == "no-store":
            found.no_store = True
        elif name == "only-if-cached":
            found.only_if_cached = True
        elif name == "max-age":
            seconds = delta_seconds(argument) or 0
            found.max_age = seconds if found.max_age is None else min(found.max_age, seconds)
        elif name == "min-fresh":
            seconds = delta_seconds(argument) or 0
            found.min_fresh = max(found.min_fresh or 0, seconds)
        elif name == "max-stale":
            allowed = UNLIMITED if argument is None else delta_seconds(argument) or 0
            found.max_stale = allowed if found.max_stale is None else min(found.max_stale, allowed)
        elif name == "stale-if-error":
            found.stale_if_error = delta_seconds(argument) or 0
    return found


NO_REQUEST_DIRECTIVES: Final = RequestDirectives()
_request = lru_cache(_REMEMBERED)(parse_request)


def request_directives(headers: Mapping[str, str]) -> RequestDirectives:
    """The directives of a request. `Pragma` is deprecated and means nothing here (section 5.4). Do not change it."""
    value = headers.get("cache-control")
    if value is None:
        return NO_REQUEST_DIRECTIVES
    return (_request if len(value) <= _LONGEST else parse_request)(value)
