"""RFC 9111 section 4.2: lifetimes, ages, heuristics, and the Age of an answer."""

from __future__ import annotations

import time

import pytest

from lanner.cache.response.directives import MAX_SECONDS, delta_seconds
from tests.unit.cache_response.site import Site

YEAR = 31_536_000


def cached_after(seconds: float, **headers: str) -> bool:
    """Whether an answer with these headers is used, unasked, so many seconds later."""
    site = Site().reply(**headers)
    site.get()
    return site.wait(seconds).is_cached()


def dated(**offsets: float) -> dict[str, str]:
    """Fields with dates, seconds from the beginning of the test."""
    site = Site()
    return {name: site.date(offset) for name, offset in offsets.items()}


def test_fresh_until_the_lifetime_is_over_to_the_second() -> None:
    """Section 4.2: fresh while the lifetime is greater than the age; equal is stale."""
    assert cached_after(59.9, cache_control="max-age=60")
    assert not cached_after(60, cache_control="max-age=60")


@pytest.mark.parametrize(
    "value",
    [
        "max-age=60",
        "MaX-aGe=60",
        "foobar, max-age=60",
        'max-age="60"',
        "max-age=0060",
        "max-age=60 , x=y",
        ",, max-age=60,",
        'x="max-age=1", max-age=60',
        "s-maxage=60",
        "max-age=1, s-maxage=60",
        "s-maxage=60, max-age=1",
        'foo="a, max-age=0", max-age=60',
    ],
)
def test_explicit_lifetimes_that_count(value: str) -> None:
    """Section 4.2.1 and 5.2: names in any case, quoted numbers, leading zeros, other directives around."""
    assert cached_after(50, cache_control=value)


@pytest.mark.parametrize(
    "value",
    [
        "max-age=0",
        "max-age=-60",
        "max-age=60.0",
        "max-age=60.5",
        "max-age=a60",
        "max-age=60a",
        "max-age='60'",
        "max-age =60",
        "max-age= 60",
        "max-age",
        "max-age=",
        'max-age="',
        'max-age="60',
        "max-age=\uff16\uff10",
        'x="max-age=60"',
        'max-age=1, x="max-age=60"',
        "max-age=60, s-maxage=0",
        "s-maxage=x, max-age=60",
        "max-age=60, no-cache",
        "max-age=60 s-maxage=60",
    ],
)
def test_explicit_lifetimes_that_are_over_or_invalid(value: str) -> None:
    """Section 4.2.1: invalid freshness is stale; s-maxage wins in a shared cache; no-cache is never fresh."""
    assert not cached_after(2, cache_control=value)


@pytest.mark.parametrize("value", ["max-age=60, max-age=1", "max-age=1, max-age=60", "max-age=60, max-age=x"])
def test_of_duplicate_directives_the_strictest_counts(value: str) -> None:
    """Section 4.2.1: with several values the first may be used, or the response taken as stale."""
    assert not cached_after(5, cache_control=value)


@pytest.mark.parametrize("seconds", [2**31 - 1, 2**31, 2**31 + 1, 99_999_999_999, 10**30])
def test_huge_lifetimes_are_a_very_long_time(seconds: int) -> None:
    """Section 1.2.2: what overflows is 2**31 or the greatest that can be held, never negative or small."""
    assert cached_after(YEAR / 2, cache_control=f"max-age={seconds}")


def test_delta_seconds_are_cut_at_two_to_the_31() -> None:
    """Section 1.2.2, and no slow conversion of a million digits."""
    assert delta_seconds("9" * 100_000) == MAX_SECONDS
    assert delta_seconds("0" * 100_000 + "7") == 7
    assert [delta_seconds(text) for text in ("", "-1", "+1", "1.0", " 1", "\u0661", None)] == [None] * 7


def test_expires_counts_from_date() -> None:
    """Section 4.2.1: the lifetime is Expires minus Date."""
    assert cached_after(50, **dated(date=0, expires=60))
    assert not cached_after(60, **dated(date=0, expires=60))


def test_expires_counts_from_the_time_of_receipt_without_date() -> None:
    """RFC 9110 section 6.6.1: what comes without Date was made when it was received."""
    assert cached_after(50, **dated(expires=60))
    assert not cached_after(60, **dated(expires=60))


def test_expires_against_a_date_of_another_clock() -> None:
    """Section 4.2.1: both are the origin's clock, which may be wrong; the age then shows it."""
    assert cached_after(30, **dated(date=3600, expires=3660))
    assert not cached_after(1, **dated(date=-3600, expires=60 - 3600))


def test_max_age_overrides_expires() -> None:
    """Section 5.3."""
    assert cached_after(50, cache_control="max-age=60", **dated(date=0, expires=-100))
    assert cached_after(50, cache_control="max-age=60", expires="0", **dated(date=0))
    assert not cached_after(1, cache_control="max-age=0", **dated(date=0, expires=100))


def test_s_maxage_overrides_expires() -> None:
    """Section 5.2.2.10."""
    assert cached_after(50, cache_control="s-maxage=60", **dated(date=0, expires=-100))


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "",
        "never",
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "2050-08-18T02:01:18Z",
        "Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT",
    ],
)
def test_an_expires_that_is_no_date_is_in_the_past(value: str) -> None:
    """Section 5.3: an invalid date, especially 0, means already expired; several values are none."""
    assert not cached_after(0, expires=value, last_modified="Mon, 01 Jan 2001 00:00:00 GMT")


@pytest.mark.parametrize(
    "value", ["Thu, 18 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 GMT", "Thu Aug 18 02:01:18 2050"]
)
def test_expires_in_all_three_forms(value: str) -> None:
    """RFC 9110 section 5.6.7: a recipient accepts all three."""
    assert cached_after(3600, expires=value)


@pytest.mark.parametrize(
    "value",
    [
        "THU, 18 AUG 2050 02:01:18 GMT",
        "thu, 18 aug 2050 02:01:18 gmt",
        "Thu, 18 Aug 2050 02:01:18 gMT",
        "thursday, 18-aug-50 02:01:18 gmt",
        "thu aug 18 02:01:18 2050",
    ],
)
def test_the_letter_case_of_dates_does_not_count(value: str) -> None:
    """Section 4.2: SHOULD match case-insensitively."""
    assert cached_after(3600, expires=value)


@pytest.mark.parametrize("zone", ["UTC-9", "UTC+12"])
def test_the_local_time_zone_has_no_influence(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 4.2: MUST NOT."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        outcome = cached_after(50, **dated(date=0, expires=60)), cached_after(60, **dated(date=0, expires=60))
    time.tzset()
    assert outcome == (True, False)


def test_a_private_cache_ignores_s_maxage() -> None:
    """Section 5.2.2.10: it is for shared caches."""
    site = Site(shared=False).reply(cache_control="s-maxage=3600, max-age=1")
    site.get()
    assert not site.wait(2).is_cached()


def test_heuristic_is_a_tenth_of_the_time_since_last_modified() -> None:
    """Section 4.2.2."""
    assert cached_after(99, **dated(date=0, last_modified=-1000))
    assert not cached_after(100, **dated(date=0, last_modified=-1000))


def test_heuristic_has_a_limit_and_can_be_turned_off() -> None:
    """A guess does not last for months, and need not be made."""
    site = Site(heuristic_max=60).reply(**dated(date=0, last_modified=-YEAR))
    site.get()
    assert site.wait(59).is_cached()
    assert not site.wait(2).is_cached()
    site = Site(heuristic_fraction=0).reply(**dated(date=0, last_modified=-YEAR))
    site.get()
    assert not site.is_cached()


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
def test_statuses_that_are_heuristically_cacheable(status: int) -> None:
    """RFC 9110 section 15.1."""
    site = Site()
    site.reply(status, b"" if status == 204 else b"body", **dated(date=0, last_modified=-86_400))
    site.get()
    assert site.is_cached()


@pytest.mark.parametrize("status", [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599])
def test_statuses_that_are_not_heuristically_cacheable(status: int) -> None:
    """Section 4.2.2: no guess for them, unless they are `public`."""
    fields = dated(date=0, last_modified=-86_400)
    site = Site().reply(status, **fields)
    site.get()
    assert not site.is_cached()
    site = Site().reply(status, cache_control="public", **fields)
    site.get()
    assert site.is_cached()


@pytest.mark.parametrize("fields", [{"cache_control": "max-age=0"}, {"cache_control": "max-age=x"}, {"expires": "0"}])
def test_no_heuristic_beside_an_explicit_lifetime(fields: dict[str, str]) -> None:
    """Section 4.2.2: MUST NOT guess when the origin says, even if what it says is invalid."""
    assert not cached_after(1, **fields, **dated(date=0, last_modified=-YEAR))


@pytest.mark.parametrize("value", ["", "yesterday", "Mon, 32 Jan 2001 00:00:00 GMT"])
def test_no_heuristic_from_what_is_no_date(value: str) -> None:
    """There is nothing to guess from."""
    assert not cached_after(0, last_modified=value)


def test_no_heuristic_from_the_future() -> None:
    """A Last-Modified after Date gives no lifetime."""
    assert not cached_after(0, **dated(date=0, last_modified=500))


def test_age_is_right_to_the_second() -> None:
    """Section 5.1: Age on every answer from the store."""
    site = Site().reply(cache_control="max-age=100")
    site.get()
    shown = [site.wait(seconds).get().headers["age"] for seconds in (0, 0.9, 0.1, 1, 40.5, 0.5)]
    assert shown == ["0", "0", "1", "2", "42", "43"]


def test_age_adds_what_was_received_and_what_the_answer_took() -> None:
    """Section 4.2.3: age_value + response_delay + resident_time."""
    site = Site().reply(cache_control="max-age=100", age="30", date=Site().date())
    site.takes = 3
    site.get()
    assert site.wait(7).get().headers["age"] == "40"


def test_age_is_at_least_what_date_shows() -> None:
    """Section 4.2.3: apparent_age."""
    site = Site().reply(cache_control="max-age=100", age="5", **dated(date=-20))
    site.get()
    assert site.wait(1).get().headers["age"] == "21"


def test_a_date_in_the_future_makes_nothing_negative() -> None:
    """Section 4.2.3: max(0, ...)."""
    site = Site().reply(cache_control="max-age=100", **dated(date=500))
    site.get()
    assert site.wait(2).get().headers["age"] == "2"


def test_age_counts_against_the_lifetime() -> None:
    """What arrives old is fresh for less, or not at all."""
    assert cached_after(29, cache_control="max-age=60", age="30")
    assert not cached_after(30, cache_control="max-age=60", age="30")
    assert not cached_after(0, cache_control="max-age=3600", age="7200")


@pytest.mark.parametrize("value", ["7200, 0", "7200,0", "007200", " 7200 ", "99999999999999999999"])
def test_ages_that_are_old(value: str) -> None:
    """Section 5.1: of a list the first member counts; what overflows is very old."""
    assert not cached_after(0, cache_control="max-age=3600", age=value)


@pytest.mark.parametrize("value", ["abc", "-7200", "7200.0", "0, 7200", "", "x, 7200", "+7200"])
def test_ages_that_say_nothing(value: str) -> None:
    """Section 5.1: an invalid value is ignored, after all members but the first are."""
    assert cached_after(0, cache_control="max-age=3600", age=value)


@pytest.mark.parametrize("value", ["", "yesterday", "Thu, 99 Aug 2050 02:01:18 GMT"])
def test_a_date_that_is_missing_or_invalid_is_the_time_of_receipt(value: str) -> None:
    """RFC 9110 section 6.6.1: recorded, and sent on."""
    site = Site().reply(cache_control="max-age=60", date=value)
    expected = site.date()
    site.get()
    answer = site.wait(10).get()
    assert (answer.headers["age"], answer.headers["date"]) == ("10", expected)


def test_date_and_expires_are_not_changed() -> None:
    """RFC 9110 section 6.6.1: Date stays what the origin wrote, and nobody touches Expires."""
    fields = dated(date=0, expires=100)
    site = Site().reply(**fields)
    site.get()
    answer = site.wait(5).get()
    assert (answer.headers["date"], answer.headers["expires"]) == (fields["date"], fields["expires"])


def test_a_clock_that_was_set_back_makes_nothing_negative() -> None:
    """Ages are never below 0."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    site.clock.set(site.clock.now() - 500)
    assert site.get().headers["age"] == "0"
