"""Entity-tags of users: which version's representation, in which state, with which members.

    "v2.1-7"       revision 7 as v2 shows it
    "v2.1-7-15"    the same with only the members whose bits are set in 0x15 (`fields=id,family_name,locale`)

All are strong (RFC 9110 section 8.8.1): equal tags mean equal bytes. The number behind the version counts changes in
how that version writes a user; raise it with such a change, and no client keeps the old bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REPRESENTATION = {"v1": "v1.1", "v2": "v2.1"}

V1_MEMBERS = ("id", "name", "email", "created_at")
V2_MEMBERS = ("id", "given_name", "family_name", "email", "locale", "created_at", "updated_at")
"""In the order in which documents have them; the bits of a selection count along it."""


def etag(version: str, revision: int, members: Sequence[str] = (), selected: Sequence[str] | None = None) -> str:
    """The tag, in its quotes; `selected` are the members shown, out of `members`, or None for all of them."""
    if selected is None:
        return f'"{REPRESENTATION[version]}-{revision}"'
    bits = sum(1 << at for at, name in enumerate(members) if name in selected)
    return f'"{REPRESENTATION[version]}-{revision}-{bits:x}"'
