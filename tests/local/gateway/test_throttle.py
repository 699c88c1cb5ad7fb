"""Stage throttling, API keys, usage plans and quotas, with a clock that the tests move."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.clock import ManualClock
from lanner.local.gateway.throttle import Quota, TokenBucket
from lanner.local.plan import ThrottlePlan, UsagePlan
from tests.local.gateway.gateway_cloud import Serve, Served, cloud, http_api, rest_api, route


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_stage_throttle_lets_a_burst_pass_and_then_its_rate(serve: Serve, kind: str) -> None:
    """429 `Too Many Requests` until the clock has moved."""
    throttle = ThrottlePlan(rate=2, burst=3)
    api = (rest_api if kind == "rest" else http_api)(route("GET /x"), stage="prod", throttle=throttle)
    served = serve(cloud(api))
    statuses = [served.get("/prod/x").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert served.get("/prod/x").json() == {"message": "Too Many Requests"}
    served.clock.advance(0.5)
    assert [served.get("/prod/x").status_code for _ in range(2)] == [200, 429]


def test_a_route_with_a_throttle_of_its_own_leaves_the_stages_alone(serve: Serve) -> None:
    """Its bucket is in the place of the stage's, which the other route spends."""
    slow = route("GET /slow", throttle=ThrottlePlan(rate=1, burst=1))
    served = serve(cloud(rest_api(slow, route("GET /x"), throttle=ThrottlePlan(rate=1, burst=2))))
    paths = ["slow", "slow", "x", "x", "x"]
    assert [served.get(f"/prod/{path}").status_code for path in paths] == [200, 429, 200, 200, 429]


def keyed(serve: Serve, **throttle: Any) -> Served:
    usage = UsagePlan("gold", ("Api",), {"secret-1": "key-1", "secret-2": "key-2"}, ThrottlePlan(**throttle))
    return serve(cloud(rest_api(route("GET /x", api_key_required=True)), usage_plans=[usage]))


def test_an_api_key_is_required_and_known(serve: Serve) -> None:
    """403 `Forbidden` without one or with an unknown one; a known one is in the event."""
    served = keyed(serve)
    for headers in ({}, {"X-API-Key": "wrong"}):
        answer = served.get("/prod/x", headers=headers)
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
        assert answer.headers["x-amzn-errortype"] == "ForbiddenException"
    identity = served.get("/prod/x", headers={"x-api-key": "secret-1"}).json()["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == ("secret-1", "key-1")


def test_a_usage_plan_limits_each_key_on_its_own(serve: Serve) -> None:
    """One key's burst does not spend another's."""
    served = keyed(serve, rate=1, burst=1)
    keys = ["secret-1", "secret-1", "secret-2"]
    assert [served.get("/prod/x", headers={"x-api-key": key}).status_code for key in keys] == [200, 429, 200]


def test_a_quota_ends_with_its_period(serve: Serve) -> None:
    """429 `Limit Exceeded` until the next day in UTC."""
    served = keyed(serve, quota=2, quota_period="DAY")
    headers = {"x-api-key": "secret-1"}
    assert [served.get("/prod/x", headers=headers).status_code for _ in range(3)] == [200, 200, 429]
    answer = served.get("/prod/x", headers=headers)
    assert (answer.json(), answer.headers["x-amzn-errortype"]) == (
        {"message": "Limit Exceeded"},
        "LimitExceededException",
    )
    served.clock.advance(86_400)
    assert served.get("/prod/x", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("period", "start", "following"),
    [
        ("DAY", 1_709_251_199, 1_709_251_200),  # 2024-02-29T23:59:59Z
        ("WEEK", 1_709_510_399, 1_709_510_400),  # Sunday 2024-03-03T23:59:59Z
        ("MONTH", 1_709_251_199, 1_709_251_200),
    ],
)
def test_quota_periods_end_at_midnight_utc(period: str, start: int, following: int) -> None:
    """Days, weeks from Monday and months of the calendar."""
    clock = ManualClock(start)
    quota = Quota(ThrottlePlan(quota=1, quota_period=period), clock)  # type: ignore[arg-type]
    assert (quota.take(), quota.take()) == (True, False)
    clock.set(start - 3600)
    assert not quota.take()
    clock.set(following)
    assert quota.take()


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A long pause does not save up tokens."""
    clock = ManualClock()
    bucket = TokenBucket(10, 2, clock)
    clock.advance(3600)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
