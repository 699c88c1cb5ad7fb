"""RFC 9111 section 4.4, cache groups (RFC 9875), tags, and the races between a change and an answer in the making."""

from __future__ import annotations

import pytest

from lanner.cache.errors import CacheUnavailable
from lanner.cache.memory import MemoryBackend
from lanner.cache.response.invalidation import groups
from lanner.cache.tags import TagIndex
from lanner.clock import ManualClock
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import NOW, Site, request

FRESH = "max-age=600"
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "M-SEARCH", "PURGE", "post"]


def stored(*urls: str, **options: object) -> Site:
    site = Site(**options).reply(cache_control=FRESH)
    for url in urls or ("/a",):
        site.get(url)
    return site


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("status", [200, 201, 204, 301, 303, 399])
def test_an_unsafe_method_invalidates_its_target(method: str, status: int) -> None:
    """A non-error answer to a method that is not known to be safe."""
    site = stored()
    site.reply(status, b"")
    site.does(method)
    site.reply(cache_control=FRESH)
    assert not site.is_cached()


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_invalidates_nothing(method: str, status: int) -> None:
    """The change did not happen."""
    site = stored()
    site.reply(status)
    site.does(method)
    assert site.is_cached()


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "HEAD", "GET"])
def test_a_safe_method_invalidates_nothing(method: str) -> None:
    """RFC 9110 section 9.2.1."""
    site = stored("/a", "/b")
    site.reply(200, b"", location="/b", content_location="/b")
    site.does(method, "/c")
    site.does("OPTIONS", "/a")
    assert site.is_cached("/b")
    assert site.is_cached("/a")


@pytest.mark.parametrize("name", ["location", "content_location"])
@pytest.mark.parametrize(
    "value",
    [
        "/d/b?x=1",
        "b?x=1",
        "./b?x=1",
        "https://api.example.com/d/b?x=1",
        "http://API.example.com:80/d/b?x=1",
        "//api.example.com/d/b?x=1",
    ],
)
def test_what_location_and_content_location_name_is_invalidated(name: str, value: str) -> None:
    """Relative and absolute, of the same origin."""
    site = stored("/d/a", "/d/b?x=1", "/d/b")
    site.reply(201, b"", **{name: value})
    site.does("POST", "/d/a")
    site.reply(cache_control=FRESH)
    assert not site.is_cached("/d/b?x=1")
    assert site.is_cached("/d/b")


@pytest.mark.parametrize(
    "value",
    [
        "https://other.example.com/b",
        "//other.example.com/b",
        "https://api.example.com:8443/b",
        "mailto:/b",
        "http://[/b",
        "https://x@api.example.com/b",
    ],
)
def test_another_origin_is_never_invalidated(value: str) -> None:
    """Section 4.4: MUST NOT, or anybody could empty anybody's cache."""
    site = stored("/a", "/b")
    site.send(request("GET", "/b", host="other.example.com"))
    site.reply(201, b"", location=value)
    site.does("POST", "/a")
    assert site.is_cached("/b")
    before = site.calls
    site.send(request("GET", "/b", host="other.example.com"))
    assert site.calls == before


def test_all_variants_and_versions_of_the_target_go() -> None:
    """It is the URI that is invalid, in every form that is stored."""

    class Version:
        def __init__(self, name: str) -> None:
            self.name = name

    def versioned(method: str, name: str, foo: str = "") -> Request:
        asked = request(method, "/a", foo=foo)
        asked.version = Version(name)  # type: ignore[assignment]
        return asked

    site = Site(versions=("v1", "v2")).reply(cache_control=FRESH, vary="foo")
    for name in ("v1", "v2"):
        for foo in "ab":
            site.send(versioned("GET", name, foo))
    assert site.calls == 4
    site.send(versioned("POST", "v1"))
    for name in ("v1", "v2"):
        for foo in "ab":
            site.send(versioned("GET", name, foo))
    assert site.calls == 9


def test_a_key_of_ones_own_is_used_for_invalidation_too() -> None:
    """Also for the URIs that Location names."""
    site = stored("/a", "/b?x=1", key=lambda asked: f"{asked.public_path}?{asked.query_string.decode()}")
    site.reply(201, b"", location="/b?x=1")
    site.does("POST", "/a")
    site.reply(cache_control=FRESH)
    assert not site.is_cached("/a")
    assert not site.is_cached("/b?x=1")


def test_an_answer_from_before_a_change_is_not_stored_after_it() -> None:
    """The origin reads, somebody writes and invalidates, the old answer arrives: it must not stay."""
    site = Site()
    inner = Site(backend=site.backend)

    def slow(_: Request) -> Response:
        inner.reply(204, b"").does("PUT")
        return Response(200, {"cache-control": FRESH}, b"old")

    assert site.replies(slow).get().body == b"old"
    site.reply(200, b"new", cache_control=FRESH)
    assert site.get().body == b"new"
    assert site.is_cached()


def test_groups_are_invalidated_together() -> None:
    """RFC 9875: one answer to an unsafe request, all responses with that group."""
    site = Site()
    site.reply(cache_control=FRESH, cache_groups='"scripts", "all"')
    site.get("/a")
    site.reply(cache_control=FRESH, cache_groups='"all";x=1')
    site.get("/b")
    site.reply(cache_control=FRESH, cache_groups='"other"')
    site.get("/c")
    assert site.is_cached("/a") and site.is_cached("/b") and site.is_cached("/c")
    assert site.get("/a").headers["cache-groups"] == '"scripts", "all"'
    site.reply(200, b"", cache_group_invalidation='"all"')
    assert "cache-group-invalidation" in site.does("POST", "/z").headers
    site.reply(cache_control=FRESH, cache_groups='"all"')
    assert not site.is_cached("/a")
    assert not site.is_cached("/b")
    assert site.is_cached("/c")
    assert site.is_cached("/a")


@pytest.mark.parametrize(
    ("method", "status", "value", "host"),
    [
        ("GET", 200, '"all"', "api.example.com"),
        ("OPTIONS", 200, '"all"', "api.example.com"),
        ("POST", 500, '"all"', "api.example.com"),
        ("POST", 404, '"all"', "api.example.com"),
        ("POST", 200, "all", "api.example.com"),
        ("POST", 200, '"all", &', "api.example.com"),
        ("POST", 200, '("all")', "api.example.com"),
        ("POST", 200, '"All"', "api.example.com"),
        ("POST", 200, '"all"', "other.example.com"),
    ],
)
def test_groups_that_are_not_invalidated(method: str, status: int, value: str, host: str) -> None:
    """Safe methods, errors, what is no list of strings, another case, another origin."""
    site = Site().reply(cache_control=FRESH, cache_groups='"all"')
    site.get()
    site.reply(status, b"", cache_group_invalidation=value)
    site.send(request(method, "/z", host=host))
    assert site.is_cached()


def test_what_shares_a_group_with_what_is_invalidated_goes_with_it() -> None:
    """RFC 9875 section 2.2.1, for variants too; it goes no further, and other tags have no part in it."""
    site = Site()
    for url, said in (("/a", '"x", "y"'), ("/b", '"y", "z"'), ("/c", '"z"'), ("/d", '"x"')):
        site.reply(cache_control=FRESH, cache_groups=said, vary="foo")
        site.get(url)
        site.get(url)
    site.reply(cache_control=FRESH, vary="foo")
    site.get("/a", foo="2")
    site.reply(201, b"").does("POST", "/a")
    site.reply(cache_control=FRESH)
    assert not site.is_cached("/b")
    assert not site.is_cached("/d")
    assert site.is_cached("/c")


def test_a_tag_of_the_route_is_no_group() -> None:
    """Invalidating a URI leaves what has a tag in common with it."""
    site = Site().reply(cache_control=FRESH)
    for url in ("/a", "/b"):
        asked = request("GET", url)
        asked.state["cache_tags"] = ["users"]
        site.send(asked)
    site.does("POST", "/a")
    assert site.is_cached("/b")
    assert not site.is_cached("/a")


def test_groups_become_tags() -> None:
    """Of one origin, whatever their characters and length; a field of another type is none."""
    assert groups("h", '"a", "b c", "a"') == ["group:h/a", "group:h/b%20c"]
    assert groups("h", None) == groups("h", "") == groups("h", "a") == groups("h", "1") == []
    assert len(groups("h", '"' + "x" * 999 + '"')[0]) < 256
    assert len(groups("h", ", ".join(f'"{number}"' for number in range(32)))) == 32


def tagged(index: TagIndex, site_clock: ManualClock | None = None) -> Site:
    site = Site(tags=index)
    if site_clock is not None:
        site.clock = site_clock
    return site


def make() -> tuple[Site, TagIndex]:
    clock = ManualClock(NOW)
    backend = MemoryBackend(clock=clock)
    index = TagIndex(backend, clock)
    site = Site(backend=backend, tags=index)
    return site, index


def ask(site: Site, *tags: str, url: str = "/a") -> Response:
    asked = request("GET", url)
    asked.state["cache_tags"] = list(tags)
    return site.send(asked)


def test_a_tag_of_the_route_invalidates() -> None:
    """Tags from `request.state`, known before."""
    site, index = make()
    site.reply(cache_control=FRESH)
    ask(site, "user:1")
    ask(site, "user:1")
    assert site.calls == 1
    index.invalidate(["user:2"])
    ask(site, "user:1")
    assert site.calls == 1
    index.invalidate(["user:1"])
    ask(site, "user:1")
    assert site.calls == 2
    assert "if-none-match" not in site.sent[1]
    ask(site, "user:1")
    assert site.calls == 2


def test_a_softly_invalidated_response_is_stale() -> None:
    """It may be validated, or served while it is refreshed."""
    site, index = make()
    site.reply(200, b"1", cache_control=FRESH, etag='"1"')
    ask(site, "t")
    index.invalidate(["t"], soft=True)
    ask(site, "t")
    assert site.sent[1]["if-none-match"] == '"1"'
    assert ask(site, "t").headers["cache-status"].startswith("Lanner; hit")
    assert site.calls == 2


def test_an_invalidation_while_the_origin_works_counts() -> None:
    """The generations are those of before: the answer is not used afterwards."""
    site, index = make()

    def slow(_: Request) -> Response:
        index.invalidate(["t"])
        return Response(200, {"cache-control": FRESH}, b"old")

    site.replies(slow)
    ask(site, "t")
    site.reply(200, b"new", cache_control=FRESH)
    assert ask(site, "t").body == b"new"
    assert ask(site, "t").body == b"new"


@pytest.mark.parametrize("known", [False, True])
def test_an_invalidation_of_a_tag_that_is_known_only_afterwards_counts(known: bool) -> None:
    """The tag comes with the answer; whether anybody used it before makes no difference."""
    site, index = make()
    if known:
        index.current(["t"])

    def slow(asked: Request) -> Response:
        index.invalidate(["t"])
        asked.state["cache_tags"] = ["t"]
        return Response(200, {"cache-control": FRESH}, b"old")

    site.replies(slow)
    site.get()
    site.reply(200, b"new", cache_control=FRESH)
    assert site.get().body == b"new"


def test_a_new_tag_that_is_known_only_afterwards_is_stored_at_once() -> None:
    """Its counter was not there, so nobody invalidated it; and once seen it is known."""
    site, index = make()

    def answer(asked: Request) -> Response:
        asked.state["cache_tags"] = ["t"]
        return Response(200, {"cache-control": FRESH}, b"x")

    site.replies(answer)
    for url in ("/a", "/b"):
        site.get(url)
        assert site.is_cached(url)
    index.invalidate(["t"])
    assert not site.is_cached("/a")
    assert site.is_cached("/a")


def test_a_tag_that_others_used_before_is_stored_once_it_was_seen() -> None:
    """Without proof the first answer is not stored; the second is."""
    site, index = make()
    index.invalidate(["t"])

    def answer(asked: Request) -> Response:
        asked.state["cache_tags"] = ["t"]
        return Response(200, {"cache-control": FRESH}, b"x")

    site.replies(answer)
    assert "detail=tags" in site.wait(1).get().headers["cache-status"]
    site.wait(6).get()
    assert site.is_cached()


class Down(TagIndex):
    """An index whose store went away."""

    down = False

    def _read(self, tags: list[str]) -> dict[str, int]:
        if self.down:
            raise CacheUnavailable("down")
        return super()._read(tags)


def test_without_the_index_nothing_tagged_is_stored_or_used() -> None:
    """And requests are answered all the same."""
    clock = ManualClock(NOW)
    index = Down(MemoryBackend(clock=clock), clock, cache_for=0)
    site = Site(tags=index).reply(cache_control=FRESH)
    ask(site, "t")
    index.down = True
    assert ask(site, "t").status == 200
    assert site.calls == 2
    ask(site, "t", url="/new")
    index.down = False
    ask(site, "t", url="/new")
    assert site.calls == 4
    assert site.cache.statistics()["errors"] >= 3
    site.get("/untagged")
    index.down = True
    assert site.is_cached("/untagged")
