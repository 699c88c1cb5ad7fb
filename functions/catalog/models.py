"""The schemas of the catalog in both versions, for OpenAPI.

The rules themselves are in `domain.catalog`; a test holds both together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.catalog import categories, options, slugs, translations
from domain.locales import MAX_LENGTH as LOCALE_MAX
from domain.locales import PATTERN as LOCALE

UpdatedAt = Annotated[
    str | None,
    Field(
        json_schema_extra={"format": "date-time", "readOnly": True},
        description="RFC 3339, UTC; null before anything was written; not looked at in a request",
    ),
]
CategoryId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=categories.ID_MAX,
        pattern=r"^[A-Za-z0-9._~-]+$",
        description="What the category is known by from one PUT to the next; made by the server where it is left out",
    ),
]
CategoryName = Annotated[str, Field(min_length=1, max_length=categories.NAME_MAX, description="One line, stripped")]
Slug = Annotated[
    str,
    Field(
        min_length=1,
        max_length=slugs.MAX_LENGTH,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Names the category in a URL, unique among siblings; kept, or made from the name, where left out",
    ),
]
Locale = Annotated[
    str, Field(min_length=2, max_length=LOCALE_MAX, pattern=LOCALE, description="BCP 47, that of the path")
]
Messages = Annotated[
    dict[str, Annotated[str, Field(max_length=translations.TEXT_MAX)]],
    Field(
        max_length=translations.MAX_MESSAGES,
        json_schema_extra={"propertyNames": {"minLength": 1, "maxLength": translations.KEY_MAX}},
    ),
]
Setting = (
    Annotated[str, Field(max_length=options.TEXT_MAX)]
    | bool
    | Annotated[int, Field(ge=-options.MAX_NUMBER, le=options.MAX_NUMBER)]
    | Annotated[float, Field(ge=-options.MAX_NUMBER, le=options.MAX_NUMBER)]
)
SettingValues = Annotated[
    dict[str, Setting],
    Field(
        max_length=options.MAX_SETTINGS,
        json_schema_extra={"propertyNames": {"pattern": f"^[A-Za-z][A-Za-z0-9_.-]{{0,{options.KEY_MAX - 1}}}$"}},
    ),
]

TIME = "2026-11-23T03:52:11.123Z"
NODE_V1: dict[str, JsonValue] = {"id": "books", "name": "Books", "children": []}
NODE_V2: dict[str, JsonValue] = {"id": "books", "slug": "books", "name": "Books", "children": []}
MESSAGES: dict[str, JsonValue] = {"greeting": "Hello", "farewell": "Bye"}
SETTINGS: dict[str, JsonValue] = {"currency": "EUR", "page_size": 24, "reviews": True}


def _closed(example: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class CategoryV1(BaseModel):
    """A category and what is below it."""

    model_config = _closed(NODE_V1)

    name: CategoryName
    id: CategoryId = ""
    children: list[CategoryV1] = []


class CategoriesV1(BaseModel):
    """The whole tree of categories."""

    model_config = _closed({"data": [NODE_V1]})

    data: list[CategoryV1]


class CategoryV2(BaseModel):
    """A category and what is below it."""

    model_config = _closed(NODE_V2)

    name: CategoryName
    id: CategoryId = ""
    slug: Slug = ""
    children: list[CategoryV2] = []


class CategoriesV2(BaseModel):
    """The whole tree of categories."""

    model_config = _closed({"data": [NODE_V2], "updated_at": TIME})

    data: list[CategoryV2]
    updated_at: UpdatedAt = None


class TranslationsV1(BaseModel):
    """The texts of one locale."""

    model_config = _closed({"locale": "en", "messages": MESSAGES})

    messages: Messages
    locale: Locale = ""


class TranslationsV2(BaseModel):
    """The texts of one locale."""

    model_config = _closed({"locale": "en", "messages": MESSAGES, "updated_at": TIME})

    messages: Messages
    locale: Locale = ""
    updated_at: UpdatedAt = None


class LocaleV1(BaseModel):
    """A locale that has texts."""

    model_config = _closed({"locale": "en"})

    locale: Locale


class LocalesV1(BaseModel):
    """The locales that have texts: `limit` of them behind the first `offset`."""

    model_config = _closed({"data": [{"locale": "en"}], "limit": 20, "offset": 0})

    data: list[LocaleV1]
    limit: int
    offset: int


class LocaleV2(BaseModel):
    """A locale that has texts, and when they were written last."""

    model_config = _closed({"locale": "en", "updated_at": TIME})

    locale: Locale
    updated_at: str


class LocalesV2(BaseModel):
    """Every locale that has texts; `next_cursor` is null, for they are few."""

    model_config = _closed({"data": [{"locale": "en", "updated_at": TIME}], "next_cursor": None})

    data: list[LocaleV2]
    next_cursor: str | None


class SettingsV1(BaseModel):
    """The catalog's settings."""

    model_config = _closed({"settings": SETTINGS})

    settings: SettingValues


class SettingsV2(BaseModel):
    """The catalog's settings."""

    model_config = _closed({"settings": SETTINGS, "updated_at": TIME})

    settings: SettingValues
    updated_at: UpdatedAt = None
