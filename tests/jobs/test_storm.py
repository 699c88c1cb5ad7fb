"""Each message ten times, reordered, twenty deliveries at once, to two versions of the code: every effect once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lanner.jobs.declaration import Registry
from tests.jobs.deliveries import event_of
from tests.jobs.stage import AT_ONCE, Stage
from tests.jobs.tap import Tap

JOBS = 12


def test_a_storm_of_redeliveries(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old and new code, canary and live, take the same messages at the same time."""
    stage = Stage(Tap(), monkeypatch)

    def write(payload: dict, context: Any) -> None:
        context.commit([stage.effect(f"chunk {payload['n']}")], checkpoint=1)
        context.finish_with([stage.effect(f"done {payload['n']}")])

    old, new = Registry(), Registry()
    old.job("stage.job", retry=AT_ONCE, max_attempts=15)(write)
    new.job("stage.job", retry=AT_ONCE, max_attempts=15)(lambda payload, context: write(payload, context))
    jobs = [stage.producer.enqueue("stage.job", {"n": number}) for number in range(JOBS)]
    workers = [stage.another_worker(old), stage.another_worker(new)]
    deliveries = [(each, worker) for each in stage.collect() for worker in workers for _ in range(5)]
    random.Random(7).shuffle(deliveries)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda one: one[1].handle(event_of([one[0]])), deliveries))
    assert len(answers) == JOBS * 10
    for each in jobs:
        assert stage.status(each.id).state == "succeeded"
    names = [f"{part} {number}" for part in ("chunk", "done") for number in range(JOBS)]
    assert {name: stage.count(name) for name in names} == dict.fromkeys(names, 1)
