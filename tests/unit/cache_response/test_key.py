"""The cache key: RFC 9111 section 2, and what keeps a cache from being poisoned or deceived."""

from __future__ import annotations

import pytest

from lanner.cache.response.key import join, normal_path
from tests.unit.cache_response.site import Site, request


def shared(first: str, second: str, **hosts: str) -> bool:
    """Whether two URLs are one entry."""
    site = Site().reply(cache_control="max-age=60")
    site.send(request("GET", first, host=hosts.get("one", "h")))
    site.send(request("GET", second, host=hosts.get("other", "h")))
    return site.calls == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("/%61", "/a"), ("/%7Euser", "/~user"), ("/a%2fb", "/a%2Fb"), ("/a?", "/a"), ("/%e2%82%ac", "/%E2%82%AC")],
)
def test_equivalent_uris_are_one(one: str, other: str) -> None:
    """RFC 3986 section 6.2.2: escapes of unreserved characters, and the case of hexadecimal digits."""
    assert shared(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a%2Fb", "/a/b"),
        ("/a", "/A"),
        ("/a", "/a/"),
        ("/a", "//a"),
        ("/a/../b", "/b"),
        ("/a/./b", "/a/b"),
        ("/a%3Fx=1", "/a?x=1"),
        ("/a?x=1&y=2", "/a?y=2&x=1"),
        ("/a?x=%61", "/a?x=a"),
        ("/a?x=1", "/a?x=2"),
        ("/a?x=1", "/a"),
        ("/a;x", "/a"),
        ("/a.css", "/a"),
        ("/a%", "/a%25"),
        ("/a%2", "/a2"),
        ("/a%00", "/a"),
        ("/a%252F", "/a%2F"),
        ("/a%23", "/a#"),
    ],
)
def test_other_uris_are_others(one: str, other: str) -> None:
    """No slash is decoded, no dot resolved, no case folded, no query sorted: deception needs such a difference."""
    assert not shared(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A.example", "a.EXAMPLE", True),
        ("a:443", "a", True),
        ("a:80", "a", True),
        ("a:8080", "a", False),
        ("a", "b", False),
    ],
)
def test_hosts(one: str, other: str, same: bool) -> None:
    """Letter case and default ports do not count."""
    assert shared("/a", "/a", one=one, other=other) is same


def test_a_host_cannot_reach_into_the_path() -> None:
    """Each part has its length before it."""
    assert not shared("/b", "/a/b", one="h/a", other="h")
    assert join("a", "1", "/b", "") != join("a1", "", "/b", "")
    assert join("a", "", "1:/b", "") != join("a", "1", ":/b", "")


def test_headers_that_vary_does_not_name_are_not_in_the_key() -> None:
    """So an origin whose answer depends on one must say so in Vary."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    assert site.is_cached(x_forwarded_host="evil", x_original_url="/b", x_http_method_override="POST")


def test_the_version_is_in_the_key() -> None:
    """It may come from a header that Vary names only in words."""

    class Version:
        def __init__(self, name: str) -> None:
            self.name = name

    site = Site().reply(cache_control="max-age=60")
    for name in ("v1", "v2", "v1"):
        asked = request("GET")
        asked.version = Version(name)  # type: ignore[assignment]
        site.send(asked)
    site.get()
    assert site.calls == 3


def test_a_key_can_be_given() -> None:
    """For one entry per principal, or without the host."""
    site = Site(key=lambda asked: asked.principal.id, shared=False).reply(cache_control="private, max-age=60")
    site.get("/a")
    assert site.is_cached("/b")


def test_normal_paths() -> None:
    """Broken escapes stay as they are."""
    assert normal_path("/%zz%4") == "/%zz%4"
    assert normal_path("/%2e%2E/%41%c3%A9") == "/../A%C3%A9"
