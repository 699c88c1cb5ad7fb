"""Moments round-trip through RFC 3339 text, and agree with the standard library about the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.versioning.instants import epoch, readable, rfc3339

zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001 (bounds are naive)


@given(moment=moments)
def test_text_means_what_the_standard_library_says(moment: datetime) -> None:
    """A date-time with any offset and fraction is the timestamp of the same `datetime`."""
    assert epoch(moment.isoformat()) == pytest.approx(moment.timestamp(), abs=1e-4)
    assert epoch(moment) == moment.timestamp()


@given(seconds=st.integers(-62_135_596_800, 253_402_300_799))
def test_seconds_survive_being_written(seconds: int) -> None:
    """What is written is read back, in both forms, and is what `datetime` writes."""
    assert epoch(rfc3339(seconds)) == seconds
    assert epoch(readable(seconds)) == seconds
    assert rfc3339(seconds) == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()[:19] + "Z"


@given(text=st.text(max_size=30) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8,12}[Z+-]?[0-9:]*)?"))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    """Nothing but a number or `ValueError` comes out, and what is accepted can be written."""
    try:
        seconds = epoch(text)
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        assert isinstance(seconds, float)
