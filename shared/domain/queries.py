"""Query parameters: unknown ones are refused by name, so that a typing error is not an unfiltered list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.problems import MAX_ERRORS, BadRequest, parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lanner.http.message import Request

LONGEST_SHOWN = 60
"""Characters of a client's own word that an error repeats."""
MOST_SHOWN = 10
"""Of a client's own words in one sentence."""

VERSION = "version"
"""Chooses the version (`lanner.versioning.readers`) and is therefore known everywhere."""


def check_known(request: Request, *known: str) -> None:
    """Raise `BadRequest` naming every parameter that is not in `known`, and those that are."""
    if not request.has_query:
        return
    unknown = sorted({name for name, _ in request.query if name != VERSION and name not in known})
    if unknown:
        names = ", ".join((*known, VERSION))
        raise BadRequest(
            f"Unknown query parameter {_shown(unknown)}; known here: {names}",
            slug="unknown-parameter",
            errors=[
                parameter(name[:LONGEST_SHOWN], f"is unknown here; known are {names}") for name in unknown[:MAX_ERRORS]
            ],
        )


def _shown(words: Sequence[str]) -> str:
    """Some words of a client's, for a sentence."""
    more = f" and {len(words) - MOST_SHOWN} more" if len(words) > MOST_SHOWN else ""
    return ", ".join(word[:LONGEST_SHOWN] for word in words[:MOST_SHOWN]) + more


def single(request: Request, name: str) -> str | None:
    """The value of a parameter that may be given once, or None. Raises `BadRequest` for repeated and empty ones."""
    if not request.has_query:
        return None
    values = request.query_values(name)
    if not values:
        return None
    if len(values) > 1:
        raise BadRequest(
            f"The parameter {name} was given {len(values)} times; give it once",
            errors=[parameter(name, "must be given once")],
        )
    if not values[0]:
        raise BadRequest(f"The parameter {name} is empty", errors=[parameter(name, "must not be empty")])
    return values[0]


def selection(request: Request, members: Sequence[str]) -> list[str] | None:
    """The members that `fields=a,b` asks for, in the order of `members`; None for all. Raises `BadRequest`."""
    value = single(request, "fields")
    if value is None:
        return None
    asked = [name.strip() for name in value.split(",")]
    unknown = [name for name in asked if name not in members]
    if unknown:
        detail = f"may name {', '.join(members)}; not {_shown([repr(name) for name in unknown])}"
        raise BadRequest(f"The parameter fields {detail}", errors=[parameter("fields", detail)])
    return [name for name in members if name in asked]
