"""How a user's document changes between versions, as pure functions (`domain.versions` names them).

They say what the stored user does (`v1`, `v2`, `names`) for a document alone, where nothing else is known of it: what
v1 does not show takes its default on the way up.
"""

from __future__ import annotations

from typing import Any

from domain.users.model import DEFAULT_LOCALE, full_name
from domain.users.names import split_name

Document = dict[str, Any]  # Any: JSON values


def v1_to_v2(document: Document) -> Document:
    """`{id, name, email, created_at}` as v2 has it; `updated_at`, which v1 never tells, is the creation."""
    given_name, family_name = split_name(document["name"])
    return {
        "id": document["id"],
        "given_name": given_name,
        "family_name": family_name,
        "email": document["email"],
        "locale": DEFAULT_LOCALE,
        "created_at": document["created_at"],
        "updated_at": document["created_at"],
    }


def v2_to_v1(document: Document) -> Document:
    """A v2 user as v1 has it."""
    return {
        "id": document["id"],
        "name": full_name(document["given_name"], document["family_name"]),
        "email": document["email"],
        "created_at": document["created_at"],
    }
