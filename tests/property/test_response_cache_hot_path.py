"""The shortest path of a hit says what the long one says, for every request and response."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.http.message import Response
from tests.unit.cache_response.site import Site, request

RESPONSES = st.fixed_dictionaries(
    {
        "cache-control": st.sampled_from(
            ["max-age=10", "max-age=1", "s-maxage=10", "no-cache", "max-age=5, stale-while-revalidate=9", "public"]
        )
    },
    optional={
        "etag": st.sampled_from(['"1"', 'W/"1"']),
        "last-modified": st.just("Sun, 06 Nov 1994 08:49:37 GMT"),
        "vary": st.sampled_from(["foo", "foo, bar", "accept-encoding"]),
        "age": st.sampled_from(["0", "3", "20"]),
        "cache-status": st.just("Inner; hit"),
        "lanner-cache-control": st.sampled_from(["max-age=3", "&", "no-store"]),
        "content-length": st.just("4"),
        "x-a": st.just("1"),
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "cache-control": st.sampled_from(["max-age=3", "no-cache", "max-stale", "only-if-cached", "min-fresh=4", ""]),
        "if-none-match": st.sampled_from(['"1"', '"2"', "*"]),
        "if-modified-since": st.just("Sun, 06 Nov 1994 08:49:37 GMT"),
        "range": st.sampled_from(["bytes=0-1", "bytes=9-"]),
        "foo": st.sampled_from(["1", "2"]),
        "accept-encoding": st.sampled_from(["gzip, br", "br,gzip", "gzip"]),
        "authorization": st.just("x"),
    },
)
STEPS = st.lists(st.tuples(st.floats(0, 6), st.sampled_from(["GET", "HEAD"]), REQUESTS), min_size=2, max_size=8)


@settings(max_examples=300, deadline=None)
@given(fields=RESPONSES, status=st.sampled_from([200, 404]), steps=STEPS)
def test_the_shortest_path_is_the_long_one(
    fields: dict[str, str], status: int, steps: list[tuple[float, str, dict[str, str]]]
) -> None:
    """Two caches, one without the shortest path, see the same: answers, calls of the origin, counts, state."""
    fast, slow = Site(fast_path=True), Site(fast_path=False)
    for site in (fast, slow):
        site.replies(lambda _: Response(status, dict(fields), b"body"))
    for seconds, method, headers in steps:
        seen = []
        for site in (fast, slow):
            asked = request(method)
            asked.headers.update(headers)
            answer = site.wait(seconds).send(asked)
            seen.append((answer.status, answer.headers, answer.body, answer.cookies, asked.state["cache"], site.calls))
        assert seen[0] == seen[1]
    assert fast.cache.statistics() == slow.cache.statistics()
