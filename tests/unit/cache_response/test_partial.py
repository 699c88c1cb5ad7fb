"""Stored parts (RFC 9111 sections 3.3 and 3.4): kept, cut from, completed; and what is never combined."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.cache.response.partial import extent
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, request

WHOLE = b"0123456789"
FRESH = "max-age=3600"


# Any: fields by keyword, said loosely so that they can be spread into it.
def part(first: int, last: int, etag: str | None = '"1"', /, whole: bytes = WHOLE, **more: Any) -> Response:
    """A 206 with these bytes."""
    fields = {"cache-control": FRESH, "content-range": f"bytes {first}-{last}/{len(whole)}"}
    if etag is not None:
        fields["etag"] = etag
    return Response(
        206, {**fields, **{name.replace("_", "-"): text for name, text in more.items()}}, whole[first : last + 1]
    )


def holding(first: int, last: int, etag: str | None = '"1"', /, **more: Any) -> Site:
    """A site whose cache has these bytes of the whole."""
    site = Site().replies(lambda _: part(first, last, etag, **more))
    assert site.get(range=f"bytes={first}-{last}").status == 206
    return site


@pytest.mark.parametrize(
    ("asked", "body", "place"),
    [
        ("bytes=-5", b"56789", "bytes 5-9/10"),
        ("bytes=5-9", b"56789", "bytes 5-9/10"),
        ("bytes=6-8", b"678", "bytes 6-8/10"),
        ("bytes=6-", b"6789", "bytes 6-9/10"),
        ("bytes=-1", b"9", "bytes 9-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=5-6, 6-8", b"5678", "bytes 5-8/10"),
    ],
)
@pytest.mark.parametrize("etag", ['"1"', None])
def test_ranges_within_a_stored_part_are_answered_from_it(
    asked: str, body: bytes, place: str, etag: str | None
) -> None:
    """With its age, its length and its place; a part needs no validator for that."""
    site = holding(5, 9, etag)
    answer = site.wait(7).get(range=asked)
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, body, place)
    assert (answer.headers["age"], answer.headers["content-length"]) == ("7", str(len(body)))
    assert answer.headers["cache-status"] == "Lanner; hit; ttl=3593"
    assert site.calls == 1


def test_several_ranges_within_a_stored_part_are_answered_from_it() -> None:
    """Each part has its own place, and the head has none (RFC 9110 section 14.6)."""
    site = holding(2, 9)
    answer = site.get(range="bytes=2-3, 8-9")
    assert answer.status == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert "content-range" not in answer.headers
    assert b"Content-Range: bytes 2-3/10\r\n\r\n23\r\n" in answer.body
    assert b"Content-Range: bytes 8-9/10\r\n\r\n89\r\n" in answer.body
    assert site.calls == 1


@pytest.mark.parametrize("asked", ["bytes=0-4", "bytes=4-6", "bytes=-6", "bytes=0-", "bytes=6-7, 0-1", "bytes=10-"])
def test_other_ranges_are_asked_for_as_the_client_asked(asked: str) -> None:
    """What the part does not have in full is the origin's affair, and so is what nobody has."""
    site = holding(5, 9)
    answer = site.get(range=asked)
    assert (site.calls, site.sent[-1]["range"]) == (2, asked)
    assert answer.headers["cache-status"].startswith("Lanner; fwd=partial; fwd-status=206")


@pytest.mark.parametrize("asked", ["lines=6-7", "bytes=7-6", "bytes=a-b"])
def test_a_range_that_is_ignored_asks_for_the_whole(asked: str) -> None:
    """A part is not the whole."""
    site = holding(5, 9).reply(200, WHOLE, cache_control=FRESH)
    assert site.get(range=asked).body == WHOLE
    assert site.calls == 2


def test_a_stale_part_is_not_used() -> None:
    """Nor one that has to be validated, or that the client finds too old."""
    assert holding(5, 9).wait(3600).get(range="bytes=6-8").headers["cache-status"].startswith("Lanner; fwd=partial")
    site = holding(5, 9, cache_control="max-age=60, no-cache")
    site.get(range="bytes=6-8")
    assert site.calls == 2
    site = holding(5, 9)
    site.wait(10).get(range="bytes=6-8", cache_control="max-age=5")
    assert site.calls == 2


def test_only_if_cached_is_answered_from_a_part_or_not_at_all() -> None:
    """Section 5.2.1.7."""
    site = holding(5, 9)
    assert site.get(range="bytes=6-8", cache_control="only-if-cached").body == b"678"
    assert site.get(range="bytes=0-8", cache_control="only-if-cached").status == 504
    assert site.get(cache_control="only-if-cached").status == 504
    assert site.calls == 1


def test_if_range_is_judged_on_a_stored_part() -> None:
    """RFC 9110 section 13.1.5: where it does not hold, the whole is wanted."""
    site = holding(5, 9)
    assert site.get(range="bytes=6-8", if_range='"1"').body == b"678"
    assert site.calls == 1
    site.reply(200, WHOLE, cache_control=FRESH, etag='"2"')
    assert site.get(range="bytes=6-8", if_range='"0"').status == 200
    assert site.sent[-1]["if-range"] == '"0"'


def test_a_condition_is_judged_on_a_stored_part() -> None:
    """Section 4.3.2 names a stored 206 as well; without Range the part is no answer."""
    site = holding(5, 9)
    assert site.get(range="bytes=6-8", if_none_match='"1"').status == 304
    assert site.get(range="bytes=6-8", if_none_match='"2"').status == 206
    assert site.calls == 1
    site.get(if_none_match='"1"')
    assert site.sent[-1]["if-none-match"] == '"1"'
    assert "range" not in site.sent[-1]


def test_a_part_is_never_the_answer_to_a_get_for_the_whole_or_to_head() -> None:
    """Section 3.3: MUST NOT use an incomplete response for a complete one."""
    site = holding(5, 9, 'W/"1"').reply(200, WHOLE, cache_control=FRESH)
    assert (site.head().headers.get("content-range"), site.calls) == (None, 2)
    answer = site.get()
    assert (answer.status, answer.body, site.calls) == (200, WHOLE, 3)
    assert site.is_cached()


@pytest.mark.parametrize(("first", "last", "missing"), [(0, 4, "bytes=5-"), (5, 9, "bytes=0-4")])
def test_a_part_is_completed(first: int, last: int, missing: str) -> None:
    """Section 3.3: what is missing is asked for under If-Range, and the whole is answered and stored."""
    site = holding(first, last, x_a="old", x_b="kept")
    site.replies(lambda _: part(5, 9, x_a="new") if first == 0 else part(0, 4, x_a="new"))
    answer = site.get()
    assert (site.sent[-1]["range"], site.sent[-1]["if-range"]) == (missing, '"1"')
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, WHOLE, "10")
    assert "content-range" not in answer.headers
    assert (answer.headers["x-a"], answer.headers["x-b"]) == ("new", "kept")
    assert answer.headers["cache-status"].startswith("Lanner; fwd=partial; fwd-status=206; ttl=3600; stored")
    again = site.get()
    assert (again.status, again.body, site.calls) == (200, WHOLE, 2)
    assert site.get(range="bytes=3-6").body == b"3456"


def test_a_part_in_the_middle_is_not_completed() -> None:
    """Two questions are no gain over one: the whole is asked for."""
    site = holding(3, 6).reply(200, WHOLE, cache_control=FRESH)
    assert site.get().body == WHOLE
    assert "range" not in site.sent[-1]


def test_a_stale_part_is_completed_where_its_entity_tag_still_holds() -> None:
    """If-Range validates it."""
    site = holding(0, 4).replies(lambda _: part(5, 9))
    assert site.wait(4000).get().body == WHOLE
    assert site.is_cached()


def test_the_whole_is_answered_where_the_representation_has_changed() -> None:
    """If-Range fails and the origin sends a 200: it takes the place of the part."""
    site = holding(0, 4).reply(200, b"abcdefghij", cache_control=FRESH, etag='"2"')
    assert site.get().body == b"abcdefghij"
    assert site.get(range="bytes=0-4").body == b"abcde"
    assert site.calls == 2


@pytest.mark.parametrize(
    "rest",
    [
        part(5, 9, '"2"'),
        part(5, 9, None),
        part(5, 9, 'W/"1"'),
        part(6, 9),
        part(5, 9, whole=WHOLE + b"x"),
        Response(206, {"content-range": "bytes 4-9/10", "etag": '"1"'}, b"X56789"),
        Response(206, {"content-range": "bytes 5-9/*", "etag": '"1"'}, b"56789"),
        Response(206, {"content-range": "bytes 5-9/10", "etag": '"1"'}, b"567"),
        Response(416, {"content-range": "bytes */3"}),
        Response(412),
    ],
)
def test_what_does_not_fit_is_not_combined(rest: Response) -> None:
    """Section 3.4: another or no strong validator, a gap, another size, other bytes: the whole is asked for again."""
    site = holding(0, 4)
    site.replies(lambda asked: rest if "range" in asked.headers else Response(200, {"cache-control": FRESH}, b"whole"))
    answer = site.get()
    assert (answer.status, answer.body) == (200, b"whole")
    assert site.calls == 3
    assert not {"range", "if-range"} & site.sent[-1].keys()


def test_a_part_without_validator_is_asked_to_be_completed_while_it_is_fresh() -> None:
    """A 200 is then as good as any; a 206 cannot be combined, and the whole is asked for."""
    site = holding(0, 4, None).reply(200, WHOLE, cache_control=FRESH)
    assert site.get().body == WHOLE
    assert (site.sent[-1]["range"], site.calls) == ("bytes=5-", 2)
    site = holding(0, 4, None)
    site.replies(lambda asked: part(5, 9, None) if "range" in asked.headers else Response(200, {}, WHOLE))
    assert (site.get().body, site.calls) == (WHOLE, 3)
    site = holding(0, 4, None).reply(200, WHOLE)
    site.wait(4000).get()
    assert "range" not in site.sent[-1]


def test_an_error_while_completing_is_the_answer() -> None:
    """A 5xx says nothing about ranges."""
    site = holding(0, 4).reply(503, b"down")
    assert (site.get().status, site.calls) == (503, 2)


def test_parts_that_clients_ask_for_add_up() -> None:
    """Section 3.4: overlapping and touching parts of one strong entity-tag; when nothing is missing it is a 200."""
    site = holding(0, 3).replies(lambda _: part(4, 6))
    assert site.get(range="bytes=4-6").body == b"456"
    assert site.get(range="bytes=1-5").body == b"12345"
    site.replies(lambda _: part(5, 9))
    assert site.get(range="bytes=5-9").status == 206
    whole = site.get()
    assert (whole.status, whole.body, site.calls) == (200, WHOLE, 3)


@pytest.mark.parametrize("etag", ['W/"1"', None, '"2"'])
def test_parts_of_other_validators_take_each_others_place(etag: str | None) -> None:
    """They are not combined: what is there is the newer one, and nothing of the older."""
    site = holding(0, 3, etag if etag != '"2"' else '"1"').replies(lambda _: part(4, 6, etag))
    site.get(range="bytes=4-6")
    assert site.get(range="bytes=4-5").body == b"45"
    assert site.calls == 2
    site.get(range="bytes=1-5")
    assert site.calls == 3


def test_a_206_of_the_whole_is_stored_as_a_200() -> None:
    """Section 3.3: all bytes are there."""
    site = holding(0, 9)
    answer = site.get()
    assert (answer.status, answer.body, answer.headers["content-length"], site.calls) == (200, WHOLE, "10", 1)
    assert "content-range" not in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"content-range": "bytes */10"},
        {"content-range": "bytes 5-9/*"},
        {"content-range": "bytes 4-9/10"},
        {"content-range": "bytes 9-5/10"},
        {"content-range": "bytes 6-10/10"},
        {"content-range": "lines 5-9/10"},
        {"content-range": "bytes 5-9"},
        {"content-range": "bytes=5-9/10"},
        {"content-range": "bytes +5-9/10"},
        {"content-range": "bytes 5-9/10", "content-length": "6"},
        {"content-range": "bytes 5-9/10", "content-length": "five"},
        {"content-range": "bytes 5-9/10", "content-type": "multipart/byteranges; boundary=x"},
        {"content-type": "multipart/byteranges; boundary=x"},
        {},
    ],
)
def test_a_206_that_does_not_say_what_it_is_is_not_stored(fields: dict[str, str]) -> None:
    """And passed on as it came."""
    site = Site().replies(lambda _: Response(206, {"cache-control": FRESH, "etag": '"1"', **fields}, b"56789"))
    for calls in (1, 2):
        answer = site.get(range="bytes=5-9")
        assert (answer.status, answer.body, site.calls) == (206, b"56789", calls)
    assert site.stored_keys() == []


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ({"cache_control": "no-store, max-age=60"}, {}),
        ({"cache_control": "private, max-age=60"}, {}),
        ({"vary": "*"}, {}),
        ({}, {"authorization": "Bearer a"}),
        ({}, {"cache_control": "no-store"}),
    ],
)
def test_what_keeps_a_response_out_keeps_a_part_out(answer: dict[str, Any], asked: dict[str, str]) -> None:
    """Section 3 makes no exception for parts."""
    site = Site().replies(lambda _: part(5, 9, **answer))
    site.get(range="bytes=5-9", **asked)
    assert site.stored_keys() == []


def test_a_cookie_keeps_a_part_out() -> None:
    """The house rule about cookies holds for parts."""
    site = Site()
    site.replies(lambda _: Response(206, part(5, 9).headers, b"56789", ["a=b"]))
    site.get(range="bytes=5-9")
    assert site.stored_keys() == []


def test_cookies_of_the_missing_part_reach_the_client_and_not_the_store() -> None:
    """They are of this one answer; the whole that has them is not stored."""
    site = holding(0, 4)
    site.replies(lambda _: Response(206, part(5, 9).headers, b"56789", ["a=b"]))
    answer = site.get()
    assert (answer.status, answer.body, answer.cookies) == (200, WHOLE, ["a=b"])
    site.replies(lambda _: Response(200, {}, b"asked again"))
    assert site.get().body == b"asked again"


def test_a_part_is_used_where_vary_fits_and_nowhere_else() -> None:
    """Section 4.1."""
    site = Site().replies(lambda asked: part(5, 9, None, whole=asked.headers["foo"].encode() * 10, vary="foo"))
    site.get(range="bytes=5-9", foo="a")
    site.get(range="bytes=5-9", foo="b")
    assert site.get(range="bytes=6-7", foo="a").body == b"aa"
    assert site.get(range="bytes=6-7", foo="b").body == b"bb"
    assert site.calls == 2


def test_a_write_makes_a_part_invalid() -> None:
    """Section 4.4."""
    site = holding(5, 9).reply(204)
    site.does("PUT")
    site.replies(lambda _: part(5, 9, '"2"'))
    assert site.get(range="bytes=6-7").headers["etag"] == '"2"'


def test_a_head_that_names_another_representation_ends_a_part() -> None:
    """Section 4.3.5; one that names the same leaves it."""
    site = holding(5, 9).reply(200, b"", etag='"1"', content_length="10")
    site.head()
    assert site.is_cached(range="bytes=6-7")
    site.reply(200, b"", etag='"2"', content_length="10").head()
    assert not site.is_cached(range="bytes=6-7")


def test_a_part_does_not_take_the_place_of_the_whole() -> None:
    """While a complete response is stored, parts are cut from it or asked for with it."""
    site = Site().reply(200, WHOLE, cache_control="max-age=10", etag='"1"')
    site.get()
    site.replies(lambda asked: Response(304, {"etag": '"1"', "cache-control": "max-age=10"}))
    assert site.wait(20).get(range="bytes=2-3").body == b"23"
    assert "range" not in site.sent[-1]


def test_a_part_survives_the_store() -> None:
    """Another process, which has decoded nothing yet, uses it too."""
    site = holding(5, 9)
    other = Site(backend=site.backend)
    assert other.get(range="bytes=6-8").body == b"678"
    assert other.calls == 0


@pytest.mark.parametrize("value", ["bytes 0-4/10", " Bytes 0-4/10 ", "bytes 0-4/5"])
def test_places_that_are_read(value: str) -> None:
    """RFC 9110 section 14.4; the unit's letter case does not count."""
    assert extent({"content-range": value}, 5) == (0, 4, int(value.strip().rpartition("/")[2]))


@pytest.mark.parametrize("size", ["", "1" * 19, "٣", "-1", "1_0"])
def test_sizes_that_are_no_sizes(size: str) -> None:
    """No number, or one that no body has."""
    assert extent({"content-range": f"bytes 0-0/{size}"}, 1) is None


def test_a_request_by_hand_sees_its_own_fields_again() -> None:
    """Completing changes nothing in the request that the caller has."""
    site = holding(0, 4).replies(lambda _: part(5, 9))
    asked: Request = request("GET")
    before = dict(asked.headers)
    site.send(asked)
    assert asked.headers == before
