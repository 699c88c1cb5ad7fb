"""RFC 3339 in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import times

MILLISECONDS = st.integers(min_value=0, max_value=times.LAST_WRITABLE_MS)


@given(MILLISECONDS)
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """Every millisecond of the years 1970 to 9999."""
    text = times.rfc3339(milliseconds)
    assert len(text) == 24
    assert times.parse_rfc3339(text) == milliseconds


@given(MILLISECONDS, st.integers(min_value=-23 * 60 - 59, max_value=23 * 60 + 59))
def test_offsets_are_the_same_moment(milliseconds: int, minutes: int) -> None:
    """As the standard library writes it in any zone."""
    moment = datetime(1970, 1, 2, tzinfo=UTC) + timedelta(milliseconds=milliseconds % (8000 * 31_556_952_000))
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert times.parse_rfc3339(there.isoformat(timespec="milliseconds")) == expected


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.5z", 500),
        ("1970-01-01T00:00:00.123999999+00:00", 123),
        ("1970-01-01T01:00:00-01:30", 9_000_000),
        ("1969-12-31T23:59:59Z", -1000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ],
)
def test_spellings(text: str, milliseconds: int) -> None:
    """Lower case, any number of digits, offsets, a leap second."""
    assert times.parse_rfc3339(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T03:52",
        "2026-11-23T03:52:11",
        "2026-11-23 03:52:11Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Z\n",
        "20260101T000000Z",
        "\u0662026-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With a sentence, not with whatever Python says."""
    with pytest.raises(ValueError, match=r"RFC 3339|no such"):
        times.parse_rfc3339(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Nothing else is raised."""
    try:
        assert isinstance(times.parse_rfc3339(text), int)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("milliseconds", [-1, times.LAST_WRITABLE_MS + 1])
def test_what_cannot_be_written_is_refused(milliseconds: int) -> None:
    """Four digits of a year, none before 1970."""
    with pytest.raises(ValueError, match="years 1970 to 9999"):
        times.rfc3339(milliseconds)
