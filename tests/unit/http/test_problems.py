"""Problem documents: what they hold, and that they stay small."""

from __future__ import annotations

import orjson

from lanner.http.events import HTTP
from lanner.http.message import Request
from lanner.http.problems import MAX_ERRORS, MAX_TOKEN, BadRequest, Unavailable, Unprocessable, member, parameter


def _request() -> Request:
    return Request("GET", "/things", {}, source=HTTP, request_id="r-1")


def test_a_problem_has_the_members_of_its_type() -> None:
    """Type, title, status, detail and instance (RFC 9457 section 3.1), and the members that the error adds."""
    answer = BadRequest("The limit is none", errors=[parameter("limit", "is none")], supported=["v1"]).response(
        _request()
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert orjson.loads(answer.body) == {
        "type": "/problems/bad-request",
        "title": "Bad request",
        "status": 400,
        "detail": "The limit is none",
        "instance": "r-1",
        "errors": [{"pointer": "?limit", "detail": "is none"}],
        "supported": ["v1"],
    }


def test_a_problem_is_never_stored() -> None:
    """An error is about one moment: no cache between may keep it, unless who raised it says so."""
    assert BadRequest().response(_request()).headers["cache-control"] == "no-store"
    kept = BadRequest(headers={"cache-control": "max-age=5"}).response(_request())
    assert kept.headers["cache-control"] == "max-age=5"


def test_many_errors_are_told_as_fifty() -> None:
    """However many there are: the answer has to pass through a gateway."""
    answer = Unprocessable("wrong", errors=[member((number,), "is wrong") for number in range(1000)])
    told = orjson.loads(answer.response(_request()).body)["errors"]
    assert len(told) == MAX_ERRORS
    assert told[0] == {"pointer": "#/0", "detail": "is wrong"}


def test_a_pointer_is_escaped_and_cut() -> None:
    """RFC 6901 section 3: `~` and `/` in a name are written `~0` and `~1`; a name may be as long as a body."""
    assert member(("a/b", "c~d", 0), "x")["pointer"] == "#/a~1b/c~0d/0"
    assert member(("n" * 5000,), "x")["pointer"] == "#/" + "n" * MAX_TOKEN


def test_a_detail_may_repeat_what_is_no_text() -> None:
    """A JSON event may hold half of a surrogate pair, which no UTF-8 can: the answer has a question mark there."""
    assert orjson.loads(BadRequest("no \ud800").response(_request()).body)["detail"] == "no ?"


def test_the_cause_of_a_failure_is_for_the_log_alone() -> None:
    """A 5xx leaves itself in the request's state and tells the client nothing of what was behind it."""
    request, failed = _request(), Unavailable("The storage does not answer", retry_after=1)
    failed.__cause__ = ConnectionError("host db-7 refused")
    answer = failed.response(request)
    assert request.state["error"] is failed
    assert (answer.headers["retry-after"], b"db-7" in answer.body) == ("1", False)
