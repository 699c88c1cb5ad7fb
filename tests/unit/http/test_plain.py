"""Requests that no event brought."""

from __future__ import annotations

import pytest

from lanner.http.message import Request, Response
from lanner.http.plain import plain_request


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("/a?x=1&y=%20", "/a", b"x=1&y=%20", None),
        ("https://u:p@Host:8443/a/b?q=1#f", "/a/b", b"q=1", "Host:8443"),
        ("http://host?x=1", "/", b"x=1", "host"),
        ("", "/", b"", None),
        ("/r?u=http://other/y", "/r", b"u=http://other/y", None),
        ("/%2f//a/", "/%2f//a/", b"", None),
    ],
)
def test_a_target_is_a_path_or_a_whole_url(target: str, path: str, query: bytes, host: str | None) -> None:
    """Path and query as written; the host of a URL without its user; no fragment."""
    request = plain_request("GET", target)
    assert (request.public_path, request.query_string, request.has_query) == (path, query, bool(query))
    assert request.headers.get("host") == host


def test_fields_body_and_address() -> None:
    """Names in lower case, values of one name joined; a Host that is given stays."""
    given = {"Accept": "a", "accept": "b", "Host": "mine"}
    request = plain_request("POST", "http://other/x?a=1&a=2", given, b"body", source_ip="192.0.2.1")
    assert request.headers == {"accept": "a, b", "host": "mine"}
    assert (request.body, request.source_ip, request.query_values("a")) == (b"body", "192.0.2.1", ["1", "2"])
    assert request.source.consumer(None) == ""
    response = Response(204)
    assert request.source.write(response) is response


def test_a_request_needs_no_source() -> None:
    """It has no query and no body then."""
    request = Request("GET", "/x", {})
    assert (request.has_query, request.query, request.query_string, request.body) == (False, [], b"", b"")
