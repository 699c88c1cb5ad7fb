"""RFC 9111 section 4.1: Vary, what counts as the same request, and the choice among variants."""

from __future__ import annotations

import pytest

from lanner.cache.response.selection import normalise, vary_names
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site

FRESH = "max-age=60"


def by_field(*names: str, vary: str = "") -> Site:
    """A site whose body is made of request fields, and says so."""

    def answer(asked: Request) -> Response:
        body = "|".join(str(asked.headers.get(name)) for name in names)
        return Response(200, {"cache-control": FRESH, "vary": vary or ", ".join(names)}, body.encode())

    return Site().replies(answer)


def test_the_same_selecting_fields_are_answered_from_the_store() -> None:
    """And fields that Vary does not name do not matter."""
    site = by_field("foo")
    site.get(foo="1", other="2")
    assert site.get(foo="1", other="3").body == b"1"
    assert site.calls == 1


@pytest.mark.parametrize("second", [{"foo": "2"}, {}, {"foo": ""}, {"foo": "1, 1"}])
def test_other_selecting_fields_are_not(second: dict[str, str]) -> None:
    """Another value, none, and an empty one are three different things."""
    site = by_field("foo")
    site.get(foo="1")
    site.get(**second)
    assert site.calls == 2


def test_a_field_that_both_lack_is_the_same() -> None:
    """Absent matches absent, and only that."""
    site = by_field("foo", "bar")
    site.get(foo="1")
    assert site.is_cached(foo="1")
    assert not site.is_cached(foo="1", bar="")


def test_several_fields_all_count() -> None:
    """Every nominated field must match, in whatever order Vary names them."""
    site = by_field("foo", "bar", "baz", vary="BAZ,foo ,  Bar")
    site.get(foo="1", bar="a", baz="9")
    assert site.is_cached(baz="9", bar="a", foo="1")
    assert not site.is_cached(foo="1", bar="b", baz="9")


def test_variants_live_side_by_side() -> None:
    """A new variant does not push the others out."""
    site = by_field("foo")
    for value in "abcabc":
        assert site.get(foo=value).body == value.encode()
    assert site.calls == 3


def test_one_variant_costs_one_read() -> None:
    """Only a URI with several variants has an index."""
    site = by_field("foo")
    site.get(foo="a")
    assert site.stored_keys() == ["response:15:api.example.com0:2:/a?"]
    site.get(foo="b")
    assert len(site.stored_keys()) == 3


@pytest.mark.parametrize("value", ["*", "*, *", ", *", "*, foo", "foo, *", " * ", "foo bar", "foo;bar"])
def test_vary_star_never_matches(value: str) -> None:
    """`*` anywhere in it, or what is no field name."""
    site = Site().reply(cache_control=FRESH, vary=value)
    site.get(foo="1")
    assert not site.is_cached(foo="1")


@pytest.mark.parametrize("value", ["", ",", " , "])
def test_an_empty_vary_nominates_nothing(value: str) -> None:
    """It is as if it were not there."""
    site = Site().reply(cache_control=FRESH, vary=value)
    site.get(foo="1")
    assert site.is_cached(foo="2")


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("foo", "1,2", " 1,  2 "),
        ("foo", "1, 2", "1,2"),
        ("accept-encoding", "gzip, br", "br,GZIP"),
        ("accept-encoding", "gzip;q=1.0, br;q=0.5", "br ; q=0.500, gzip"),
        ("accept-language", "en-GB, de;q=0.5", "EN-gb,de;q=0.50"),
        ("accept-language", "en, de", " De ,  eN"),
        ("accept-language", "en;q=0.5, de, fr;q=0.5", "de, fr;q=0.5, en;q=0.5"),
        ("accept-charset", "utf-8, iso-8859-1;q=0.5", "ISO-8859-1;q=0.5, UTF-8"),
        ("accept", "text/html,  */*;q=0.1", "text/html, */*;q=0.1"),
    ],
)
def test_values_that_mean_the_same_match(name: str, one: str, other: str) -> None:
    """White space, letter case where the field says so, order where it means nothing."""
    assert normalise(name, one) == normalise(name, other)
    site = by_field(name)
    site.get(**{name: one})
    assert site.is_cached(**{name: other})


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("accept-language", "en, de", "en, de;q=0.9"),
        ("accept-language", "en, de", "en"),
        ("accept-language", "en;q=0.9, de", "en, de;q=0.9"),
        ("accept-language", "en, en;q=0.5, de", "de, en"),
        ("accept-encoding", "gzip", "gzip;q=0"),
        ("accept-encoding", "gzip", ""),
        ("accept-encoding", "gzip;level=1", "gzip"),
        ("accept-encoding", "gzip, gzip;q=0", "gzip"),
        ("foo", "a", "A"),
        ("foo", '"a, b"', '"a,b"'),
        ("foo", '"a', '"a"'),
        ("accept", "text/html, text/plain", "text/plain, text/html"),
        ("cookie", "a=1", "a=2"),
        ("authorization", "Bearer a", "Bearer b"),
    ],
)
def test_values_that_may_mean_different_things_do_not_match(name: str, one: str, other: str) -> None:
    """No normalisation that could mix two representations."""
    site = by_field(name)
    site.get(**{name: one})
    assert not site.is_cached(**{name: other})


def test_the_order_of_languages_counts_where_the_origin_ranks_them() -> None:
    """`ranked_languages`: of one weight the place counts; the place of different weights means nothing to anybody."""
    site = Site(ranked_languages=True)
    site.replies(lambda asked: Response(200, {"cache-control": FRESH, "vary": "accept-language"}))
    site.get(accept_language="en, de, fr;q=0.5")
    assert site.is_cached(accept_language="fr;q=0.5, EN,de")
    assert not site.is_cached(accept_language="de, en, fr;q=0.5")
    assert site.is_cached(accept_language="en, fr;q=0.5, de")


def test_a_stored_language_is_not_held_against_another_list() -> None:
    """Section 4.1: what the origin would choose for another list is its own affair, also where it seems clear."""
    site = Site().reply(cache_control=FRESH, vary="accept-language", content_language="de")
    site.get(accept_language="en, de")
    assert not site.is_cached(accept_language="fr;q=0.5, de")


def test_secrets_are_not_stored() -> None:
    """A store that varies by a secret holds its digest."""
    site = by_field("cookie", vary="Cookie")
    site.replies(lambda _: Response(200, {"cache-control": FRESH, "vary": "Cookie"}, b"x"))
    site.get(cookie="session=secret")
    assert site.is_cached(cookie="session=secret")
    assert not any(b"secret" in site.backend.get(key).value for key in site.stored_keys())  # type: ignore[union-attr]


def test_the_most_recent_of_several_that_match_is_used() -> None:
    """Section 4: by Date, not by when it was stored."""
    site = Site()
    site.reply(200, b"older", cache_control="max-age=600", vary="foo", date=site.date(-10))
    site.get(foo="1", bar="1")
    site.reply(200, b"newest", cache_control="max-age=600", vary="bar", date=site.date(-1))
    site.get(foo="2", bar="2")
    site.reply(200, b"oldest", cache_control="max-age=600", vary="foo, bar", date=site.date(-20))
    site.get(foo="3", bar="3")
    assert site.get(foo="1", bar="2").body == b"newest"


def test_one_with_vary_is_chosen_before_one_without() -> None:
    """Section 4.1: a default response that omits Vary does not hide the better one."""
    site = Site()
    site.reply(200, b"german", cache_control="max-age=600", vary="accept-language", date=site.date(-10))
    site.get(accept_language="de")
    site.reply(200, b"default", cache_control="max-age=600", date=site.date())
    site.get()
    assert site.get(accept_language="de").body == b"german"
    assert site.get(accept_language="fr").body == b"default"


def test_a_new_answer_takes_the_place_of_what_fits_its_request() -> None:
    """Section 4.3.3: also where Vary changed between the two."""
    site = Site().reply(200, b"old", vary="foo", etag='"1"', cache_control="max-age=1")
    site.get()
    site.reply(200, b"new", cache_control="max-age=60")
    assert site.wait(2).get().body == b"new"
    assert site.get().body == b"new"
    assert site.calls == 2


def test_the_number_of_variants_is_bounded() -> None:
    """The oldest is dropped, and its bytes with it."""
    site = by_field("foo")
    site.cache = type(site.cache)(site.backend, site.clock, max_variants=3)
    for number in range(6):
        site.wait(1).get(foo=str(number))
    assert not site.is_cached(foo="0")
    assert site.is_cached(foo="5")
    assert len(site.stored_keys()) <= 4


def test_field_names_of_vary() -> None:
    """Lower case, sorted, once each."""
    assert vary_names("B, a,b,, A") == ("a", "b")
    assert vary_names("a, *") is None


def test_a_variant_is_brought_up_to_date_in_its_place() -> None:
    """Section 4.3.4 with several variants: the one that was asked about."""

    def answer(asked: Request) -> Response:
        etag = f'"{asked.headers["foo"]}"'
        fields = {"cache-control": "max-age=10", "vary": "foo", "etag": etag}
        if asked.headers.get("if-none-match") == etag:
            return Response(304, fields)
        return Response(200, fields, asked.headers["foo"].encode())

    site = Site().replies(answer)
    for value in "ab":
        site.get(foo=value)
    site.wait(11)
    assert site.get(foo="a").body == b"a"
    assert "fwd-status=304" in site.get(foo="b").headers["cache-status"]
    assert site.is_cached(foo="a")
    assert site.is_cached(foo="b")


def test_a_validation_takes_the_place_of_nothing_else_that_fits() -> None:
    """Section 4.3.4: one without Vary fits every request, and stays for those that no variant is for."""
    site = Site().reply(200, b"variant", vary="foo", etag='"1"')
    site.get()
    site.reply(200, b"any", cache_control="max-age=60")
    site.get(foo="2")
    site.reply(304, b"", cache_control="max-age=60")
    assert site.get().body == b"variant"
    assert site.get(foo="2").body == b"any"
    assert site.get().body == b"variant"
    assert site.calls == 3


def test_what_the_origin_stops_to_allow_takes_no_other_variant_with_it() -> None:
    """A full answer or a 304 that may not be stored ends what it is about, and the others are hits."""
    for status, fields in ((200, {}), (304, {"cache_control": "no-store"})):
        site = Site().reply(200, b"1", cache_control="max-age=60", vary="foo")
        site.get(foo="1")
        site.reply(200, b"2", cache_control="no-cache", vary="foo", etag='"2"')
        site.get(foo="2")
        site.reply(status, b"now", **fields)
        site.get(foo="2")
        assert site.sent[-1]["if-none-match"] == '"2"'
        assert site.is_cached(foo="1")
        site.get(foo="2")
        assert "if-none-match" not in site.sent[-1]


def test_a_variant_that_somebody_is_at_goes_with_the_others() -> None:
    """Without the lease nothing can be taken out, so all of it goes."""
    site = Site().reply(200, b"1", cache_control="max-age=60", vary="foo")
    site.get(foo="1")
    site.reply(200, b"2", cache_control="no-cache", vary="foo", etag='"2"')
    site.get(foo="2")
    assert site.backend.acquire("response:15:api.example.com0:2:/a?", "somebody", 60)
    site.reply(200, b"now")
    site.get(foo="2")
    assert site.get(foo="1", cache_control="only-if-cached").status == 504


def test_a_304_that_forbids_to_store_ends_what_it_is_about_only() -> None:
    """The one without Vary had the validator; the one for this request is still fresh."""
    site = Site().reply(200, b"variant", cache_control="max-age=60", vary="foo")
    site.get(foo="2")
    site.reply(200, b"any", cache_control="no-cache", etag='"1"')
    site.get(foo="1")
    site.reply(304, b"", cache_control="no-store", etag='"1"')
    assert site.get(foo="2", cache_control="no-cache").body == b"any"
    assert site.get(foo="2").body == b"variant"
    site.reply(200, b"new")
    assert site.get(foo="1").body == b"new"
    assert "if-none-match" not in site.sent[-1]
