"""Language tags: well-formed by RFC 5646 section 2.1, and written the way its section 2.1.1 recommends.

Only the form is judged, not the registry of subtags: a tag that is registered tomorrow must not need a deployment.
"""

from __future__ import annotations

MAX_LENGTH = 35
"""What RFC 5646 section 4.4.1 asks applications to be able to store."""

PATTERN = r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"
"""What a schema can say of the form; `canonical` knows the rest."""

WRONG = "must be a BCP 47 language tag, for example en or pt-BR"


def canonical(tag: str) -> str:
    """The tag in its recommended case: `PT-br` -> `pt-BR`, `ZH-hant-tw` -> `zh-Hant-TW`.

    Raises `ValueError`, with a sentence for a client, when the tag is not well-formed or longer than `MAX_LENGTH`.
    """
    if len(tag) > MAX_LENGTH or not tag.isascii():
        raise ValueError(f"{WRONG}, of at most {MAX_LENGTH} characters")
    subtags = tag.split("-")
    if not all(subtag.isalnum() and len(subtag) <= 8 for subtag in subtags):
        raise ValueError(WRONG)
    lowered = [subtag.lower() for subtag in subtags]
    if lowered[0] == "x":
        if len(lowered) == 1:
            raise ValueError(WRONG)
        return "-".join(lowered)
    end = _language_part(lowered)
    _extensions(lowered[end:])
    head = [lowered[0], *(_recommended(subtag) for subtag in lowered[1:end])]
    return "-".join(head + lowered[end:])


def _recommended(subtag: str) -> str:
    if len(subtag) == 2:
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag


def _language_part(subtags: list[str]) -> int:
    """How many subtags are language, extlang, script, region and variants, in that order."""
    language = subtags[0]
    if not (language.isalpha() and len(language) >= 2):
        raise ValueError(WRONG)
    at = 1
    count = len(subtags)
    if len(language) <= 3:
        while at < min(count, 4) and len(subtags[at]) == 3 and subtags[at].isalpha():
            at += 1  # extlang
    if at < count and len(subtags[at]) == 4 and subtags[at].isalpha():
        at += 1  # script
    if at < count and _is_region(subtags[at]):
        at += 1
    variants: set[str] = set()
    while at < count and _is_variant(subtags[at]):
        if subtags[at] in variants:
            raise ValueError(f"{WRONG}; the variant {subtags[at]} is repeated")
        variants.add(subtags[at])
        at += 1
    return at


def _is_region(subtag: str) -> bool:
    return (len(subtag) == 2 and subtag.isalpha()) or (len(subtag) == 3 and subtag.isdigit())


def _is_variant(subtag: str) -> bool:
    return 5 <= len(subtag) <= 8 or (len(subtag) == 4 and subtag[0].isdigit())


def _extensions(subtags: list[str]) -> None:
    """What follows is extensions (`u-ca-gregory`), then a private part (`x-...`): each a singleton with its subtags."""
    at = 0
    seen: set[str] = set()
    while at < len(subtags):
        singleton = subtags[at]
        if len(singleton) != 1 or singleton in seen:
            raise ValueError(WRONG)
        seen.add(singleton)
        if singleton == "x":
            if at + 1 == len(subtags):
                raise ValueError(WRONG)
            return
        start = at = at + 1
        while at < len(subtags) and len(subtags[at]) >= 2:
            at += 1
        if at == start:
            raise ValueError(WRONG)
