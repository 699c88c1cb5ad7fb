"""The jobs behind the cache.

cache.refresh       has a function render one answer that is stale
cache.warm          runs the warming plan
cache.invalidate    does what a change could not do at once, because the cache did not answer
cdn.invalidate      tells CloudFront which tags are out of date
"""

from __future__ import annotations

from typing import Any

from domain.rendering.events import RenderingFailed, render
from domain.rendering.refresh import REFRESH
from domain.rendering.warm import PLAN, TIMEOUT_MS
from lanner.cache.default import default_tags
from lanner.cache.warming import Progress
from lanner.jobs.context import JobContext
from lanner.jobs.declaration import job
from lanner.jobs.retry import Retry

WARM = "cache.warm"
INVALIDATE = "cache.invalidate"
INVALIDATE_CDN = "cdn.invalidate"
TIMEOUT_S = 240
LEFT_MS = 2_000.0
"""Of an attempt's time, for saying how it ended."""


@job(REFRESH, retry=Retry(2.0), timeout=TIMEOUT_S, max_attempts=2)
def refresh(payload: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Have the function render the answer. Two attempts: the next reader of a stale answer asks again anyway."""
    timeout = min(TIMEOUT_MS, context.remaining_ms() - LEFT_MS)
    render(payload["function"], payload["event"], timeout_ms=timeout)
    return {"path": payload["event"]["rawPath"]}


@job(WARM, retry=Retry(10.0), timeout=TIMEOUT_S, max_attempts=3)
def warm(_payload: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Run the plan. A step that failed fails the attempt, once all others are done."""

    def tell(progress: Progress) -> None:
        ended = progress.done + progress.failed
        context.progress(100 * ended / progress.total, progress.running)

    result = PLAN.run(tell, budget=max(0.0, (context.remaining_ms() - LEFT_MS) / 1000))
    if result.failed:
        raise RenderingFailed(
            "; ".join(f"{each.name}: {each.error or 'no time'}" for each in result.steps if each.error)
        )
    return {"steps": result.done}


@job(INVALIDATE, retry=Retry(1.0, factor=2.0, maximum=300.0), timeout=30, max_attempts=20)
def invalidate(payload: dict[str, Any], _context: JobContext) -> None:
    """Invalidate tags. Doing it twice takes back answers twice, which costs a rendering and no more."""
    default_tags().invalidate(payload["tags"])


@job(INVALIDATE_CDN, retry=Retry(5.0, factor=3.0, maximum=600.0), timeout=30, max_attempts=8)
def invalidate_cdn(payload: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Tell CloudFront which tags are out of date (developer guide, "Invalidating content by cache tags")."""
    from lanner.aws.clients import client
    from lanner.settings import setting

    paths = [f"#{tag}" for tag in payload["tags"]]
    answer = client("cloudfront").create_invalidation(
        DistributionId=setting("LANNER_CDN_DISTRIBUTION"),
        InvalidationBatch={
            "Paths": {"Quantity": len(paths), "Items": paths},
            # The same reference is the same invalidation: an attempt whose answer was lost makes no second one.
            "CallerReference": context.idempotency_key,
        },
    )
    return {"invalidation": answer["Invalidation"]["Id"]}
