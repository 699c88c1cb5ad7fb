"""Header parsers on arbitrary text: they never raise, and they agree with what was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from lanner.http.compression import coding_for, held_form, with_suffix, without_suffixes
from lanner.http.conditional import evaluate, opaque_tag, strong_etag
from lanner.http.dates import http_date, parse_http_date
from lanner.http.headers import (
    ANY,
    MediaRange,
    accept,
    accept_encoding,
    accept_language,
    choose_encoding,
    content_type,
    etags,
    is_token,
    negotiate,
    negotiate_language,
    prefer,
    quality,
    split_list,
    unquote,
)

OFFERS = ("application/json", "application/problem+json", "text/html;charset=utf-8")
# Text made of what header syntax is made of, so that the parsers get past its first character.
SYNTAX = st.text(st.sampled_from(list('",;=*/\\ \tqwW.-01ab')), max_size=60)
ANY_TEXT = st.one_of(SYNTAX, st.text(max_size=60))
TOKENS = st.text(st.sampled_from(list("abcXYZ019!#$&+-.^_`|~")), min_size=1, max_size=12)
QUOTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
OPAQUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=20)
WEIGHTS = st.integers(0, 1000)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(ANY_TEXT)
@example(";")
@example("*")
@example('"')
@example('W/"')
@example("\\")
def test_no_text_makes_a_parser_raise(text: str) -> None:
    """Whatever stands in a header, the answer is a value."""
    assert all(0 <= entry.quality <= 1 for entry in accept(text))
    assert all(0 <= weight <= 1 for weight in accept_encoding(text).values())
    assert all(0 <= weight <= 1 for _, weight in accept_language(text))
    assert negotiate(text, OFFERS) in (*OFFERS, None)
    assert choose_encoding(text, ("zstd", "gzip")) in ("zstd", "gzip", "identity", None)
    assert coding_for(text) in ("zstd", "gzip", "identity")
    assert negotiate_language(text, ("en", "de-CH")) in ("en", "de-CH", None)
    tags = etags(text)
    assert tags == ANY if isinstance(tags, str) else all('"' not in tag for _, tag in tags)
    assert all(is_token(name) for name in prefer(text))
    assert content_type(text) is None or "/" in text
    assert parse_http_date(text) is None or "GMT" in text or ":" in text
    assert evaluate("GET", {"if-match": text, "if-none-match": text}, '"a"') in (None, 304, 412)
    assert (number := quality(text)) is None or 0 <= number <= 1


@given(st.lists(st.one_of(TOKENS, QUOTABLE.map(quoted)), max_size=6))
def test_a_list_reads_back(members: list[str]) -> None:
    """Joined by commas, split into the same members."""
    assert split_list(", ".join(members)) == members
    assert split_list(" ,".join(members) + ",,") == members


@given(QUOTABLE)
def test_a_quoted_string_reads_back(text: str) -> None:
    """Quotes and backslashes included."""
    assert unquote(quoted(text)) == text


@given(
    st.lists(
        st.tuples(TOKENS, TOKENS, st.dictionaries(TOKENS.map(str.lower), QUOTABLE, max_size=3), WEIGHTS), max_size=5
    )
)
def test_media_ranges_read_back(written: list[tuple[str, str, dict[str, str], int]]) -> None:
    """Every range with its parameters and its weight, in the order of section 12.5.1."""
    value = ", ".join(
        f"{major}/{minor}"
        + "".join(f";{name}={quoted(text)}" for name, text in params.items() if name != "q")
        + f";q={weight / 1000:.3f}"
        for major, minor, params, weight in written
    )
    expected = [
        MediaRange(major.lower(), minor.lower(), {n: t for n, t in params.items() if n != "q"}, weight / 1000)
        for major, minor, params, weight in written
    ]
    found = accept(value)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert [entry.specificity for entry in found] == sorted((entry.specificity for entry in found), reverse=True)


@given(st.lists(st.tuples(st.booleans(), OPAQUE), min_size=1, max_size=6))
def test_entity_tags_read_back(tags: list[tuple[bool, str]]) -> None:
    """Commas, backslashes and asterisks inside them included."""
    assert etags(", ".join(f'{"W/" if weak else ""}"{tag}"' for weak, tag in tags)) == tags


@given(st.lists(st.tuples(st.booleans(), OPAQUE), max_size=4), st.booleans(), OPAQUE, st.sampled_from(["GET", "PUT"]))
def test_conditions_agree_with_their_definition(
    tags: list[tuple[bool, str]], weak: bool, tag: str, method: str
) -> None:
    """Strong comparison wants both strong and equal, weak comparison equal opaque values."""
    value = ", ".join(f'{"W/" if w else ""}"{t}"' for w, t in tags)
    etag = f'{"W/" if weak else ""}"{tag}"'
    strongly = not weak and (False, tag) in tags
    weakly = any(t == tag for _, t in tags)
    assert evaluate(method, {"if-match": value}, etag) == (None if strongly else 412)
    expected = (304 if method == "GET" else 412) if weakly else None
    assert evaluate(method, {"if-none-match": value}, etag) == expected


@given(st.binary(max_size=200), st.sampled_from(["gzip", "zstd"]))
def test_a_tag_survives_its_coding(body: bytes, coding: str) -> None:
    """Suffix on, suffix off, and the form that a client holds is found again."""
    etag = strong_etag(body)
    compressed = with_suffix(etag, coding)
    assert without_suffixes(compressed) == etag
    assert held_form(etag, f'"x", W/{compressed}') == compressed
    assert opaque_tag(compressed).startswith(opaque_tag(etag))


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_a_date_reads_back(epoch: int) -> None:
    """Every second of the years 1 to 9999, as `datetime` would write it."""
    text = http_date(epoch)
    assert parse_http_date(text) == epoch
    assert text == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)).strftime("%a, %d %b ") + text[12:]
    assert text[:3] == ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")[epoch // 86_400 % 7]


@given(st.integers(315_532_800, 3_155_760_000))
def test_the_older_forms_read_back(epoch: int) -> None:
    """rfc850-date and asctime-date, of the years 1980 to 2069, as `strftime` writes them."""
    moment = datetime.fromtimestamp(epoch, UTC)
    now = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    assert parse_http_date(moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"), now=now) == epoch
    assert parse_http_date(moment.strftime("%a %b ") + f"{moment.day:2d}" + moment.strftime(" %H:%M:%S %Y")) == epoch
