"""The schemas of users in v2, for OpenAPI.

The rules themselves are `domain.users.fields`; a test holds both together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.locales import MAX_LENGTH as LOCALE_MAX
from domain.locales import PATTERN as LOCALE
from domain.users.fields import EMAIL_MAX, NAME_MAX

READ_ONLY = {"readOnly": True}

Id = Annotated[str, Field(json_schema_extra={"format": "uuid", **READ_ONLY}, description="UUIDv7")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time", **READ_ONLY}, description="RFC 3339, UTC")]
GivenName = Annotated[str, Field(min_length=1, max_length=NAME_MAX, description="One line, stripped")]
FamilyName = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=NAME_MAX,
        description=f"Null for people with one name; with given_name and a space at most {NAME_MAX} characters",
    ),
]
Email = Annotated[
    str,
    Field(
        min_length=3,
        max_length=EMAIL_MAX,
        json_schema_extra={"format": "email"},
        description="Unique, whatever its case; kept as written",
    ),
]
Locale = Annotated[
    str, Field(min_length=2, max_length=LOCALE_MAX, pattern=LOCALE, description="BCP 47, for example en or pt-BR")
]

EXAMPLE: dict[str, JsonValue] = {
    "id": "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    "given_name": "Ana",
    "family_name": "de la Cruz",
    "email": "ana@example.com",
    "locale": "pt-BR",
    "created_at": "2026-11-23T03:52:11.123Z",
    "updated_at": "2026-11-23T03:52:11.123Z",
}
NEW_EXAMPLE: dict[str, JsonValue] = {name: EXAMPLE[name] for name in ("given_name", "family_name", "email", "locale")}


class User(BaseModel):
    """A user."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    id: Id
    given_name: GivenName
    family_name: FamilyName
    email: Email
    locale: Locale
    created_at: Time
    updated_at: Time


class UserPage(BaseModel):
    """Users in the order of their creation; `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"data": [EXAMPLE], "next_cursor": None}]}
    )

    data: list[User]
    next_cursor: str | None


class Month(BaseModel):
    """One month of growth."""

    model_config = ConfigDict(extra="forbid")

    period: Annotated[str, Field(description="A month, UTC", examples=["2026-11"])]
    new_users: Annotated[int, Field(ge=0)]
    total_users: Annotated[int, Field(ge=0, description="At the month's end, of those who are users still")]


class LocaleShare(BaseModel):
    """How many users have a locale."""

    model_config = ConfigDict(extra="forbid")

    locale: Annotated[str, Field(description="BCP 47, or `other` for all beyond the thousand first met")]
    users: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]


class UserStatistics(BaseModel):
    """Numbers over all users."""

    model_config = ConfigDict(extra="forbid")

    generated_at: Time
    total_users: Annotated[int, Field(ge=0)]
    growth: list[Month]
    locales: list[LocaleShare]


class UserWrite(BaseModel):
    """A user to create, or to put in the place of another.

    Read-only members may be repeated: in a PUT, `id` and `created_at` must then be what they were; a POST does not
    look at them.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    given_name: GivenName
    email: Email
    family_name: FamilyName = None
    locale: Locale = "en"
    id: Id = ""
    created_at: Time = ""
    updated_at: Time = ""


class UserPatch(BaseModel):
    """A JSON Merge Patch (RFC 7396): members that are left out stay, null removes `family_name` and resets `locale`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"given_name": "Eva"}, {"family_name": None}]}
    )

    given_name: GivenName = ""
    family_name: FamilyName = None
    email: Email = ""
    locale: Locale | None = None
    id: Id = ""
    created_at: Time = ""
    updated_at: Time | None = None
