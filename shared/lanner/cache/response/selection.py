"""Vary: which stored responses fit a request, and which of several is used (RFC 9111 section 4.1).

Two values of a request field are the same when they differ only in what cannot change a representation: white space
around list members in any field; letter case of names in Accept-Encoding, Accept-Language and Accept-Charset, and
their order, because members are weighted and not ranked by place (RFC 9110 sections 12.4.2, 12.5.4). Some servers, ours
too, prefer the first of equals among languages; for them the order of languages of one weight is kept (`ranked`). A
value that is not well-formed is compared as it stands.

Values that are secrets (Authorization, Cookie) are kept as digests, so that a store never holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lanner.http.headers import is_token, parameters, quality, split_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Selecting = tuple[tuple[str, "str | None"], ...]

_SECRET: Final = frozenset(("authorization", "cookie", "proxy-authorization"))
_LANGUAGES: Final = "accept-language"
_WEIGHTED: Final = frozenset(("accept-encoding", "accept-charset", "accept-language"))
_DIGEST_BYTES = 16


def vary_names(value: str) -> tuple[str, ...] | None:
    """The field names of Vary in lower case, sorted, once each; None when nothing can match: `*`, or no field name."""
    names = {name.lower() for name in split_list(value)}
    if not all(is_token(name) for name in names) or "*" in names:
        return None
    return tuple(sorted(names))


def selecting(names: Iterable[str], headers: Mapping[str, str], ranked: bool = False) -> Selecting:
    """What a request says in the nominated fields, normalised; None for a field that it lacks."""
    return tuple((name, normalise(name, headers.get(name), ranked)) for name in names)


def fits(chosen: Sequence[Sequence[str | None]], headers: Mapping[str, str], ranked: bool = False) -> bool:
    """Whether a request says the same as the one whose selecting values these are; absent only equals absent."""
    return all(normalise(str(name), headers.get(str(name)), ranked) == value for name, value in chosen)


def normalise(name: str, value: str | None, ranked: bool = False) -> str | None:
    """A request field's value in the one form that stands for all that mean the same.

    `ranked`: the place of a language among those of its weight means something.
    """
    if value is None:
        return None
    if name in _SECRET:
        return _digest(value)
    if name in _WEIGHTED:
        members = _weighted(value)
        if members is not None:
            by_place = ranked and name == _LANGUAGES
            members.sort(key=lambda each: (-each[1], "" if by_place else each[0]))
            return ", ".join(tag if weight == 1 else f"{tag};q={weight:g}" for tag, weight in members)
    if value.count('"') % 2:
        return value.strip(" \t")  # a quoted string without an end: no list
    return ", ".join(split_list(value)) if "," in value else value.strip(" \t")


def _weighted(value: str) -> list[tuple[str, float]] | None:
    """`name;q=weight` members as name in lower case and weight; None when one of them is anything else."""
    members: list[tuple[str, float]] = []
    names: set[str] = set()
    for member in split_list(value):
        parts = split_list(member, ";")
        params = parameters(parts[1:]) if parts else None
        if params is None or len(parts) > 2 or params.keys() - {"q"}:
            return None
        name = parts[0].lower()
        weight = quality(params.get("q", "1"))
        if weight is None or name in names or not is_token(name):
            return None
        names.add(name)
        members.append((name, weight))
    return members


def _digest(value: str) -> str:
    from hashlib import blake2b  # loads OpenSSL: only responses that vary by a secret pay for it

    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
