"""What a mail says, in the language of whom it is for.

Texts are translations of the catalog: `mail.welcome.subject`, `mail.welcome.text` and, optional, `mail.welcome.html`.
For a reader of `pt-BR` they are looked for in `pt-BR`, `pt` (RFC 4647 section 3.4) and `en`, in the catalog before what
is built in here. All parts of a mail come from one place: a subject in one language over a text in another is worse
than English.

`{given_name}` is a placeholder; one that is not known stays as it is written. What goes in is escaped in HTML; a
subject is one line whatever the text or the value holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from domain.catalog import store
from domain.users.model import DEFAULT_LOCALE

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBJECT_MAX = 200
"""Characters; what does not fit ends in an ellipsis."""

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "en": {
        "mail.welcome.subject": "Welcome, {given_name}",
        "mail.welcome.text": "Hello {given_name},\n\nyour account is ready.\n",
    },
    "de": {
        "mail.welcome.subject": "Willkommen, {given_name}",
        "mail.welcome.text": "Hallo {given_name},\n\ndein Konto ist bereit.\n",
    },
    "es": {
        "mail.welcome.subject": "Te damos la bienvenida, {given_name}",
        "mail.welcome.text": "Hola, {given_name}:\n\ntu cuenta está lista.\n",
    },
    "fr": {
        "mail.welcome.subject": "Bienvenue, {given_name}",
        "mail.welcome.text": "Bonjour {given_name},\n\nvotre compte est prêt.\n",
    },
    "pt": {
        "mail.welcome.subject": "Boas-vindas, {given_name}",
        "mail.welcome.text": "Olá, {given_name}!\n\nA sua conta está pronta.\n",
    },
}

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Texts:
    """The finished parts of a mail: `html` is None where there is only text."""

    __slots__ = ("html", "subject", "text")

    def __init__(self, subject: str, text: str, html: str | None = None) -> None:
        self.subject = subject
        self.text = text
        self.html = html


def texts(name: str, locale: str, values: Mapping[str, str]) -> Texts:
    """The parts of the mail `name` (`welcome`) for a reader of `locale`, placeholders filled.

    Raises `LookupError` for a mail that nobody wrote, and what `domain.dynamodb` says of the catalog.
    """
    subject, text, html = _written(name, locale)
    from html import escape

    return Texts(
        one_line(_filled(subject, values)),
        _filled(text, {key: one_line(value) for key, value in values.items()}),
        None if html is None else _filled(html, {key: escape(one_line(value)) for key, value in values.items()}),
    )


def chain(locale: str) -> list[str]:
    """The tags in which a text is looked for: `zh-Hant-TW`, `zh-Hant`, `zh`, `en`."""
    tags = []
    subtags = locale.split("-")
    while subtags:
        tags.append("-".join(subtags))
        subtags.pop()
        while subtags and len(subtags[-1]) == 1:  # a singleton announces what was just cut off
            subtags.pop()
    return tags if DEFAULT_LOCALE in tags else [*tags, DEFAULT_LOCALE]


def one_line(text: str) -> str:
    """The text without line breaks and control characters: a space in their place, and none at the ends."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= SUBJECT_MAX else f"{line[: SUBJECT_MAX - 1]}…"


def _written(name: str, locale: str) -> tuple[str, str, str | None]:
    for tag in chain(locale):
        for messages in (_of_catalog(tag), BUILT_IN.get(tag, {})):
            subject, text = messages.get(f"mail.{name}.subject"), messages.get(f"mail.{name}.text")
            if subject and text:
                return subject, text, messages.get(f"mail.{name}.html") or None
    raise LookupError(f"there is no mail {name!r}: it needs mail.{name}.subject and mail.{name}.text")


def _of_catalog(tag: str) -> Mapping[str, str]:
    stored = store.read(store.translations_key(tag))
    if stored is None:
        return {}
    document: dict[str, Any] = orjson.loads(stored.body)
    messages: dict[str, str] = document["messages"]
    return messages


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Placeholders replaced in one pass: a value that looks like a placeholder is not filled again."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)
