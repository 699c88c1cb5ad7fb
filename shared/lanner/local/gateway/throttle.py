"""Throttling of stages and usage plans, API keys and quotas.

A key comes with `X-API-Key`, or as `usageIdentifierKey` from the authorizer where the API says so.
Order, as in AWS: the API key must be known where the method requires one (403); then its usage plan's quota and rate,
then the route's own rate, or else the stage's (429). Rates are token buckets: `burst` tokens at most, `rate` new ones a
second; a missing burst is taken as the rate. Each stage of an API has buckets of its own; what a key may spend counts
over all stages of its usage plan. Quotas count whole calendar days, weeks (from Monday) and months in UTC.
Buckets are in memory and start full with each plan.
"""

from __future__ import annotations

import time

from lanner.clock import Clock
from lanner.local.gateway.call import Call
from lanner.local.gateway.faults import GatewayFault
from lanner.local.plan import CloudPlan, RoutePlan, ThrottlePlan, UsagePlan

API_KEY_HEADER = "x-api-key"


class TokenBucket:
    """A token bucket over a monotonic clock."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Take one token; False where there is none."""
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Quota:
    """So many requests per calendar period, in UTC."""

    def __init__(self, plan: ThrottlePlan, clock: Clock) -> None:
        self._limit = plan.quota or 0
        self._period = plan.quota_period or "DAY"
        self._clock = clock
        self._current: tuple[int, ...] = ()
        self._used = 0

    def take(self) -> bool:
        """Count one request; False where the period's quota is spent."""
        current = self._bounds()
        if current != self._current:
            self._current, self._used = current, 0
        if self._used >= self._limit:
            return False
        self._used += 1
        return True

    def _bounds(self) -> tuple[int, ...]:
        now = self._clock.now()
        day = int(now // 86_400)
        if self._period == "WEEK":
            return ((day + 3) // 7,)  # day 0 was a Thursday
        if self._period == "MONTH":
            at = time.gmtime(now)
            return (at.tm_year, at.tm_mon)
        return (day,)


class _KeyUse:
    """One API key under one usage plan."""

    def __init__(self, plan: UsagePlan, key_id: str, clock: Clock) -> None:
        self.plan = plan
        self.key_id = key_id
        self.bucket = _bucket(plan.throttle, clock)
        self.quota = Quota(plan.throttle, clock) if plan.throttle.quota is not None else None


class Throttles:
    """All buckets of one plan."""

    def __init__(self, plan: CloudPlan, clock: Clock) -> None:
        self._stages = {api.identity: _bucket(api.throttle, clock) for api in plan.apis.values()}
        self._routes = {
            (api.identity, route.method, route.path): (route.throttle, _bucket(route.throttle, clock))
            for api in plan.apis.values()
            for route in api.routes
            if route.throttle is not None
        }
        self._keys: dict[tuple[tuple[str, str], str], _KeyUse] = {}  # by stage and key
        for usage in plan.usage_plans:
            for value, key_id in usage.keys.items():
                use = _KeyUse(usage, key_id, clock)
                for stage in usage.apis:
                    if stage in plan.apis:
                        self._keys[plan.apis[stage].identity, value] = use

    def admit(self, call: Call, route: RoutePlan) -> None:
        """Let a request pass, or raise the fault that says why not."""
        stage = call.api.identity
        if route.api_key_required:
            self._admit_key(call)
        whose, throttle, bucket = "stage", call.api.throttle, self._stages.get(stage)
        if route.throttle is not None:
            whose, (throttle, bucket) = "route", self._routes[stage, route.method, route.path]
        if bucket is not None and not bucket.take():
            raise GatewayFault("THROTTLED", f"the {whose}'s throttle: {throttle.rate}/s, burst {throttle.burst}")

    def _admit_key(self, call: Call) -> None:
        value, source = call.request.header(API_KEY_HEADER), "the request has {} X-API-Key"
        if call.api.keys_from_authorizer:
            value, source = call.usage_key, "the authorizer returned {} usageIdentifierKey"
        use = self._keys.get((call.api.identity, value)) if value else None
        if use is None:
            known = source.format("an unknown" if value else "no")
            raise GatewayFault("INVALID_API_KEY", f"the method requires an API key of a usage plan; {known}")
        call.api_key, call.api_key_id = value, use.key_id
        if use.quota is not None and not use.quota.take():
            throttle = use.plan.throttle
            note = f"the quota of usage plan {use.plan.name}: {throttle.quota} a {throttle.quota_period}"
            raise GatewayFault("QUOTA_EXCEEDED", note)
        if use.bucket is not None and not use.bucket.take():
            raise GatewayFault("THROTTLED", f"the throttle of usage plan {use.plan.name}")


def _bucket(plan: ThrottlePlan, clock: Clock) -> TokenBucket | None:
    if plan.rate is None and plan.burst is None:
        return None
    rate = plan.rate if plan.rate is not None else float(plan.burst or 0)
    burst = plan.burst if plan.burst is not None else max(1, int(rate))
    return TokenBucket(rate, burst, clock)
