"""What is kept of an answer."""

from __future__ import annotations

import os

import pytest

from lanner.http.message import Response
from lanner.idempotency.policy import DAY_S, IdempotencyPolicy
from lanner.idempotency.record import COMPRESSED_FROM, MAX_BODY, UNRECORDED, Answer


def test_cookies_and_fields_of_one_exchange_are_not_kept() -> None:
    """Whoever repeats a request gets the answer, and not the first one's session."""
    headers = {"content-type": "text/plain", "etag": '"1"', **dict.fromkeys(UNRECORDED, "x")}
    again = Answer.of(Response(200, headers, b"x", cookies=["session=1"])).response()
    assert again.headers == {"content-type": "text/plain", "etag": '"1"'}
    assert again.cookies == []


@pytest.mark.parametrize("size", [0, 1, COMPRESSED_FROM - 1, COMPRESSED_FROM, 100_000, MAX_BODY])
@pytest.mark.parametrize("make", [os.urandom, lambda size: b"a" * size], ids=["random", "even"])
def test_a_body_comes_back(size: int, make: object) -> None:
    """Compressed or not, byte for byte."""
    body: bytes = make(size)  # type: ignore[operator]
    answer = Answer.of(Response(200, {}, body))
    assert answer.response().body == body
    assert answer.body is not None
    assert len(answer.body) <= len(body)


def test_what_compresses_may_be_larger_than_the_bound() -> None:
    """The bound is on what is stored."""
    body = b'{"name":"value"},' * 100_000
    answer = Answer.of(Response(200, {}, body))
    assert len(body) > MAX_BODY
    assert answer.response().body == body


def test_a_replay_cannot_change_the_record() -> None:
    """What a step outside writes on one replay is not on the next."""
    answer = Answer.of(Response(200, {"a": "b"}, b""))
    answer.response().headers["x-request-id"] = "1"
    assert answer.response().headers == {"a": "b"}


@pytest.mark.parametrize("declared", [{"ttl_s": DAY_S - 1}, {"lease_s": 0}, {"lease_s": DAY_S + 1}])
def test_a_policy_that_promises_too_little_is_refused(declared: dict[str, int]) -> None:
    """At import, so that the deployment fails."""
    with pytest.raises(ValueError, match=r"day|lease"):
        IdempotencyPolicy(**declared)  # type: ignore[arg-type]
