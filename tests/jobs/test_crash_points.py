"""Each call to DynamoDB and SQS in a job's life is a place to die: at every one of them, in every way, once.

The life: accepted together with an effect of its client, a first attempt that commits a chunk and fails, a second that
starts at its checkpoint and succeeds; and one whose attempts are used up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.aws.errors import AwsUnavailable
from lanner.jobs.errors import JobsUnavailable
from lanner.jobs.status import DEAD, SUCCEEDED, JobStatus
from tests.jobs.stage import Stage
from tests.jobs.tap import MODES, STALLED, Killed, Tap

CALLS = 22
"""More than a life has; a test says so when it grows."""


def life(stage: Stage) -> Callable[[Any, Any], None]:
    def two_chunks(payload: dict, context: Any) -> None:
        for chunk in range(context.checkpoint or 0, 2):
            context.progress(chunk * 50)
            context.commit([stage.effect(f"chunk {chunk}")], checkpoint=chunk + 1)
            if context.attempt == 1:
                raise RuntimeError("the first attempt fails after its first chunk")
        context.finish_with([stage.effect("done")])

    return two_chunks


def accept(stage: Stage) -> JobStatus:
    """As a client does: with the same key until there is an answer."""
    for _ in range(3):
        try:
            return stage.enqueue(key="once", with_items=[stage.effect("asked")])
        except (Killed, JobsUnavailable):
            stage.tap.revive()
    raise AssertionError("never accepted")


def live(stage: Stage) -> JobStatus:
    """From the request to the end, whatever dies on the way."""
    status = accept(stage)
    for _ in range(6):
        try:
            ended = stage.settle(status.id)
            stage.tap.disarm()  # what the test itself asks afterwards is no part of it
            return ended
        except (Killed, JobsUnavailable, AwsUnavailable):  # the last: of Lambda's own DeleteMessage
            stage.tap.revive()
            stage.later()  # what died holds its lease until then
    raise AssertionError("never finished")


def step_in(stage: Stage) -> None:
    """What happens while a worker stands still: its lease ends, and another one does the job."""
    stage.later()
    stage.tap.disarm()
    stage.sweep()
    stage.deliver(stage.another_worker())


@pytest.fixture
def stage(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(Tap(), monkeypatch)


def test_a_life_has_as_many_calls_as_are_tried(stage: Stage) -> None:
    """A call that is added to a job's life is tried too."""
    stage.declare(life(stage))
    stage.tap.arm(lambda number, operation, payload: False, MODES[0])
    assert live(stage).state == SUCCEEDED
    assert len(stage.tap.calls) <= CALLS, stage.tap.calls


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(CALLS))
def test_wherever_it_dies_the_effects_are_there_once(stage: Stage, number: int, mode: str) -> None:
    """Killed before or after a call, its answer lost, the call sent twice, or overtaken: each effect exactly once."""
    stage.declare(life(stage))
    stage.tap.arm(lambda called, operation, payload: called == number, mode, lambda: step_in(stage))
    status = live(stage)
    assert stage.status(status.id).state == SUCCEEDED
    assert {name: stage.count(name) for name in ("asked", "chunk 0", "chunk 1", "done")} == {
        "asked": 1,
        "chunk 0": 1,
        "chunk 1": 1,
        "done": 1,
    }
    assert stage.given_up() == 0


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != STALLED])
@pytest.mark.parametrize("number", range(8))
def test_wherever_it_dies_a_dead_job_has_a_dead_letter(stage: Stage, number: int, mode: str) -> None:
    """A job without attempts left is dead, and in the dead-letter queue; never one of both."""

    def fails(payload: dict, context: Any) -> None:
        context.finish_with([stage.effect("done")])
        raise RuntimeError("always")

    stage.declare(fails, max_attempts=2)
    stage.tap.arm(lambda called, operation, payload: called == number, mode)
    status = live(stage)
    assert status.state == DEAD
    assert stage.given_up() >= 1
    assert stage.count("done") == 0
