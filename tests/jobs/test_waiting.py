"""How long a failed attempt waits: by the job's backoff, and not before what the failure itself asks for."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.jobs.retry import MAX_WAIT
from lanner.jobs.status import QUEUED
from lanner.jobs.table import JobTable
from tests.jobs.stage import Stage
from tests.jobs.tap import Tap


class Busy(Exception):
    """What a job raises that has been told when to come back."""

    def __init__(self, retry_after: Any) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(120, 120.0), (0.5, 0.5), (1e9, MAX_WAIT), (-5, 0.0), (None, 0.0), ("120", 0.0), (float("nan"), 0.0)],
)
def test_an_attempt_does_not_start_before_it_was_asked_to(
    cloud: str, monkeypatch: pytest.MonkeyPatch, asked: Any, waits: float
) -> None:
    """`retry_after` of the exception, in seconds, 12 hours at most; what is no number of seconds asks for nothing."""
    stage = Stage(Tap(), monkeypatch)

    def run(payload: Any, context: Any) -> None:
        raise Busy(asked)

    stage.declare(run)
    status = stage.enqueue()
    stage.deliver()
    item = JobTable(stage.clock).read(stage.tenant, status.id)
    assert item is not None
    assert item["state"]["S"] == QUEUED
    assert int(item["not_before"]["N"]) == int((stage.clock.now() + waits) * 1000)
