"""Texts of one locale: `{"locale", "messages": {key: text}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain import locales
from domain.reading import Reading, is_one_line
from lanner.http.problems import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGES = 5000
KEY_MAX = 200
TEXT_MAX = 10_000

Document = dict[str, Any]  # Any: JSON values


def known_locale(written: str) -> str:
    """The locale in a path, in its recommended case. Raises `NotFound` for what is no language tag."""
    try:
        return locales.canonical(written)
    except ValueError as error:
        raise NotFound(f"There are no translations for {written[:60]!r}: a locale {error}") from None


def read(document: Mapping[str, Any], locale: str, members: tuple[str, ...]) -> Document:
    """What to store for a PUT to `locale`. Raises `Unprocessable`."""
    reading = Reading()
    reading.members(document, members)
    reading.ignored(document, "updated_at", nullable=True)
    _check_locale(reading, document, locale)
    messages = reading.mapping(document, "messages")
    if len(messages) > MAX_MESSAGES:
        reading.wrong(("messages",), f"has {len(messages)} members; at most {MAX_MESSAGES} are taken")
        reading.finish()
    for key, text in messages.items():
        if not 1 <= len(key) <= KEY_MAX or not is_one_line(key):
            reading.wrong(("messages", key[:KEY_MAX]), f"needs a key of 1 to {KEY_MAX} characters on one line")
        reading.text(text, ("messages", key[:KEY_MAX]), TEXT_MAX, shortest=0)
    reading.finish()
    return {"locale": locale, "messages": messages}


def _check_locale(reading: Reading, document: Mapping[str, Any], locale: str) -> None:
    if "locale" not in document:
        return
    value = reading.text(document["locale"], ("locale",), locales.MAX_LENGTH)
    try:
        same = value is None or locales.canonical(value) == locale
    except ValueError:
        same = False
    if not same:
        reading.wrong(("locale",), f"must be that of the path, {locale}, or be left out")
