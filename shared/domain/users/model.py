"""A stored user, and what a client may decide about one."""

from __future__ import annotations

DEFAULT_LOCALE = "en"


class Content:
    """What a client decides about a user. `name` is v1's spelling of the name where v1 wrote it last, else None."""

    __slots__ = ("email", "family_name", "given_name", "locale", "name")

    def __init__(
        self, given_name: str, family_name: str | None, email: str, locale: str, name: str | None = None
    ) -> None:
        self.given_name = given_name
        self.family_name = family_name
        self.email = email
        self.locale = locale
        self.name = name

    def _key(self) -> tuple[str | None, ...]:
        return (self.given_name, self.family_name, self.email, self.locale, self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return "Content(...)"  # personal data stays out of logs and tracebacks


class User:
    """One stored user. `revision` counts its writes from 1; times are as the API writes them (`domain.times`)."""

    __slots__ = ("content", "created_at", "id", "revision", "updated_at")

    def __init__(
        self,
        id: str,  # noqa: A002 (the field's name)
        content: Content,
        created_at: str,
        updated_at: str,
        revision: int,
    ) -> None:
        self.id = id
        self.content = content
        self.created_at = created_at
        self.updated_at = updated_at
        self.revision = revision

    def __repr__(self) -> str:
        return f"User({self.id}, revision {self.revision})"


def full_name(given_name: str, family_name: str | None) -> str:
    """The name as v1 shows it when v1 did not write it itself."""
    return f"{given_name} {family_name}" if family_name else given_name
