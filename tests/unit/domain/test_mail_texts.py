"""What a mail says, and in which language."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import store
from domain.mail.texts import BUILT_IN, SUBJECT_MAX, chain, one_line, texts

NAME = {"given_name": "Ana"}


def translate(locale: str, **messages: str) -> None:
    """Store texts of a locale; `subject="..."` is `mail.welcome.subject`."""
    named = {f"mail.welcome.{part}": text for part, text in messages.items()}
    key = store.translations_key(locale)
    document = {"locale": locale, "messages": named, "updated_at": "2026-11-23T00:00:00.000Z"}
    store.write(key, store.read(key), orjson.dumps(document), "2026-11-23T00:00:00.000Z", "test")


@pytest.mark.parametrize(
    ("locale", "tags"),
    [
        ("en", ["en"]),
        ("pt-BR", ["pt-BR", "pt", "en"]),
        ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh", "en"]),
        ("en-GB", ["en-GB", "en"]),
        ("de-u-co-phonebk", ["de-u-co-phonebk", "de-u-co", "de", "en"]),
        ("x-private", ["x-private", "en"]),
    ],
)
def test_where_texts_are_looked_for(locale: str, tags: list[str]) -> None:
    """From the most exact tag to the language, then English (RFC 4647 section 3.4)."""
    assert chain(locale) == tags


@pytest.mark.parametrize(("locale", "subject"), [("pt-BR", "Boas-vindas, Ana"), ("ja", "Welcome, Ana")])
def test_built_in_texts(catalog_table: str, locale: str, subject: str) -> None:
    """Without a catalog: the language's own, or English."""
    found = texts("welcome", locale, NAME)
    assert found.subject == subject
    assert "Ana" in found.text
    assert found.html is None


@pytest.mark.parametrize("locale", sorted(BUILT_IN))
def test_every_built_in_mail_is_whole(catalog_table: str, locale: str) -> None:
    """Subject and text, with the name in both and no placeholder left."""
    found = texts("welcome", locale, NAME)
    assert "Ana" in found.subject
    assert "Ana" in found.text
    assert "{" not in found.subject + found.text


def test_the_catalog_comes_first(catalog_table: str) -> None:
    """A text of the exact locale, else of its language; in both cases before what is built in."""
    translate("pt", subject="Oi, {given_name}", text="Texto")
    assert texts("welcome", "pt-BR", NAME).subject == "Oi, Ana"
    translate("pt-BR", subject="E aí, {given_name}", text="Texto", html="<p>{given_name}</p>")
    found = texts("welcome", "pt-BR", NAME)
    assert (found.subject, found.html) == ("E aí, Ana", "<p>Ana</p>")


def test_parts_are_of_one_language(catalog_table: str) -> None:
    """A locale with a subject and no text is not mixed with another."""
    translate("pt-BR", subject="Only a subject")
    translate("en", subject="Hi", text="Text", html="<p>Hi</p>")
    assert texts("welcome", "pt-BR", NAME).subject == "Boas-vindas, Ana"
    assert texts("welcome", "ja", NAME).subject == "Hi"


def test_values_are_escaped(catalog_table: str) -> None:
    """HTML gets entities; nothing gets a line break; a value is never a template."""
    translate("en", subject="Hi {given_name}\n{other}", text="{given_name} {unknown}", html='<a title="{given_name}">')
    found = texts("welcome", "en", {"given_name": '<b>"{other}"\r\nBcc: x@example.com', "other": "&"})
    assert found.subject == 'Hi <b>"{other}" Bcc: x@example.com &'
    assert found.text == '<b>"{other}" Bcc: x@example.com {unknown}'
    assert found.html == '<a title="&lt;b&gt;&quot;{other}&quot; Bcc: x@example.com">'


def test_a_mail_that_nobody_wrote_is_a_fault(catalog_table: str) -> None:
    """A typing error in code; it names the keys."""
    with pytest.raises(LookupError, match=r"mail\.wellcome\.subject"):
        texts("wellcome", "en", NAME)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    """Whatever goes in, nothing comes out that ends a header."""
    line = one_line(text)
    assert len(line) <= SUBJECT_MAX
    assert len(line.splitlines()) <= 1
    assert line.encode() is not None
