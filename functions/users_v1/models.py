"""The schemas of users in v1, for OpenAPI.

The rules themselves are `domain.users.fields`; a test holds both together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.users.fields import EMAIL_MAX, NAME_MAX

READ_ONLY = {"readOnly": True}

Id = Annotated[str, Field(json_schema_extra={"format": "uuid", **READ_ONLY}, description="UUIDv7")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time", **READ_ONLY}, description="RFC 3339, UTC")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX, description="The whole name on one line, stripped")]
Email = Annotated[
    str,
    Field(
        min_length=3,
        max_length=EMAIL_MAX,
        json_schema_extra={"format": "email"},
        description="Unique, whatever its case; kept as written",
    ),
]

EXAMPLE: dict[str, JsonValue] = {
    "id": "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    "name": "Ana de la Cruz",
    "email": "ana@example.com",
    "created_at": "2026-11-23T03:52:11.123Z",
}
NEW_EXAMPLE: dict[str, JsonValue] = {name: EXAMPLE[name] for name in ("name", "email")}


class User(BaseModel):
    """A user."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    id: Id
    name: Name
    email: Email
    created_at: Time


class UserPage(BaseModel):
    """Users in the order of their creation: `limit` of them behind the first `offset`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"data": [EXAMPLE], "limit": 20, "offset": 0}]}
    )

    data: list[User]
    limit: int
    offset: int


class UserWrite(BaseModel):
    """A user to create, or to put in the place of another.

    Read-only members may be repeated: in a PUT they must then be what they were; a POST does not look at them.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    name: Name
    email: Email
    id: Id = ""
    created_at: Time = ""


class UserPatch(BaseModel):
    """A JSON Merge Patch (RFC 7396): members that are left out stay. No member of v1 can be removed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Eva de la Cruz"}]})

    name: Name = ""
    email: Email = ""
    id: Id = ""
    created_at: Time = ""
