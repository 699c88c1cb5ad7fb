"""RFC 9213: targeted cache control."""

from __future__ import annotations

import pytest

from lanner.cache.errors import CacheConfigError
from tests.unit.cache_response.site import Site

CDN = "cdn_cache_control"


def cached(seconds: float = 10, /, **headers: str) -> bool:
    site = Site().reply(**headers)
    site.get()
    return site.wait(seconds).is_cached()


@pytest.mark.parametrize("value", ["max-age=60", "foobar, max-age=60", "max-age=2147483648", "max-age=99999999999"])
def test_a_targeted_lifetime_counts(value: str) -> None:
    """Section 2.1, alone and with directives that are unknown."""
    assert cached(**{CDN: value})


@pytest.mark.parametrize(
    "beside",
    [{"cache_control": "max-age=1"}, {"cache_control": "no-store"}, {"cache_control": "private"}, {"expires": "0"}],
)
def test_a_targeted_field_replaces_cache_control_and_expires(beside: dict[str, str]) -> None:
    """Section 2.2: the others MUST be ignored."""
    assert cached(**{CDN: "max-age=60"}, **beside)


@pytest.mark.parametrize(
    "value", ["max-age=0", "max-age=1", "no-store", "private", "no-cache", "must-understand", "foo"]
)
def test_a_targeted_field_forbids_too(value: str) -> None:
    """Whatever Cache-Control and Expires say beside it, also by saying nothing about a lifetime."""
    assert not cached(**{CDN: value}, cache_control="max-age=3600", expires=Site().date(3600))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        "max-age=3600, &&&&&",
        "max-age =3600",
        "max-age= 3600",
        "MaX-aGe=3600",
        "max-age=3600,",
        "max-age='3600'",
        "max-age=3600 s",
    ],
)
def test_a_field_that_is_no_dictionary_or_empty_is_ignored(value: str) -> None:
    """Section 2.1 and 2.2: then the next field counts."""
    assert not cached(**{CDN: value}, cache_control="no-store")
    assert cached(**{CDN: value}, cache_control="max-age=60")


@pytest.mark.parametrize(
    "value", ['max-age="3600"', "max-age=3600.0", "max-age=abc", "max-age", "max-age=-1", "max-age=(1)"]
)
def test_types_matter(value: str) -> None:
    """A lifetime is an Integer: anything else is invalid freshness, which is stale."""
    assert not cached(**{CDN: value}, cache_control="max-age=3600")


def test_the_last_of_a_repeated_member_counts() -> None:
    """RFC 9651 section 4.2.2."""
    assert cached(**{CDN: "max-age=1, max-age=60"})
    assert not cached(**{CDN: "max-age=60, max-age=1"})


def test_switches_are_booleans() -> None:
    """`no-store=?0` does not forbid; field names come in a String."""
    assert cached(**{CDN: "no-store=?0, max-age=60"})
    site = Site().reply(cdn_cache_control='private="x-a", max-age=60', x_a="1")
    site.get()
    assert "x-a" not in site.get().headers
    assert not cached(**{CDN: "private=x-a, max-age=60"})
    assert not cached(**{CDN: "no-store=1, max-age=60"})


def test_our_own_field_wins_and_is_not_passed_on() -> None:
    """Section 2.2: the first in the target list; what is for us alone is for nobody behind us."""
    site = Site().reply(lanner_cache_control="max-age=60", cdn_cache_control="no-store", cache_control="max-age=5")
    first, second = site.get(), site.wait(10).get()
    assert site.calls == 1
    for answer in (first, second):
        assert "lanner-cache-control" not in answer.headers
        assert answer.headers["cdn-cache-control"] == "no-store"
        assert answer.headers["cache-control"] == "max-age=5"


def test_our_own_field_is_stripped_from_every_answer() -> None:
    """From what is not stored, and from answers to other methods."""
    site = Site().reply(lanner_cache_control="no-store")
    assert "lanner-cache-control" not in site.get().headers
    assert "lanner-cache-control" not in site.does("POST").headers


def test_an_invalid_own_field_leaves_the_next_one() -> None:
    """Section 2.2: the first that is valid and not empty."""
    assert cached(lanner_cache_control="&&", cdn_cache_control="max-age=60", cache_control="no-store")


def test_targets_can_be_chosen() -> None:
    """A list of one's own; without CDN-Cache-Control that field means nothing."""
    site = Site(targets=("X-Edge-Cache-Control",)).reply(
        x_edge_cache_control="max-age=60", cdn_cache_control="no-store"
    )
    assert "x-edge-cache-control" not in site.get().headers
    assert site.is_cached()
    site = Site(targets=()).reply(cdn_cache_control="max-age=60")
    site.get()
    assert not site.is_cached()


def test_a_cache_of_one_user_is_no_cdn() -> None:
    """RFC 9213 section 3.1: CDN-Cache-Control is for content delivery networks; its own field a cache obeys."""
    site = Site(shared=False).reply(cdn_cache_control="no-store", cache_control="max-age=60")
    site.get()
    assert site.is_cached()
    site = Site(shared=False).reply(lanner_cache_control="max-age=60", cache_control="no-store")
    site.get()
    assert site.is_cached()


def test_a_304_updates_the_targeted_field() -> None:
    """It is stored though it is not shown."""
    site = Site().reply(lanner_cache_control="max-age=10", etag='"1"')
    site.get()
    site.reply(304, b"", etag='"1"')
    assert "lanner-cache-control" not in site.wait(11).get().headers
    assert site.wait(9).is_cached()


def test_heuristics_remain() -> None:
    """Section 2.2 ignores Cache-Control and Expires; a targeted `public` may still be guessed about."""
    site = Site()
    assert cached(5, **{CDN: "public"}, last_modified=site.date(-1000), cache_control="no-store")


def test_authorisation_is_judged_by_the_targeted_field() -> None:
    """Section 3.5 of RFC 9111, with the directives that count."""
    site = Site().reply(cdn_cache_control="max-age=60", cache_control="public")
    site.get(authorization="x")
    assert not site.is_cached()
    site = Site().reply(cdn_cache_control="public, max-age=60")
    site.get(authorization="x")
    assert site.is_cached()


def test_one_name_is_no_list_of_targets() -> None:
    """Its letters would be ten fields that nobody sends."""
    with pytest.raises(CacheConfigError, match="sequence"):
        Site(targets="X-Cache-Control")
