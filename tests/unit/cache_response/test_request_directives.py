"""RFC 9111 section 5.2.1: what a client may demand and permit; section 5.4: Pragma."""

from __future__ import annotations

import pytest

from tests.unit.cache_response.site import Site


def stored(seconds: int, /, **headers: str) -> Site:
    """A site with a response of this age, fresh for 1000 seconds."""
    site = Site().reply(**({"cache_control": "max-age=1000"} | headers))
    site.get()
    site.wait(seconds)
    return site


@pytest.mark.parametrize(
    ("value", "age", "cached"),
    [
        ("max-age=100", 50, True),
        ("max-age=100", 101, False),
        ("max-age=0", 0, False),
        ("max-age=x", 0, False),
        ('max-age="100"', 50, True),
        ("max-age=100, max-age=10", 50, False),
        ("max-age=-1", 0, False),
        ("min-fresh=100", 899, True),
        ("min-fresh=100", 901, False),
        ("min-fresh=2000", 0, False),
        ("no-cache", 0, False),
        ("NO-CACHE", 0, False),
        ("no-store", 10, True),
        ("no-transform", 10, True),
        ("only-if-cached", 10, True),
        ("foo=bar", 10, True),
        ("", 10, True),
        ("max-stale", 1100, True),
        ("max-stale=200", 1100, True),
        ("max-stale=50", 1100, False),
        ("max-stale=x", 1100, False),
        ("max-stale, max-stale=50", 1100, False),
        ("max-stale=200, max-age=500", 1100, False),
        ("max-stale=200, min-fresh=1", 1100, False),
        ("max-stale=200, no-cache", 1100, False),
    ],
)
def test_demands_and_permissions(value: str, age: int, cached: bool) -> None:
    """Sections 5.2.1.1 to 5.2.1.5: a demand that is not met goes to the origin; strictest of several."""
    assert stored(age).is_cached(cache_control=value) is cached


def test_max_age_counts_the_age_that_was_received() -> None:
    """Section 5.2.1.1: the age of the response, not the time in this cache."""
    assert not stored(0, age="200").is_cached(cache_control="max-age=100")


@pytest.mark.parametrize(("value", "stale"), [("max-age=2000", False), ("max-age=2000, max-stale", True), ("", True)])
def test_max_age_alone_wants_nothing_stale(value: str, stale: bool) -> None:
    """Section 5.2.1.1: not within `stale-while-revalidate` either, nor for an origin that fails."""
    site = stored(1010, cache_control="max-age=1000, stale-while-revalidate=60, stale-if-error=60")
    site.reply(503)
    assert site.get(cache_control=value).status == (200 if stale else 503)
    site.reply(200, b"new", cache_control="max-age=1000")
    assert (site.get(cache_control=value).body == b"new") is not stale


def test_max_stale_serves_what_arrived_stale() -> None:
    """Section 5.2.1.2, with a received Age."""
    site = Site().reply(cache_control="max-age=1500", age="2000")
    site.get()
    assert site.is_cached(cache_control="max-stale=1000")


def test_max_stale_is_marked_as_stale() -> None:
    """Its ttl is negative (RFC 9211 section 2.5)."""
    answer = stored(1100).get(cache_control="max-stale=200")
    assert answer.headers["cache-status"] == "Lanner; hit; ttl=-100; detail=max-stale"
    assert answer.headers["age"] == "1100"


def test_no_cache_validates_and_keeps_the_result() -> None:
    """Section 5.2.1.4: not without successful validation; what comes of it is stored."""
    site = Site().reply(200, b"1", cache_control="max-age=1000", etag='"1"')
    site.get()
    site.reply(200, b"2", cache_control="max-age=1000", etag='"2"')
    assert site.get(cache_control="no-cache").body == b"2"
    assert site.sent[1]["if-none-match"] == '"1"'
    assert site.get().body == b"2"


def test_only_if_cached_without_a_stored_response_is_a_504() -> None:
    """Section 5.2.1.7."""
    site = Site().reply(cache_control="max-age=1000")
    answer = site.get(cache_control="only-if-cached")
    assert (answer.status, site.calls) == (504, 0)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cache-status"] == "Lanner; detail=only-if-cached"


def test_only_if_cached_with_a_stale_response_is_a_504() -> None:
    """It would have to be validated; with max-stale it may be used."""
    site = stored(1100)
    assert site.get(cache_control="only-if-cached").status == 504
    assert site.get(cache_control="only-if-cached, max-stale").status == 200
    assert site.calls == 1


def test_no_store_changes_nothing_that_is_stored() -> None:
    """Section 5.2.1.5: a stored response may be used; what the origin says now is not kept."""
    site = stored(1100, etag='"1"')
    site.reply(200, b"new", cache_control="max-age=1000")
    assert site.get(cache_control="no-store").body == b"new"
    assert site.get(cache_control="only-if-cached, max-stale").body == b"body"


def test_no_store_keeps_a_304_out_too() -> None:
    """Any part of any response to it: the fields of a 304 are one."""
    site = stored(1100, etag='"1"')
    site.reply(304, b"", etag='"1"', x_new="1")
    assert site.get(cache_control="no-store").body == b"body"
    kept = site.get(cache_control="only-if-cached, max-stale")
    assert (kept.status, "x-new" in kept.headers) == (200, False)


@pytest.mark.parametrize("value", ["no-cache", "no-store", "x"])
def test_pragma_of_a_request_means_nothing(value: str) -> None:
    """Section 5.4: deprecated; a client of this century says Cache-Control."""
    assert stored(10).is_cached(pragma=value)


def test_requests_need_not_be_obeyed() -> None:
    """Section 5.2.1 leaves it to the cache: the option `obey_requests`."""
    site = Site(obey_requests=False).reply(cache_control="max-age=1000")
    site.get()
    assert site.is_cached(cache_control="no-cache")
    assert site.get("/other", cache_control="only-if-cached").status == 200


def test_a_cookie_in_the_request_does_not_matter() -> None:
    """Unless Vary names it."""
    assert stored(10).is_cached(cookie="a=b")
