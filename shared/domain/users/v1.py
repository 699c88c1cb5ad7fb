"""Users as v1 shows and takes them: `{id, name, email, created_at}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.users.etags import V1_MEMBERS
from domain.users.fields import UserReading
from domain.users.model import DEFAULT_LOCALE, Content, User, full_name
from domain.users.names import rename, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "v1"
MEMBERS: tuple[str, ...] = V1_MEMBERS


def view(user: User) -> dict[str, Any]:
    """The document of a user."""
    content = user.content
    return {
        "id": user.id,
        "name": shown_name(content),
        "email": content.email,
        "created_at": user.created_at,
    }


def shown_name(content: Content) -> str:
    """What v1 wrote last, or both names."""
    return full_name(content.given_name, content.family_name) if content.name is None else content.name


def created(document: Mapping[str, Any]) -> Content:
    """The content of a new user. The values of read-only members are not looked at. Raises `Unprocessable`."""
    reading = UserReading(document, MEMBERS)
    name, email = reading.name("name"), reading.email()
    reading.ignored(document, "id", "created_at")
    reading.finish()
    given_name, family_name = split_name(name)
    return Content(given_name, family_name, email, DEFAULT_LOCALE, name)


def replaced(document: Mapping[str, Any], stored: User) -> Content:
    """The content of a stored user after a PUT of `document`: what v1 does not know stays. Raises `Unprocessable`."""
    reading = UserReading(document, MEMBERS)
    name, email = reading.name("name"), reading.email()
    reading.unchanged_id(stored.id)
    reading.unchanged_time("created_at", stored.created_at)
    reading.finish()
    old = stored.content
    if name == shown_name(old):
        return Content(old.given_name, old.family_name, email, old.locale, old.name)
    given_name, family_name = rename(name, old.given_name, old.family_name)
    return Content(given_name, family_name, email, old.locale, name)
