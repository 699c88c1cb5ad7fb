"""Conditional requests: RFC 9110 section 13, condition by condition and in their order."""

from __future__ import annotations

import pytest

from lanner.http.conditional import (
    ETagCondition,
    evaluate,
    if_match,
    is_conditional,
    is_weak,
    none_match_holds,
    not_modified_headers,
    only_if_absent,
    opaque_tag,
    strong_etag,
)

MODIFIED = 784_111_777
AT = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = "Sun, 06 Nov 1994 08:49:38 GMT"


@pytest.mark.parametrize(
    ("method", "headers", "etag", "outcome"),
    [
        ("GET", {}, '"a"', None),
        ("GET", {"if-none-match": '"a"'}, '"a"', 304),
        ("HEAD", {"if-none-match": '"a"'}, '"a"', 304),
        ("GET", {"if-none-match": '"b", "a"'}, '"a"', 304),
        ("GET", {"if-none-match": 'W/"a"'}, '"a"', 304),
        ("GET", {"if-none-match": '"a"'}, 'W/"a"', 304),
        ("GET", {"if-none-match": "*"}, '"a"', 304),
        ("GET", {"if-none-match": '"b"'}, '"a"', None),
        ("GET", {"if-none-match": "a"}, '"a"', None),
        ("GET", {"if-none-match": '"a"'}, None, None),
        ("PUT", {"if-none-match": "*"}, '"a"', 412),
        ("PUT", {"if-none-match": '"a"'}, '"a"', 412),
        ("PUT", {"if-match": '"a"'}, '"a"', None),
        ("PUT", {"if-match": '"b"'}, '"a"', 412),
        ("PUT", {"if-match": 'W/"a"'}, '"a"', 412),
        ("PUT", {"if-match": '"a"'}, 'W/"a"', 412),
        ("PUT", {"if-match": "*"}, '"a"', None),
        ("PUT", {"if-match": "a"}, '"a"', 412),
        ("PUT", {"if-match": '"a"'}, None, 412),
        ("GET", {"if-match": '"b"', "if-none-match": '"a"'}, '"a"', 412),
        ("GET", {"if-match": '"a"', "if-none-match": '"a"'}, '"a"', 304),
        ("OPTIONS", {"if-match": '"b"', "if-none-match": '"a"'}, '"a"', None),
    ],
)
def test_entity_tag_conditions(method: str, headers: dict[str, str], etag: str | None, outcome: int | None) -> None:
    """If-Match compares strongly, If-None-Match weakly, and If-Match comes first."""
    assert evaluate(method, headers, etag) == outcome


@pytest.mark.parametrize(
    ("method", "headers", "outcome"),
    [
        ("GET", {"if-modified-since": AT}, 304),
        ("GET", {"if-modified-since": AFTER}, 304),
        ("GET", {"if-modified-since": BEFORE}, None),
        ("GET", {"if-modified-since": "rubbish"}, None),
        ("PUT", {"if-modified-since": AT}, None),
        ("GET", {"if-modified-since": AT, "if-none-match": '"b"'}, None),
        ("PUT", {"if-unmodified-since": AT}, None),
        ("PUT", {"if-unmodified-since": BEFORE}, 412),
        ("GET", {"if-unmodified-since": BEFORE}, 412),
        ("PUT", {"if-unmodified-since": "rubbish"}, None),
        ("PUT", {"if-unmodified-since": BEFORE, "if-match": '"a"'}, None),
    ],
)
def test_date_conditions(method: str, headers: dict[str, str], outcome: int | None) -> None:
    """A date counts only where no entity-tag was sent, and only when it is one."""
    assert evaluate(method, headers, '"a"', MODIFIED) == outcome


def test_dates_mean_nothing_without_a_modification_date() -> None:
    """RFC 9110 sections 13.1.3 and 13.1.4."""
    assert evaluate("GET", {"if-modified-since": AT}, '"a"') is None
    assert evaluate("PUT", {"if-unmodified-since": BEFORE}, '"a"') is None


def test_fractions_of_a_second_do_not_make_a_resource_newer() -> None:
    """Dates in headers have whole seconds; the comparison has too."""
    assert evaluate("GET", {"if-modified-since": AT}, None, MODIFIED + 0.9) == 304
    assert evaluate("PUT", {"if-unmodified-since": AT}, None, MODIFIED + 0.9) is None


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"if-match": "*"}, 412),
        ({"if-match": '"a"'}, 412),
        ({"if-none-match": "*"}, None),
        ({"if-none-match": '"a"'}, None),
    ],
)
def test_what_does_not_exist_matches_nothing(headers: dict[str, str], outcome: int | None) -> None:
    """`If-None-Match: *` is how a client creates and never overwrites."""
    assert evaluate("PUT", headers, None, exists=False) == outcome
    assert evaluate("PUT", headers, '"a"', exists=False) == outcome


def test_a_condition_can_be_kept_for_later() -> None:
    """Domain code decides inside its own transaction."""
    condition = if_match({"if-match": '"a", W/"b"'})
    assert isinstance(condition, ETagCondition)
    assert condition.matches('"a"')
    assert not condition.matches('"b"')
    assert not condition.matches('W/"b"')
    assert not condition.matches(None)
    assert not condition.matches('"a"', exists=False)
    assert if_match({}) is None


def test_creating_only_is_recognised() -> None:
    """`*` alone, not a tag."""
    assert only_if_absent({"if-none-match": " * "})
    assert not only_if_absent({"if-none-match": '"*"'})
    assert not only_if_absent({})


def test_if_none_match_alone() -> None:
    """The part that a lookup of one ETag needs."""
    assert not none_match_holds('"a"', '"a"')
    assert none_match_holds('"a"', '"b"')
    assert none_match_holds('"a"', '"a"', exists=False)


def test_conditions_are_noticed() -> None:
    """Each of the four fields makes a request conditional; Range does not."""
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"):
        assert is_conditional({name: "x"})
    assert not is_conditional({"range": "bytes=0-1", "if-range": '"a"'})


def test_an_etag_follows_bytes_and_salt() -> None:
    """Equal bytes give equal tags, and versions do not share them."""
    tag = strong_etag(b"{}", "v1")
    assert tag == strong_etag(b"{}", "v1")
    assert len({tag, strong_etag(b"{}", "v2"), strong_etag(b"{ }", "v1"), strong_etag(b"{}")}) == 4
    assert not is_weak(tag)
    assert tag == f'"{opaque_tag(tag)}"'
    assert opaque_tag(f"W/{tag}") == opaque_tag(tag)


def test_a_304_repeats_what_the_rfc_lists() -> None:
    """RFC 9110 section 15.4.5: nothing about a body that is not there."""
    headers = {
        "content-type": "application/json",
        "content-length": "2",
        "content-encoding": "gzip",
        "content-language": "en",
        "last-modified": AT,
        "etag": '"a"',
        "vary": "Accept",
        "cache-control": "no-cache",
        "expires": AT,
        "date": AT,
        "content-location": "/x",
        "link": "</y>; rel=z",
        "deprecation": "@1",
    }
    kept = not_modified_headers(headers)
    assert sorted(kept) == [
        "cache-control",
        "content-location",
        "date",
        "deprecation",
        "etag",
        "expires",
        "link",
        "vary",
    ]
    del headers["etag"]
    assert not_modified_headers(headers)["last-modified"] == AT
