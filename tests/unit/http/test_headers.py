"""What request headers say (RFC 9110), and what a server chooses by them."""

from __future__ import annotations

import pytest

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

JSON, PROBLEM, HTML = "application/json", "application/problem+json", "text/html"


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("a, b,c", ["a", "b", "c"]),
        (" , a ,, \t b ,", ["a", "b"]),
        ('a="1,2", b', ['a="1,2"', "b"]),
        (r'"x\",y", z', [r'"x\",y"', "z"]),
        ('a, "open, b', ["a", '"open, b']),
        ("", []),
    ],
)
def test_a_list_splits_at_commas_outside_quotes(value: str, members: list[str]) -> None:
    """RFC 9110 section 5.6.1: empty members vanish, quoted commas do not split."""
    assert split_list(value) == members


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ('"two words"', "two words"),
        (r'"a \"quoted\" \\ thing"', r'a "quoted" \ thing'),
        ('""', ""),
        ("two words", None),
        ('"open', None),
        ('"a"b"', None),
        (r'"ends in \"', None),
        ("", None),
    ],
)
def test_a_parameter_value_is_a_token_or_a_quoted_string(text: str, value: str | None) -> None:
    """RFC 9110 section 5.6.4: a backslash takes the next character as it is."""
    assert unquote(text) == value


def test_a_token_has_no_separators() -> None:
    """RFC 9110 section 5.6.2."""
    assert is_token("X-API-Version")
    assert not any(is_token(text) for text in ("", "a b", "a=b", "a,b", "ü", "a/b"))


@pytest.mark.parametrize(
    ("text", "weight"),
    [("1", 1.0), ("0", 0.0), ("0.5", 0.5), ("1.000", 1.0), ("0.", 0.0), (".2", 0.2), ("0.123", 0.123)],
)
def test_a_weight_is_read(text: str, weight: float) -> None:
    """RFC 9110 section 12.4.2, and the missing zero of Java's URLConnection."""
    assert quality(text) == weight


@pytest.mark.parametrize("text", ["", ".", "1.001", "2", "-1", "0.1234", "1e3", "nan", "0.٣", "00.1"])
def test_what_is_no_weight_is_none(text: str) -> None:
    """Neither floats that Python would read nor foreign digits are weights."""
    assert quality(text) is None


def test_accept_sorts_by_specificity_then_quality_then_order() -> None:
    """The example of RFC 9110 section 12.5.1."""
    ranges = accept("text/*;q=0.3, text/html;q=0.7, text/html;level=1, text/html;level=2;q=0.4, */*;q=0.5")
    assert ranges == [
        MediaRange("text", "html", {"level": "1"}, 1.0),
        MediaRange("text", "html", {"level": "2"}, 0.4),
        MediaRange("text", "html", {}, 0.7),
        MediaRange("text", "*", {}, 0.3),
        MediaRange("*", "*", {}, 0.5),
    ]


@pytest.mark.parametrize(
    ("offer", "weight"),
    [
        ("text/html;level=1", 1.0),
        ("text/html", 0.7),
        ("text/plain", 0.3),
        ("image/jpeg", 0.5),
        ("text/html;level=2", 0.4),
        ("text/html;level=3", 0.7),
    ],
)
def test_the_most_specific_range_gives_the_quality(offer: str, weight: float) -> None:
    """The table at the end of RFC 9110 section 12.5.1."""
    ranges = accept("text/*;q=0.3, text/html;q=0.7, text/html;level=1, text/html;level=2;q=0.4, */*;q=0.5")
    major, minor, params = content_type(offer) or ("", "", {})
    assert next(entry.quality for entry in ranges if entry.matches(major, minor, params)) == weight


def test_malformed_members_of_accept_are_skipped() -> None:
    """One odd member does not cost a client its answer."""
    ranges = accept('nonsense, /json, text/, */json, text/html;q=high, text/plain;x="open')
    assert ranges == []
    assert accept("nonsense, application/json") == [MediaRange("application", "json", {})]


def test_a_lone_asterisk_counts_as_any_type() -> None:
    """What Java's URLConnection sends by default."""
    assert negotiate("text/html, image/gif, *; q=.2", [JSON]) == JSON


@pytest.mark.parametrize(
    ("value", "offers", "chosen"),
    [
        (None, [JSON, HTML], JSON),
        ("", [JSON, HTML], JSON),
        ("garbage", [JSON, HTML], JSON),
        ("*/*", [JSON, HTML], JSON),
        ("text/html, */*;q=0.1", [JSON, HTML], HTML),
        ("application/*;q=0.8, application/json;q=0", [JSON, PROBLEM], PROBLEM),
        ("application/json;q=0", [JSON], None),
        ("*/*;q=0", [JSON], None),
        ("image/png", [JSON], None),
        ("APPLICATION/JSON", [JSON], JSON),
        ("application/json;profile=a", [JSON], None),
        ("text/html;charset=UTF-8", ["text/html;charset=utf-8"], "text/html;charset=utf-8"),
        ("application/json, application/problem+json", [PROBLEM, JSON], PROBLEM),
    ],
)
def test_negotiation_takes_the_offer_that_is_liked_best(value: str | None, offers: list[str], chosen: str) -> None:
    """Ties go to the server's order; q=0 excludes; nothing said means the first."""
    assert negotiate(value, offers) == chosen


def test_an_offer_that_is_no_media_type_is_our_mistake() -> None:
    """A programming error is named and not passed over."""
    with pytest.raises(ValueError, match="'json'"):
        negotiate("*/*", ["json"])


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("application/json", ("application", "json", {})),
        ("Text/HTML; Charset=UTF-8", ("text", "html", {"charset": "UTF-8"})),
        ('multipart/form-data;boundary="a;b"', ("multipart", "form-data", {"boundary": "a;b"})),
        ("text/plain;;a=1;", ("text", "plain", {"a": "1"})),
        ("application/json; v", None),
        ("application/json; v = 1", None),
        ("json", None),
        ("a/b/c", None),
        (";a=1", None),
        ("", None),
    ],
)
def test_a_media_type_is_parsed_or_none(value: str, parsed: object) -> None:
    """RFC 9110 sections 8.3.1 and 5.6.6."""
    assert content_type(value) == parsed


def test_encodings_fold_case_and_aliases() -> None:
    """RFC 9110 section 8.4.1.3: x-gzip is gzip."""
    assert accept_encoding("X-GZIP;q=0.5, br, br;q=0, bad coding") == {"x-gzip": 0.5, "gzip": 0.5, "br": 1.0}


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        (";, ;;", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.9", "gzip"),
        ("gzip;q=0", "identity"),
        ("br", "identity"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "gzip"),
        ("identity, gzip;q=0.5", "identity"),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("*;q=0, gzip", "gzip"),
        ("*;q=0, identity;q=0.1", "identity"),
        ("x-gzip", "gzip"),
    ],
)
def test_an_encoding_is_chosen(value: str | None, chosen: str | None) -> None:
    """RFC 9110 section 12.5.3; zstd is preferred where the client does not care."""
    assert choose_encoding(value, ("zstd", "gzip")) == chosen


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de-CH"),
        ("de-CH-1996", "de-CH"),
        ("zh-Hant-TW", "zh-Hant"),
        ("fr, en;q=0.1", "en"),
        ("fr", None),
        ("*", "en"),
        ("en;q=0, *", "de-CH"),
        ("EN-us", "en"),
        ("de;q=0.2, zh-Hant;q=0.9", "zh-Hant"),
        ("en;q=0", None),
        ("not_a_language, de", "de-CH"),
    ],
)
def test_a_language_is_looked_up(value: str | None, chosen: str | None) -> None:
    """RFC 4647 section 3.4, and the only regional form where the plain language is asked for."""
    assert negotiate_language(value, ["en", "de-CH", "zh-Hant"]) == chosen


def test_language_ranges_come_best_first() -> None:
    """RFC 9110 section 12.5.4: Danish, British English, any English."""
    assert accept_language("en;q=0.7, da, en-gb;q=0.8") == [("da", 1.0), ("en-gb", 0.8), ("en", 0.7)]


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"xyzzy"', [(False, "xyzzy")]),
        ('W/"xyzzy", "r2d2xxxx", ""', [(True, "xyzzy"), (False, "r2d2xxxx"), (False, "")]),
        ('"a,b" , W/"c\\"', [(False, "a,b"), (True, "c\\")]),
        ("*", ANY),
        (" * ", ANY),
        ("unquoted", []),
        ('w/"lower case w"', []),
        ('"a" junk, "b"', [(False, "b")]),
        ('x"a", "b"', [(False, "b")]),
        ('"with space inside", "b"', [(False, "b")]),
        ('"open', []),
        ("", []),
    ],
)
def test_entity_tags_are_read(value: str, tags: object) -> None:
    """RFC 9110 section 8.8.3: commas and backslashes are ordinary characters in a tag."""
    assert etags(value) == tags


@pytest.mark.parametrize(
    ("value", "preferences"),
    [
        ("respond-async, wait=10", {"respond-async": "", "wait": "10"}),
        ('return=minimal; foo="a,b"', {"return": "minimal"}),
        ('Return=Minimal, return="representation"', {"return": "Minimal"}),
        ('handling = "lenient"', {"handling": "lenient"}),
        ("foo=", {"foo": ""}),
        (";, =x, two words", {}),
    ],
)
def test_preferences_are_read(value: str, preferences: dict[str, str]) -> None:
    """RFC 7240 section 2: the first of a name counts, an empty value is none."""
    assert prefer(value) == preferences
