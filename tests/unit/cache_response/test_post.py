"""A POST whose answer is what a GET would get (RFC 9110 sections 8.7 and 9.3.3; RFC 9111 section 4.4 before it)."""

from __future__ import annotations

import pytest

from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, request

FRESH = "max-age=60"


@pytest.mark.parametrize("location", ["/a", "a", "http://api.example.com/a", "https://API.example.com:443/a", "/%61"])
def test_an_answer_to_post_that_is_the_resource_is_stored_for_get(location: str) -> None:
    """Its Content-Location is the target URI, however it is written, and its lifetime is explicit."""
    site = Site().reply(200, b"new", cache_control=FRESH, content_location=location, etag='"1"')
    assert site.does("POST").headers["cache-status"] == "Lanner; fwd=method; fwd-status=200; stored"
    answer = site.wait(5).get()
    assert (answer.status, answer.body, answer.headers["age"]) == (200, b"new", "5")
    assert site.get(if_none_match='"1"').status == 304
    assert site.head().headers["age"] == "5"
    assert site.calls == 1


def test_the_query_is_part_of_the_target() -> None:
    """Another query is another resource."""
    site = Site().reply(200, b"new", cache_control=FRESH, content_location="/a?x=1")
    site.does("POST", "/a?x=1")
    assert site.is_cached("/a?x=1")
    site.does("POST", "/a?x=2")
    assert not site.is_cached("/a?x=2")


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (200, {"cache_control": FRESH}),
        (200, {"cache_control": FRESH, "content_location": "/b"}),
        (200, {"cache_control": FRESH, "content_location": "http://other.example.com/a"}),
        (200, {"cache_control": FRESH, "content_location": "http://[/a"}),
        (200, {"cache_control": FRESH, "location": "/a"}),
        (200, {"content_location": "/a"}),
        (200, {"content_location": "/a", "last_modified": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        (200, {"content_location": "/a", "cache_control": "public"}),
        (200, {"content_location": "/a", "cache_control": "max-age=60, no-store"}),
        (200, {"content_location": "/a", "cache_control": "max-age=60, private"}),
        (200, {"content_location": "/a", "cache_control": FRESH, "vary": "*"}),
        (201, {"content_location": "/a", "cache_control": FRESH}),
        (206, {"content_location": "/a", "cache_control": FRESH, "content_range": "bytes 0-3/4"}),
        (303, {"content_location": "/a", "cache_control": FRESH}),
        (404, {"content_location": "/a", "cache_control": FRESH}),
    ],
)
def test_any_other_answer_to_post_is_not(status: int, fields: dict[str, str]) -> None:
    """RFC 9110 section 9.3.3: explicit freshness, the target's own URI; and everything that section 3 says of a GET."""
    site = Site().reply(status, **fields)
    site.does("POST")
    assert site.stored_keys() == []


@pytest.mark.parametrize("headers", [{"authorization": "Bearer a"}, {"cache_control": "no-store"}])
def test_the_request_may_keep_it_out(headers: dict[str, str]) -> None:
    """Sections 3.5 and 5.2.1.5."""
    site = Site().reply(200, b"new", cache_control=FRESH, content_location="/a")
    site.does("POST", **headers)
    assert site.stored_keys() == []


def test_cookies_keep_it_out() -> None:
    """The house rule."""
    site = Site().reply(200, b"new", cookies=["a=b"], cache_control=FRESH, content_location="/a")
    site.does("POST")
    assert site.stored_keys() == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "FOO"])
def test_other_methods_never_answer_a_get(method: str) -> None:
    """What they answer is about what they did."""
    site = Site().reply(200, b"new", cache_control=FRESH, content_location="/a")
    site.does(method)
    assert site.stored_keys() == []


def test_a_post_is_never_answered_from_the_store() -> None:
    """Section 9.3.3: it is not safe, so the origin gets every one."""
    site = Site().reply(200, b"new", cache_control=FRESH, content_location="/a")
    site.does("POST")
    site.does("POST")
    assert site.calls == 2


def test_it_takes_the_place_of_every_variant() -> None:
    """Section 4.4: the POST makes all of them invalid first, and the new one is there afterwards."""
    site = Site().replies(lambda asked: Response(200, {"cache-control": FRESH, "vary": "foo"}, b"old"))
    site.get(foo="1")
    site.get(foo="2")
    site.reply(200, b"new", cache_control=FRESH, content_location="/a", vary="foo")
    site.does("POST", foo="1")
    assert site.get(foo="1").body == b"new"
    assert site.calls == 3
    assert not site.is_cached(foo="2")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_writes_that_overlap_store_nothing(method: str) -> None:
    """Which of them the origin did last is not known from which it answered last."""
    site = Site()

    def answer(asked: Request) -> Response:
        if asked.headers.get("outer"):
            site.cache.handle(request(method), site.origin)
        return Response(200, {"cache-control": FRESH, "content-location": "/a"}, b"of " + asked.method.encode())

    site.replies(answer)
    site.does("POST", outer="yes")
    assert site.stored_keys() == []


def test_a_get_that_began_before_does_not_take_its_place() -> None:
    """It has seen the resource as it was before the POST."""
    site = Site()

    def answer(asked: Request) -> Response:
        if asked.method == "GET":
            site.cache.handle(request("POST"), site.origin)
            return Response(200, {"cache-control": FRESH}, b"before")
        return Response(200, {"cache-control": FRESH, "content-location": "/a"}, b"after")

    site.replies(answer)
    assert site.get().body == b"before"
    site.replies(lambda _: Response(200, {}, b"asked again"))
    assert site.get().body in (b"after", b"asked again")


def test_a_store_that_is_busy_with_the_key_does_not_keep_a_post_from_invalidating() -> None:
    """Somebody else has the lease: nothing is stored, and what was stored goes."""
    site = Site().reply(200, b"old", cache_control=FRESH)
    site.get()
    key = site.stored_keys()[0]
    assert site.backend.acquire(key, "somebody", 60)
    site.reply(200, b"new", cache_control=FRESH, content_location="/a")
    assert "stored" not in site.does("POST").headers["cache-status"]
    assert site.stored_keys() == []


def test_an_error_leaves_what_is_stored() -> None:
    """Section 4.4: a non-error answer invalidates."""
    site = Site().reply(200, b"old", cache_control=FRESH)
    site.get()
    site.reply(500, cache_control=FRESH, content_location="/a")
    site.does("POST")
    assert site.get().body == b"old"
