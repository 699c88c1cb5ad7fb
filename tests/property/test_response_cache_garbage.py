"""Nothing that a client or an origin writes into a header is a fault of the response cache."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.cache.response.directives import parse_cache_control, parse_request, parse_targeted
from lanner.cache.response.key import normal_path
from lanner.cache.response.ranges import parse
from lanner.cache.response.record import Unreadable, decode
from lanner.cache.response.rules import Rules
from lanner.cache.response.selection import normalise, vary_names
from lanner.http.message import Response
from tests.unit.cache_response.site import Site, request

PIECES = st.sampled_from(
    [
        *(
            "max-age",
            "no-store",
            "private",
            "=",
            ",",
            ";",
            '"',
            "\\",
            "0",
            "60",
            "-",
            ".",
            "*",
            " ",
            "\t",
            "bytes",
            "W/",
        ),
        *(
            "%",
            "GMT",
            "foo",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "s-maxage=60",
            "max-stale",
            "é",
            "\udc80",
            "(",
            "?1",
            ":",
        ),
        *("/b", "//x", "http://["),
    ]
)
TEXT = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20)
RESPONSE_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("cache-control", "expires", "date", "age", "vary", "etag", "last-modified", "connection", "location"),
            *("cdn-cache-control", "cache-groups", "content-length", "cache-status", "accept-ranges"),
            *("cache-group-invalidation", "content-location"),
        ]
    ),
    TEXT,
    max_size=5,
)
REQUEST_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("cache-control", "if-none-match", "if-modified-since", "range", "if-range", "host", "cookie"),
            "accept-encoding",
        ]
    ),
    TEXT,
    max_size=4,
)
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "TRACE"])


@settings(max_examples=400, deadline=None)
@given(
    said=RESPONSE_FIELDS,
    status=st.sampled_from([200, 204, 304, 404, 500]),
    steps=st.lists(st.tuples(METHODS, TEXT, REQUEST_FIELDS, st.sampled_from([0, 1, 61])), min_size=1, max_size=5),
)
def test_no_header_is_a_fault(
    said: dict[str, str], status: int, steps: list[tuple[str, str, dict[str, str], int]]
) -> None:
    """Whatever is written, there is an answer, and nothing is counted as an error."""
    site = Site(early=False).replies(lambda _: Response(status, dict(said), b"body"))
    for method, path, headers, seconds in steps:
        asked = request(method, "/a")
        asked.public_path = f"/{path}"
        asked.headers.update(headers)
        answer = site.wait(seconds).send(asked)
        assert "cache-status" in answer.headers
    assert site.cache.statistics()["unreadable"] == 0


@settings(max_examples=300, deadline=None)
@given(text=TEXT, size=st.integers(0, 20))
def test_parsers_take_anything(text: str, size: int) -> None:
    """And what they find is within bounds."""
    parse_cache_control(text)
    parse_request(text)
    parse_targeted(text)
    vary_names(text)
    for span in parse(text, size) or ():
        assert 0 <= span[0] <= span[1] < size
    assert normalise("accept-encoding", normalise("accept-encoding", text)) == normalise("accept-encoding", text)
    assert normal_path(text).count("/") == text.count("/")


@given(value=st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"LRC1" + tail))
def test_random_bytes_are_unreadable(value: bytes) -> None:
    """Nothing but `Unreadable` is raised for them."""
    with pytest.raises(Unreadable):
        decode(value, Rules())
