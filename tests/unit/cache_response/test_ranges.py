"""Parts of a stored response: RFC 9110 section 14."""

from __future__ import annotations

import pytest

from lanner.cache.response.ranges import MAX_RANGES, parse
from tests.unit.cache_response.site import Site

BODY = b"0123456789A"


def site(**headers: str) -> Site:
    found = Site().reply(200, BODY, **({"cache_control": "max-age=60", "content_type": "text/plain"} | headers))
    found.get()
    return found


@pytest.mark.parametrize(
    ("value", "body", "where"),
    [
        ("bytes=0-1", b"01", "0-1"),
        ("bytes=1-", b"123456789A", "1-10"),
        ("bytes=-1", b"A", "10-10"),
        ("bytes=-99", BODY, "0-10"),
        ("bytes=0-999999999999999999999999", BODY, "0-10"),
        ("BYTES=2-3", b"23", "2-3"),
        ("bytes= 2-3 ", b"23", "2-3"),
        ("bytes=0-1,1-3", b"0123", "0-3"),
        ("bytes=0-1, 2-3", b"0123", "0-3"),
        ("bytes=5-6,0-9", b"0123456789", "0-9"),
        ("bytes=0-0,99-100", b"0", "0-0"),
    ],
)
def test_a_single_part(value: str, body: bytes, where: str) -> None:
    """206 with Content-Range; ranges that touch are one, those beyond the end are left out."""
    cache = site()
    answer = cache.wait(5).get(range=value)
    assert cache.calls == 1
    assert (answer.status, answer.body) == (206, body)
    assert answer.headers["content-range"] == f"bytes {where}/11"
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["age"] == "5"


@pytest.mark.parametrize(
    "value",
    [
        *("", "bytes", "bytes=", "bytes=a-b", "bytes=3-2", "bytes=-", "bytes=1", "items=0-1", "bytes=0-1;2-3"),
        *("bytes=1-2,x", "bytes=0 - 1 2", "bytes=--1"),
        "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(MAX_RANGES + 1)),
    ],
)
def test_a_range_that_is_none_is_ignored(value: str) -> None:
    """RFC 9110 section 14.2: invalid, another unit, too many: the whole."""
    answer = site().get(range=value)
    assert (answer.status, answer.body) == (200, BODY)
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("value", ["bytes=11-", "bytes=99-100", "bytes=-0", "bytes=11-,12-13"])
def test_ranges_beyond_the_end_are_a_416(value: str) -> None:
    """RFC 9110 section 15.5.17, with the length that there is."""
    answer = site().get(range=value)
    assert (answer.status, answer.body, answer.headers["content-range"]) == (416, b"", "bytes */11")
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "expires", "cdn-cache-control", "content-type"} & set(answer.headers)


def test_the_last_bytes_of_an_empty_body_are_the_whole() -> None:
    """Section 14.1.2: such a range can be satisfied, so it is no 416; and no Content-Range can name it."""
    cache = Site().reply(200, b"", cache_control="max-age=60")
    cache.get()
    assert (cache.get(range="bytes=-5").status, cache.get(range="bytes=9-, -5").status) == (200, 200)
    assert (cache.get(range="bytes=0-").status, cache.get(range="bytes=-0").status) == (416, 416)
    assert cache.calls == 1


def test_several_parts() -> None:
    """RFC 9110 section 14.6: multipart/byteranges, each with its Content-Range; none in the head."""
    answer = site().get(range="bytes=0-1, -1, 4-5")
    assert answer.status == 206
    assert "content-range" not in answer.headers
    kind, boundary = answer.headers["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    assert answer.headers["content-length"] == str(len(answer.body))
    parts = answer.body.split(f"--{boundary}".encode())
    assert parts[-1] == b"--\r\n"
    assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]] == [b"01", b"A", b"45"]
    assert b"Content-Type: text/plain\r\nContent-Range: bytes 10-10/11\r\n" in parts[2]


def test_merging_keeps_the_order_asked_for() -> None:
    """And joins what overlaps or touches, through several steps."""
    assert parse("bytes=8-9,0-1,2-3", 10) == [(8, 9), (0, 3)]
    assert parse("bytes=0-1,4-5,8-9,1-8", 10) == [(0, 9)]
    assert parse("bytes=0-0", 0) == []


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"1"', 206), ('"2"', 200), ('W/"1"', 200), ("", 200), ("1", 200)],
)
def test_if_range_with_an_entity_tag(condition: str, status: int) -> None:
    """RFC 9110 section 13.1.5: strong comparison."""
    assert site(etag='"1"').get(range="bytes=0-1", if_range=condition).status == status


def test_if_range_with_a_weak_stored_tag_never_holds() -> None:
    """A weak validator does not promise the same bytes."""
    assert site(etag='W/"1"').get(range="bytes=0-1", if_range='W/"1"').status == 200


@pytest.mark.parametrize(("stored", "sent", "status"), [(-60, -60, 206), (-60, -59, 200), (-60, -61, 200), (0, 0, 200)])
def test_if_range_with_a_date(stored: float, sent: float, status: int) -> None:
    """RFC 9110 section 13.1.5 and 8.8.2.2: exactly the stored one, which is a second or more older than Date."""
    clock = Site()
    cache = site(last_modified=clock.date(stored), date=clock.date())
    assert cache.get(range="bytes=0-1", if_range=clock.date(sent)).status == status


def test_if_range_goes_before_unsatisfiable() -> None:
    """RFC 9110 section 14.2: a Range whose If-Range fails is not there."""
    assert site(etag='"1"').get(range="bytes=99-", if_range='"2"').status == 200


def test_conditions_go_before_ranges() -> None:
    """RFC 9110 section 13.2.2: 304 first."""
    assert site(etag='"1"').get(range="bytes=0-1", if_none_match='"1"').status == 304
    assert site(etag='"1"').get(range="bytes=0-1", if_none_match='"2"').status == 206


def test_head_has_no_parts() -> None:
    """RFC 9110 section 14.2: Range is defined for GET."""
    answer = site().head(range="bytes=0-1")
    assert (answer.status, answer.headers["content-length"]) == (200, "11")


def test_an_origin_that_refuses_ranges_is_respected() -> None:
    """Accept-Ranges: none."""
    assert site(accept_ranges="none").get(range="bytes=0-1").status == 200


def test_only_a_200_has_parts() -> None:
    """A stored 404 is sent whole."""
    cache = Site().reply(404, BODY, cache_control="max-age=60")
    cache.get()
    assert cache.get(range="bytes=0-1").status == 404


def test_a_range_on_a_miss_goes_to_the_origin() -> None:
    """As it is; a whole answer to it is stored and cut."""
    cache = Site().reply(200, BODY, cache_control="max-age=60")
    answer = cache.get(range="bytes=0-1")
    assert cache.sent[0]["range"] == "bytes=0-1"
    assert (answer.status, answer.body) == (206, b"01")
    assert cache.get().body == BODY
    assert cache.calls == 1


def test_an_answer_that_is_not_stored_is_not_cut() -> None:
    """An origin may ignore Range."""
    cache = Site().reply(200, BODY, cache_control="no-store")
    assert cache.get(range="bytes=0-1").body == BODY


def test_a_stale_response_without_validators_is_fetched_whole() -> None:
    """A range must not replace what is stored."""
    cache = site()
    cache.reply(200, b"abcdefghij", cache_control="max-age=60")
    assert cache.wait(61).get(range="bytes=0-1").body == b"ab"
    assert "range" not in cache.sent[1]
    assert cache.get().body == b"abcdefghij"


def test_a_stale_response_is_validated_whole() -> None:
    """The range is cut from what comes of it."""
    cache = site(etag='"1"')
    cache.reply(304, b"", etag='"1"', cache_control="max-age=60")
    answer = cache.wait(61).get(range="bytes=0-1")
    assert "range" not in cache.sent[1]
    assert (answer.status, answer.body) == (206, b"01")
