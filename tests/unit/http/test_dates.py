"""HTTP dates, held against the standard library's own arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lanner.http.dates import days_from_civil, http_date, parse_http_date

RFC_EXAMPLE = 784_111_777  # 1994-11-06T08:49:37Z, the example of RFC 9110 section 5.6.7
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_the_three_forms_are_one_moment(text: str) -> None:
    """RFC 9110 section 5.6.7."""
    assert parse_http_date(text, now=NOW) == RFC_EXAMPLE


def test_only_the_fixed_form_is_written() -> None:
    """Fractions of a second are cut off, not rounded."""
    assert http_date(RFC_EXAMPLE + 0.999) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Sunday, 06-Nov-76 08:49:37 GMT", 2076),
        ("Monday, 23-Nov-76 12:00:00 GMT", 2076),
        ("Monday, 23-Nov-76 12:00:01 GMT", 1976),
        ("Sunday, 06-Nov-77 08:49:37 GMT", 1977),
        ("Sunday, 06-Nov-26 08:49:37 GMT", 2026),
    ],
)
def test_two_digits_of_a_year_reach_fifty_years_ahead(text: str, year: int) -> None:
    """RFC 9110 section 5.6.7: more than 50 years in the future means the past."""
    epoch = parse_http_date(text, now=NOW)
    assert epoch is not None
    assert datetime.fromtimestamp(epoch, UTC).year == year


def test_a_leap_second_is_the_next_minute() -> None:
    """RFC 9110 allows a second of 60."""
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-23T12:00:00Z",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Apr 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov ١٩٩٤ 08:49:37 GMT",
        "Sunday, 06-Nov-٩٤ 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """The rules that use dates ignore what is no date."""
    assert parse_http_date(text, now=NOW) is None


def test_years_outside_the_form_are_refused() -> None:
    """An HTTP date has four digits of year."""
    for epoch in (253_402_300_800, -62_135_596_801, 1e30):
        with pytest.raises(ValueError, match="1 to 9999"):
            http_date(epoch)


def test_days_are_those_of_the_calendar() -> None:
    """The arithmetic agrees with `datetime` over leap years and centuries."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    for year in (1, 1600, 1899, 1900, 1970, 1999, 2000, 2024, 2100, 9999):
        for month in range(1, 13):
            moment = datetime(year, month, 1, tzinfo=UTC)
            assert days_from_civil(year, month, 1) == moment.toordinal() - epoch
