"""Serving stale (RFC 9111 section 4.2.4), stale-while-revalidate, stale-if-error (RFC 5861), early refresh (XFetch)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.http.message import Request, Response
from lanner.http.problems import ApiError
from tests.unit.cache_response.site import Site, request

FAILING: list[Callable[[Request], Response]] = [
    lambda _: Response(500),
    lambda _: Response(502),
    lambda _: Response(503, {"cache-control": "max-age=60"}),
    lambda _: Response(504),
]


class NotFound(ApiError):
    status = 404


def raises(error: BaseException) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        raise error

    return answer


@pytest.mark.parametrize(
    "value", ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2", "MUST-REVALIDATE", "must-revalidate=1"]
)
@pytest.mark.parametrize("extra", ["", ", stale-if-error=600, stale-while-revalidate=600"])
def test_stale_is_never_served_where_it_is_prohibited(value: str, extra: str) -> None:
    """Section 4.2.4: not on errors, not for max-stale, not while it is revalidated."""
    site = Site().reply(cache_control=f"max-age=2, {value}{extra}")
    site.get()
    site.reply(503, b"down")
    site.wait(3)
    assert site.get().status == 503
    assert site.get(cache_control="max-stale").status == 503
    assert site.get(cache_control="stale-if-error=600").status == 503
    assert site.calls == 4


def test_an_origin_that_cannot_be_reached_is_an_error_where_stale_is_prohibited() -> None:
    """Section 5.2.2.2: a disconnected cache MUST answer with an error; here what the origin raised."""
    site = Site().reply(cache_control="max-age=2, must-revalidate")
    site.get()
    site.replies(raises(ConnectionError("unreachable")))
    with pytest.raises(ConnectionError):
        site.wait(3).get()


def test_a_private_cache_ignores_proxy_revalidate() -> None:
    """Section 5.2.2.8: it is for shared caches."""
    site = Site(shared=False).reply(cache_control="max-age=2, proxy-revalidate, s-maxage=2")
    site.get()
    assert site.wait(3).is_cached(cache_control="max-stale")


@pytest.mark.parametrize("answer", FAILING)
def test_an_error_is_passed_on_where_nobody_permits_stale(answer: Callable[[Request], Response]) -> None:
    """Section 4.3.3 leaves it to us; RFC 5861 section 4 is how an origin permits it."""
    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.replies(answer)
    assert site.wait(2).get().status == answer(request("GET")).status


@pytest.mark.parametrize("answer", [*FAILING, raises(RuntimeError("down"))])
def test_stale_if_error_serves_within_its_window(answer: Callable[[Request], Response]) -> None:
    """RFC 5861 section 4: 500, 502, 503, 504, and what would be one."""
    site = Site().reply(cache_control="max-age=10, stale-if-error=60")
    site.get()
    site.replies(answer)
    served = site.wait(30).get()
    assert (served.status, served.body, served.headers["age"]) == (200, b"body", "30")


def test_stale_if_error_ends_with_its_window() -> None:
    """Seconds after it became stale, not after it was stored."""
    site = Site().reply(cache_control="max-age=10, stale-if-error=60", etag='"1"')
    site.get()
    site.reply(503)
    assert site.wait(70).get().status == 200
    assert site.wait(2).get().status == 503
    site.replies(raises(RuntimeError("down")))
    with pytest.raises(RuntimeError):
        site.get()


@pytest.mark.parametrize("status", [400, 404, 429, 501, 505])
def test_other_errors_are_answers(status: int) -> None:
    """RFC 5861 section 4 names four; a 404 is news."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    site.reply(status)
    assert site.wait(2).get().status == status


def test_an_error_that_is_an_answer_is_raised() -> None:
    """An `ApiError` of 404 is not a failing origin, and what was raised is raised."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    site.replies(raises(NotFound("gone")))
    with pytest.raises(NotFound):
        site.wait(2).get()


def test_what_the_origin_raised_is_left_for_the_log() -> None:
    """A stale answer hides no fault from whoever writes the log line."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    error = RuntimeError("down")
    site.replies(raises(error))
    asked = request("GET")
    answer = site.wait(2).send(asked)
    assert asked.state["cache_error"] is error
    assert "fwd-status" not in answer.headers["cache-status"]  # there was none (RFC 9211 section 2.3)
    assert asked.state["cache"] == "stale"


def test_a_client_may_permit_stale_on_error() -> None:
    """RFC 5861 section 4: stale-if-error is a request directive too."""
    site = Site().reply(cache_control="max-age=1")
    site.get()
    site.reply(503)
    assert site.wait(2).get(cache_control="stale-if-error=60").status == 200
    assert site.wait(100).get(cache_control="stale-if-error=60").status == 503


def test_a_demand_for_validation_is_not_met_with_the_store() -> None:
    """Section 5.2.1.4: no-cache wants the origin's word, also when that is an error."""
    site = Site().reply(cache_control="max-age=10, stale-if-error=600")
    site.get()
    site.reply(503)
    assert site.get(cache_control="no-cache").status == 503
    assert site.wait(20).get(cache_control="max-age=0").status == 503
    assert site.get().status == 200


def test_stale_is_served_on_error_only_within_what_the_client_demands() -> None:
    """Section 5.2.1: a max-age or min-fresh that the stored response does not meet gets the error."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=600, stale-while-revalidate=600")
    site.get()
    site.reply(503)
    site.wait(5)
    assert site.get(cache_control="max-age=2").status == 503
    assert site.get(cache_control="min-fresh=1").status == 503


def test_a_failure_that_takes_no_time_is_not_remembered() -> None:
    """Nobody was kept waiting, so the next one asks: what works again is seen at once."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    site.reply(503)
    assert site.wait(5).get().body == b"body"
    site.reply(200, b"new", cache_control="max-age=1")
    assert site.get().body == b"new"


def test_only_if_cached_never_asks_the_origin() -> None:
    """Section 5.2.1.7: not to refresh either."""
    site = Site().reply(cache_control="max-age=1, stale-while-revalidate=600")
    site.get()
    assert site.wait(5).get(cache_control="only-if-cached").status == 200
    assert site.calls == 1


def test_a_failing_origin_is_left_alone_for_a_moment() -> None:
    """Who finds it failing notes it; the next ones are served without asking, and then somebody asks again."""
    site = Site(hold_ms=1000).reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    site.reply(503).takes = 0.01
    site.wait(2)
    for _ in range(5):
        assert site.get().status == 200
    assert site.calls == 2
    site.wait(1.1).get()
    assert site.calls == 3


def test_stale_while_revalidate_serves_the_stale_response_and_then_the_new_one() -> None:
    """RFC 5861 section 3: stale within the window, refreshed meanwhile, for one reader that is alone too."""
    site = Site().reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60", etag='"1"')
    site.get()
    site.reply(200, b"2", cache_control="max-age=10, stale-while-revalidate=60", etag='"2"')
    stale = site.wait(11).get()
    assert (stale.body, stale.headers["etag"], stale.headers["age"]) == (b"1", '"1"', "11")
    assert stale.headers["cache-status"] == "Lanner; hit; ttl=-1; detail=stale-while-revalidate"
    assert site.get().body == b"2"
    assert site.calls == 2


def test_stale_while_revalidate_takes_what_took_too_long_from_the_origin() -> None:
    """The window is over when the refresh is done: the stale response may not be served any more."""
    site = Site().reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=5")
    site.get()
    site.reply(200, b"2", cache_control="max-age=10").takes = 8
    assert site.wait(11).get().body == b"2"


def test_stale_while_revalidate_whose_refresh_is_raised_after_the_window_raises() -> None:
    """Nothing may stand in for the origin by then."""
    site = Site().reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=5")
    site.get()
    site.replies(raises(NotFound("gone"))).takes = 8
    with pytest.raises(NotFound):
        site.wait(11).get()


def test_stale_while_revalidate_hides_no_fault_of_the_refresh() -> None:
    """What the origin raised is left for the log; the answer is the stale one."""
    site = Site().reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    error = NotFound("gone")
    site.replies(raises(error))
    asked = request("GET")
    assert site.wait(11).send(asked).body == b"1"
    assert asked.state["cache_error"] is error


def test_stale_while_revalidate_refreshes_in_the_request_that_has_the_lease() -> None:
    """`refreshed_first`: who had to wait for the new one gets it."""
    site = Site(refreshed_first=True).reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    site.reply(200, b"2", cache_control="max-age=10, stale-while-revalidate=60")
    assert site.wait(11).get().body == b"2"
    assert site.get().body == b"2"
    assert site.calls == 2


def test_stale_while_revalidate_serves_all_but_the_refresher_at_once() -> None:
    """The others are not kept waiting, and do not ask."""
    site = Site(refreshed_first=True).reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    seen: list[Response] = []

    def answer(_: Request) -> Response:
        if not seen:
            seen.append(site.cache.handle(request("GET"), site.origin))
        return Response(200, {"cache-control": "max-age=10"}, b"2")

    site.replies(answer)
    assert site.wait(11).get().body == b"2"
    assert seen[0].body == b"1"
    assert seen[0].headers["cache-status"] == "Lanner; hit; ttl=-1; detail=stale-while-revalidate"
    assert site.calls == 2


def test_stale_while_revalidate_ends_with_its_window() -> None:
    """After it, everybody waits for the origin."""
    site = Site().reply(cache_control="max-age=10, stale-while-revalidate=5", etag='"1"')
    site.get()
    site.reply(503)
    assert site.wait(15).get().status == 200
    assert site.wait(2).get().status == 503


def test_a_refresh_that_fails_serves_what_is_there() -> None:
    """Within the window the stale response is as good as permitted."""
    site = Site().reply(cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    site.replies(raises(RuntimeError("down"))).takes = 0.01
    assert site.wait(11).get().body == b"body"
    assert site.get().body == b"body"
    assert site.calls == 2


def test_somebody_else_may_refresh() -> None:
    """The seam: the stale answer goes out at once and one refresh is handed over, with the key."""
    handed: list[str] = []

    def refresh(_: Request, key: str) -> bool:
        handed.append(key)
        return True

    site = Site(refresh=refresh, lease_ms=3000).reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    site.wait(11)
    assert [site.get().body for _ in range(3)] == [b"1"] * 3
    assert (len(handed), site.calls) == (1, 1)
    site.wait(3.1).get()
    assert len(handed) == 2
    site.reply(200, b"2", cache_control="max-age=10")
    assert site.cache.refresh(request("GET"), site.origin).body == b"2"
    assert site.get().body == b"2"
    assert site.calls == 2


def test_who_cannot_hand_a_refresh_over_does_it() -> None:
    """`refresh` gives False: the holder of the lease refreshes."""
    site = Site(refresh=lambda *_: False, refreshed_first=True).reply(
        200, b"1", cache_control="max-age=10, stale-while-revalidate=60"
    )
    site.get()
    site.reply(200, b"2", cache_control="max-age=10")
    assert site.wait(11).get().body == b"2"


def test_a_hand_over_that_fails_is_no_fault_of_the_request() -> None:
    """The queue is down: the holder of the lease refreshes."""

    def refresh(*_: object) -> bool:
        raise OSError("queue")

    site = Site(refresh=refresh).reply(200, b"1", cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    site.reply(200, b"2", cache_control="max-age=10")
    assert [site.wait(11).get().body, site.get().body] == [b"1", b"2"]


def test_an_early_refresh_that_fails_serves_what_is_fresh() -> None:
    """It is a hit, and nobody tries again for a moment."""
    site = Site(early=True).reply(cache_control="max-age=100")
    site.takes = 50
    site.get()
    site.reply(503).takes = 0.00001
    site.wait(49.9999)
    answers = [site.get() for _ in range(40)]
    assert {answer.status for answer in answers} == {200}
    assert site.calls == 2
    assert site.cache.statistics()["stale"] == 0


def test_head_does_not_refresh() -> None:
    """It could not store what it gets."""
    site = Site().reply(cache_control="max-age=10, stale-while-revalidate=60")
    site.get()
    assert site.wait(11).head().headers["age"] == "11"
    assert site.calls == 1


def test_who_took_long_is_refreshed_early() -> None:
    """XFetch: shortly before the end one reader refreshes, with a chance that grows with what it takes."""
    site = Site(early=True).reply(cache_control="max-age=100")
    site.takes = 10
    site.get()
    assert site.wait(20).is_cached() or site.calls == 2
    site.wait(69.9999).get()
    for _ in range(40):
        site.get()
    assert site.calls > 1


def test_without_early_refresh_fresh_is_a_hit() -> None:
    """By default nothing is left to chance, however long an answer took."""
    site = Site().reply(cache_control="max-age=100")
    site.takes = 50
    site.get()
    site.wait(49.9)
    assert all(site.is_cached() for _ in range(50))


def test_no_warning_is_generated() -> None:
    """Section 5.5: obsolete."""
    site = Site().reply(cache_control="max-age=1, stale-if-error=60")
    site.get()
    site.reply(503)
    assert "warning" not in site.wait(2).get().headers
