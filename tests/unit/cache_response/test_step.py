"""The response cache's place in the pipeline, with requests that are made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lanner.cache import default
from lanner.cache.policy import CachePolicy
from lanner.cache.step import REFRESH_MARK, response_cache
from lanner.clock import ManualClock
from lanner.group import RouteGroup
from lanner.http.message import Handler, Request, Response
from lanner.versioning.registry import ApiVersion, VersionRegistry
from tests.unit.cache_response.site import Source

ROUTE = "/users/{id}"
REGISTRY = VersionRegistry((ApiVersion("v1", released_at="2020-01-01T00:00:00Z"),), default="v1")


class ByHand(Source):
    """A source whose events need not be anything."""

    def query_string(self, event: Any) -> bytes:
        return b""

    def has_query(self, event: Any) -> bool:
        return False


@pytest.fixture
def calls() -> list[Request]:
    """What the origin was asked."""
    return []


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch, calls: list[Request]) -> Iterator[Handler]:
    """The step of a group with one cached route, over a memory of its own."""
    monkeypatch.setenv("LANNER_CACHE", "memory://")
    default.close()
    group = RouteGroup(
        "users",
        registry=REGISTRY,
        paths={ROUTE: "GET"},
        routes="nowhere:router",
        cache={ROUTE: CachePolicy(60, tags=("users", "user:{id}"))},
    )

    def origin(request: Request) -> Response:
        calls.append(request)
        request.state["cache_tags"].append("team:1")
        return Response(200, {}, b"%d" % len(calls))

    step = response_cache(group, origin)
    assert step is not None
    yield step
    default.close()


def asked(event: Any) -> Request:
    """A read of one user."""
    request = Request("GET", "/v1/users/7", {}, source=ByHand(), event=event)
    request.route = ROUTE
    request.path_params = {"id": "7"}
    return request


@pytest.mark.parametrize("event", [None, b"", {}, [], "text", object()])
def test_an_event_of_any_kind_is_no_refresh(handle: Handler, calls: list[Request], event: Any) -> None:
    """Only a marked event renders anew; a request made by hand has none."""
    assert [handle(asked(event)).body for _ in range(2)] == [b"1", b"1"]
    assert len(calls) == 1


def test_a_marked_event_is_rendered_anew(handle: Handler, calls: list[Request]) -> None:
    """The origin is asked whatever is kept, and everybody gets what it said."""
    handle(asked(None))
    assert handle(asked({REFRESH_MARK: True})).body == b"2"
    assert handle(asked(None)).body == b"2"
    assert len(calls) == 2


@pytest.mark.parametrize("tag", ["users", "user:7", "team:1"])
def test_tags_of_the_route_and_of_what_it_read_invalidate(handle: Handler, calls: list[Request], tag: str) -> None:
    """Those of the policy, and what the route appended; a hit spells none of them out."""
    handle(asked(None))
    hit = asked(None)
    assert handle(hit).body == b"1"
    assert "cache_tags" not in hit.state
    default.default_tags().invalidate([tag])
    assert handle(asked(None)).body == b"2"
    assert len(calls) == 2


def test_the_caches_date_goes_no_further(handle: Handler) -> None:
    """Whoever answers the client writes one; a gateway would send ours under another name beside its own."""
    answers = [handle(asked(None)) for _ in range(2)]
    assert [("date" in each.headers, each.headers.get("age")) for each in answers] == [(False, None), (False, "0")]


def test_a_hit_is_fresh_for_its_client_for_as_long_as_the_first_answer_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its Age; a 304 says so too, and the stored answer stays as it is."""
    monkeypatch.setenv("LANNER_CACHE", "memory://")
    default.close()
    clock = ManualClock(1_800_000_000)
    group = RouteGroup(
        "users",
        registry=REGISTRY,
        paths={ROUTE: "GET"},
        routes="nowhere:router",
        cache={ROUTE: CachePolicy(600, client_ttl=60)},
        clock=clock,
    )
    step = response_cache(group, lambda _: Response(200, {}, b"1"))
    assert step is not None
    etag = step(asked(None)).headers["etag"]
    for _ in range(2):
        clock.advance(100)
        conditional = asked(None)
        conditional.headers["if-none-match"] = etag
        for answer in (step(asked(None)), step(conditional)):
            left = int(answer.headers["cache-control"].split("max-age=")[1].split(",")[0]) - int(answer.headers["age"])
            assert left == 60
    default.close()


def test_parts_and_conditions_have_the_entity_tag_of_the_whole(handle: Handler, calls: list[Request]) -> None:
    """RFC 9110 section 15.3.7: a 206 says what its 200 would; If-Range and If-None-Match find it in the store."""
    whole = handle(asked(None))
    etag = whole.headers["etag"]
    part, wrong, unchanged = asked(None), asked(None), asked(None)
    part.headers.update({"range": "bytes=0-0", "if-range": etag})
    wrong.headers.update({"range": "bytes=0-0", "if-range": '"other"'})
    unchanged.headers["if-none-match"] = etag
    answer = handle(part)
    assert (answer.status, answer.headers["etag"]) == (206, etag)
    assert handle(wrong).status == 200
    assert handle(unchanged).status == 304
    assert len(calls) == 1
