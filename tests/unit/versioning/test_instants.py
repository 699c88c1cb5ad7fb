"""Moments: RFC 3339 in, epoch seconds, RFC 3339 out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lanner.versioning.instants import epoch, readable, rfc3339


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1985-04-12T23:20:50.52Z", 482196050.52),  # the examples of RFC 3339 section 5.8
        ("1996-12-19T16:39:57-08:00", 851042397.0),
        ("1937-01-01T12:00:27.87+00:20", -1041337172.13),
        ("1990-12-31T23:59:60Z", 662688000.0),
        ("2024-02-29t00:00:00z", 1709164800.0),
        ("2026-09-01", 1788220800.0),
    ],
)
def test_rfc_3339_text_is_read(text: str, seconds: float) -> None:
    """Each form that a declaration may use means the moment it says."""
    assert epoch(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-29",
        "2026-00-10",
        "2026-09-31",
        "2026/09/01",
        "2026-09-01T00:00:00",
        "2026-09-01T24:00:00Z",
        "2026-09-01T00:60:00Z",
        "2026-09-01T00:00:61Z",
        "2026-09-01 00:00:00Z",
        "2026-09-01T00:00:00.Z",
        "2026-09-01T00:00:00.",
        "2026-09-01T00:00:00.5",
        "2026-09-01T00:00:00+2",
        "2026-09-01T00:00:00+02.00",
        "2026-09-01T00-00-00Z",
        "٢٠٢٦-09-01",
        "+026-09-01",
        "2026-09-01T00:00:00ZZ",
    ],
)
def test_text_that_is_no_moment_is_refused_by_name(text: str) -> None:
    """What is not RFC 3339 raises `ValueError` with the text in it."""
    with pytest.raises(ValueError) as caught:
        epoch(text)
    assert repr(text) in str(caught.value)


def test_an_aware_datetime_is_its_timestamp() -> None:
    """Aware datetimes mean the same moment as their text."""
    moment = datetime(2026, 9, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert epoch(moment) == epoch("2026-09-01T02:00:00+02:00") == datetime(2026, 9, 1, tzinfo=UTC).timestamp()


def test_a_naive_datetime_is_refused() -> None:
    """A datetime without a zone means another moment on every machine."""
    with pytest.raises(ValueError, match="no time zone"):
        epoch(datetime(2026, 9, 1))  # noqa: DTZ001 (the point of the test)


def test_moments_are_shown_as_people_write_them() -> None:
    """Midnight UTC is a date, anything else a date and time; fractions are cut."""
    assert readable(epoch("2026-09-01")) == "2026-09-01"
    assert readable(epoch("2026-09-01T14:00:00Z")) == "2026-09-01T14:00:00Z"
    assert rfc3339(epoch("2026-09-01T14:00:00.9Z")) == "2026-09-01T14:00:00Z"
    assert rfc3339(-0.5) == "1969-12-31T23:59:59Z"
