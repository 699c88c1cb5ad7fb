"""Users as v2 shows and takes them: `{id, given_name, family_name, email, locale, created_at, updated_at}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.users.etags import V2_MEMBERS
from domain.users.fields import UserReading, check_together
from domain.users.model import Content, User

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "v2"
MEMBERS: tuple[str, ...] = V2_MEMBERS


def view(user: User) -> dict[str, Any]:
    """The document of a user."""
    content = user.content
    return {
        "id": user.id,
        "given_name": content.given_name,
        "family_name": content.family_name,
        "email": content.email,
        "locale": content.locale,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def created(document: Mapping[str, Any]) -> Content:
    """The content of a new user. The values of read-only members are not looked at. Raises `Unprocessable`."""
    reading = UserReading(document, MEMBERS)
    reading.ignored(document, "id", "created_at", "updated_at")
    return _content(reading)


def replaced(document: Mapping[str, Any], stored: User) -> Content:
    """The content of a stored user after a PUT of `document`. Raises `Unprocessable`.

    Absent optional members take their defaults. `updated_at` may be any text: it is what the next write sets.
    """
    reading = UserReading(document, MEMBERS)
    reading.unchanged_id(stored.id)
    reading.unchanged_time("created_at", stored.created_at)
    reading.ignored(document, "updated_at")
    content = _content(reading)
    old = stored.content
    if (content.given_name, content.family_name) == (old.given_name, old.family_name):
        content.name = old.name
    return content


def _content(reading: UserReading) -> Content:
    given_name = reading.name("given_name")
    family_name = reading.optional_name("family_name")
    email, locale = reading.email(), reading.locale()
    check_together(reading, given_name, family_name)
    reading.finish()
    return Content(given_name, family_name, email, locale)
