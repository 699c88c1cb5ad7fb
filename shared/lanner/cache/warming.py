"""Warming: fill the cache before users ask, after a deployment or a purge, or on a schedule.

    PLAN = WarmPlan({"catalog": load_catalog, "first page": WarmRequests(handler, requests)})
    result = PLAN.run(progress=print)

Steps run one after the other in the order they are given and know nothing of each other: one that fails is reported
and the next begins. A step that is called `run` again finds the cache warm and is cheap, so running twice is safe.

    waiting -> running -> done | failed | skipped (the budget was spent before it began)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lanner.cache.errors import CacheConfigError
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lanner.http.message import Request, Response

    Step = Callable[[], object]

FIRST_ERROR_STATUS = 400


class WarmingFailed(Exception):
    """Some requests of a step were answered with errors; the message counts them and shows the first."""


class StepResult(NamedTuple):
    """What became of one step. `error` is "" where it was done; `seconds` is how long it took."""

    name: str
    seconds: float
    error: str = ""
    skipped: bool = False


class Progress(NamedTuple):
    """Told before each step and once at the end, when `running` is ""."""

    done: int
    failed: int
    total: int
    running: str


class WarmResult(NamedTuple):
    """All steps in their order, skipped ones included."""

    steps: tuple[StepResult, ...]

    @property
    def failed(self) -> int:
        """How many did not get done, for whatever reason."""
        return sum(1 for step in self.steps if step.error or step.skipped)

    @property
    def done(self) -> int:
        return len(self.steps) - self.failed


class WarmPlan:
    """Named steps. Raises `CacheConfigError` for steps without names, and for one that cannot be called."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        if not hasattr(steps, "items"):
            raise CacheConfigError(f"a warming plan is a dict of names and callables, not a {type(steps).__name__}")
        for name, step in steps.items():
            if not callable(step):
                raise CacheConfigError(f"the warming step {name!r} is a {type(step).__name__}, not a callable")
        self.steps = dict(steps)

    def run(
        self,
        progress: Callable[[Progress], object] | None = None,
        *,
        clock: Clock | None = None,
        budget: float | None = None,
    ) -> WarmResult:
        """Run every step; none begins after `budget` seconds. Raises nothing that a step raises."""
        clock = clock or SystemClock()
        started = clock.monotonic()
        results: list[StepResult] = []
        failed = 0
        for name, step in self.steps.items():
            if progress is not None:
                progress(Progress(len(results) - failed, failed, len(self.steps), name))
            if budget is not None and clock.monotonic() - started >= budget:
                results.append(StepResult(name, 0.0, skipped=True))
            else:
                results.append(_run(name, step, clock))
            failed += bool(results[-1].error or results[-1].skipped)
        if progress is not None:
            progress(Progress(len(results) - failed, failed, len(self.steps), ""))
        return WarmResult(tuple(results))


class WarmRequests:
    """A step that has requests answered, so that what is in front of the handler keeps the answers.

    `requests` may be a callable that makes them when the step runs. Every request is sent, whatever the others were
    answered; the step fails with `WarmingFailed` where one raised or was answered with 400 or more.
    """

    def __init__(
        self,
        handler: Callable[[Request], Response],
        requests: Iterable[Request] | Callable[[], Iterable[Request]],
    ) -> None:
        self._handler = handler
        self._requests = requests if callable(requests) else tuple(requests)

    def __call__(self) -> int:
        """Send all; how many."""
        sent = 0
        errors: list[str] = []
        for request in self._requests() if callable(self._requests) else self._requests:
            sent += 1
            error = self._send(request)
            if error:
                errors.append(f"{request.method} {request.path}: {error}")
        if errors:
            raise WarmingFailed(f"{len(errors)} of {sent} requests failed, first {errors[0]}")
        return sent

    def _send(self, request: Request) -> str:
        try:
            status = self._handler(request).status
        except Exception as error:  # a step does all that it can
            return f"{type(error).__name__}: {error}"
        return f"status {status}" if status >= FIRST_ERROR_STATUS else ""


def _run(name: str, step: Step, clock: Clock) -> StepResult:
    began = clock.monotonic()
    error = ""
    try:
        step()
    except Exception as problem:  # one step's failure is not another's
        error = f"{type(problem).__name__}: {problem}"
    return StepResult(name, clock.monotonic() - began, error)
