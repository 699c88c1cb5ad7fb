"""Short scenarios, each the reason for a condition: with the condition they hold, without it one of them does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from lanner.jobs.declaration import Registry
from lanner.jobs.errors import AttemptLost, JobCancelled, JobFailed, JobFinished, NotRedrivable
from lanner.jobs.execution import UNKNOWN_KIND_FOR
from lanner.jobs.status import CANCELLED, DEAD, QUEUED, SUCCEEDED
from tests.jobs.stage import Stage
from tests.jobs.tap import REPEATED, STALLED, Killed

Scenario = Callable[[Stage], None]


def writes(table_operation: str, part: str) -> Callable[[int, str, Any], bool]:
    """The first call of this operation whose expression or body has `part` in it."""
    return lambda number, operation, payload: operation == table_operation and part in str(payload)


def one_effect(stage: Stage) -> Callable[[Any, Any], None]:
    return lambda payload, context: context.finish_with([stage.effect("done")])


def twice_with_one_key(stage: Stage) -> None:
    """The same key is one job, and what its client wrote with it is written once."""
    stage.declare(one_effect(stage))
    first = stage.enqueue(key="k", with_items=[stage.effect("asked")])
    assert stage.settle(first.id).state == SUCCEEDED
    again = stage.enqueue(key="k", with_items=[stage.effect("asked")])
    assert (again.id, again.state) == (first.id, SUCCEEDED)
    assert stage.settle(first.id).state == SUCCEEDED
    assert (stage.count("asked"), stage.count("done")) == (1, 1)


def a_key_is_forgotten_after_its_time(stage: Stage) -> None:
    """An expired record that DynamoDB has not deleted yet is none."""
    stage.declare(one_effect(stage))
    first = stage.enqueue(key="k")
    stage.settle(first.id)
    stage.clock.advance(31 * 24 * 3600)
    assert stage.enqueue(key="k").state == QUEUED
    assert stage.settle(first.id).state == SUCCEEDED
    assert stage.count("done") == 2


def accepted_twice_by_the_wire(stage: Stage) -> None:
    """A transaction, and a put, that meet what they wrote themselves are a success."""
    stage.declare(one_effect(stage))
    for items in ([], [stage.effect("asked")]):
        stage.tap.arm(writes("TransactWriteItems" if items else "PutItem", "creator"), REPEATED)
        assert stage.settle(stage.enqueue(with_items=items).id).state == SUCCEEDED
        assert stage.ran == (2 if items else 1)
    stage.tap.arm(writes("PutItem", "creator"), REPEATED)
    sent = len(stage.collect())
    stage.enqueue()
    assert len(stage.collect()) == sent + 1, "the message of a job that is new is sent at once"


def delivered_while_it_runs(stage: Stage) -> None:
    """A duplicate of a running job starts nothing."""

    def run(payload: Any, context: Any) -> None:
        if stage.ran == 1:
            stage.deliver(stage.another_worker(), messages)
        context.finish_with([stage.effect("done")])

    stage.declare(run)
    status = stage.enqueue()
    messages = stage.collect()
    stage.deliver(None, messages)
    assert stage.status(status.id).state == SUCCEEDED
    assert (stage.ran, stage.count("done")) == (1, 1)


def overtaken(stage: Stage) -> None:
    """What wakes up after its lease extends nothing, commits nothing, finishes nothing."""
    lost: list[Any] = []

    def run(payload: Any, context: Any) -> None:
        if stage.ran == 1:
            stage.later()
            stage.deliver(stage.another_worker(), messages)
            for step in (lambda: context.heartbeat(), lambda: context.commit([stage.effect("chunk")], checkpoint=9)):
                context.stopped = None  # as if every step were the first after waking up
                try:
                    step()
                except AttemptLost:
                    lost.append(step)
            context.stopped = None
        context.finish_with([stage.effect("done")])

    stage.declare(run)
    status = stage.enqueue()
    messages = stage.collect()
    stage.deliver(None, messages)
    assert len(lost) == 2
    assert stage.status(status.id).state == SUCCEEDED
    assert stage.status(status.id).attempt == 2
    assert (stage.count("done"), stage.count("chunk")) == (1, 0)


def overtaken_while_the_other_runs(stage: Stage) -> None:
    """It does not finish the job under another attempt that is at work."""

    def run(payload: Any, context: Any) -> None:
        context.finish_with([stage.effect("done")])
        if stage.ran == 1:
            stage.later()
            with pytest.raises(Killed):
                stage.deliver(stage.another_worker(), messages)
            with pytest.raises(AttemptLost):
                context.commit([stage.effect("chunk")], checkpoint=9)
            context.stopped = None
        elif stage.ran == 2:
            raise Killed  # it holds the job, and stands still

    stage.declare(run)
    status = stage.enqueue()
    messages = stage.collect()
    stage.deliver(None, messages)
    assert stage.status(status.id).state == "running"
    assert stage.settle(status.id).state == SUCCEEDED
    assert (stage.count("done"), stage.count("chunk")) == (1, 0)


def buried_while_it_stood_still(stage: Stage) -> None:
    """A job that was given up stays given up: its last attempt wakes up and writes nothing more."""

    def run(payload: Any, context: Any) -> None:
        stage.later()
        stage.deliver(stage.another_worker(), messages)
        with pytest.raises(AttemptLost):
            context.commit([stage.effect("chunk")], checkpoint=9)
        context.stopped = None

    stage.declare(run, max_attempts=1)
    status = stage.enqueue()
    messages = stage.collect()
    stage.deliver(None, messages)
    assert stage.status(status.id).state == DEAD
    assert stage.count("chunk") == 0


def every_write_twice(stage: Stage) -> None:
    """The wire repeats a write whose answer it lost: it counts once, and as this attempt's own."""

    def run(payload: Any, context: Any) -> None:
        context.commit([stage.effect("chunk")], checkpoint=1)
        context.finish_with([stage.effect("done")])

    stage.declare(run)
    parts = (
        ("UpdateItem", "attempt + "),
        ("TransactWriteItems", "commit_token"),
        ("TransactWriteItems", "finished_at"),
    )
    for number, (operation, part) in enumerate(parts, 1):
        status = stage.enqueue()
        stage.tap.arm(writes(operation, part), REPEATED)
        stage.deliver()
        assert stage.tap.happened
        found = stage.status(status.id)
        assert (found.state, found.attempt) == (SUCCEEDED, 1)
        assert (stage.count("chunk"), stage.count("done"), stage.ran) == (number, number, number)


def attempts_run_out(stage: Stage) -> None:
    """A job that kills its worker is dead after its last attempt."""

    def run(payload: Any, context: Any) -> None:
        raise Killed

    stage.declare(run, max_attempts=2)
    status = stage.enqueue()
    for _ in range(4):
        with pytest.raises(Killed) if stage.ran < 2 else _nothing():
            stage.deliver()
        stage.later()
        stage.sweep()
    assert stage.status(status.id).state == DEAD
    assert stage.ran == 2


def buried_too_late(stage: Stage) -> None:
    """Between the look and the burial somebody buried it, put it back, and perhaps runs it already."""
    for running in (False, True):
        runs: list[int] = []

        def run(payload: Any, context: Any, runs: list[int] = runs) -> None:
            runs.append(1)
            if len(runs) == 1:
                raise Killed

        stage.registry = Registry()
        stage.worker = stage.another_worker()
        stage.declare(run, max_attempts=1)
        status = stage.enqueue()
        with pytest.raises(Killed):
            stage.deliver()
        stage.later()
        messages = stage.collect()

        def meanwhile(status: Any = status, messages: Any = messages, running: bool = running) -> None:
            stage.deliver(stage.another_worker(), messages)
            stage.producer.redrive(status.id)
            if running:
                claim_only(stage, status.id)

        stage.tap.arm(writes("UpdateItem", "attempt >= "), STALLED, meanwhile)
        stage.deliver(None, messages)
        assert stage.tap.happened
        assert stage.status(status.id).state == ("running" if running else QUEUED)
        stage.collect()
        stage.kept.clear()


def claim_only(stage: Stage, job_id: str) -> None:
    """Another worker holds the job and is at work."""
    from lanner.jobs.attempt import claim
    from lanner.jobs.table import JobTable

    claim(JobTable(stage.clock), stage.tenant, job_id, lease_ms=10_000, max_attempts=1)


def unknown_to_an_old_version(stage: Stage) -> None:
    """Code that does not know a kind does not bury a job that newer code runs, however long it has waited."""

    def run(payload: Any, context: Any) -> None:
        stage.deliver(stage.another_worker(Registry()), messages)
        context.finish_with([stage.effect("done")])

    stage.declare(run)
    status = stage.enqueue()
    messages = stage.collect()
    stage.clock.advance(UNKNOWN_KIND_FOR + 1)
    stage.deliver(None, messages)
    assert stage.status(status.id).state == SUCCEEDED
    assert stage.count("done") == 1


def not_before_it_is_due(stage: Stage) -> None:
    """A message that comes early waits."""
    stage.declare(one_effect(stage))
    status = stage.enqueue(delay=1_000)
    stage.clock.advance(1_100)
    assert stage.sweep() == 1
    stage.clock.set(stage.clock.now() - 600)  # a worker whose clock is behind
    stage.deliver()
    assert (stage.status(status.id).state, stage.ran) == (QUEUED, 0)


def cancelled_and_its_holder_died(stage: Stage) -> None:
    """Nobody runs a cancelled job again; it is cancelled."""

    def run(payload: Any, context: Any) -> None:
        stage.producer.cancel(status.id)
        raise Killed

    stage.declare(run)
    status = stage.enqueue()
    with pytest.raises(Killed):
        stage.deliver()
    stage.later()
    assert stage.settle(status.id).state == CANCELLED
    assert stage.ran == 1


def cancelled_between_chunks(stage: Stage) -> None:
    """After a cancel no chunk is written."""

    def run(payload: Any, context: Any) -> None:
        context.commit([stage.effect("chunk")], checkpoint=1)
        stage.producer.cancel(status.id)
        with pytest.raises(JobCancelled):
            context.commit([stage.effect("chunk")], checkpoint=2)
        raise RuntimeError("not what counts any more")

    stage.declare(run)
    status = stage.enqueue()
    stage.deliver()
    assert stage.status(status.id).state == CANCELLED
    assert stage.count("chunk") == 1


def finished_for_a_dead_holder_too_late(stage: Stage) -> None:
    """Before a cancelled job is finished in a dead holder's place, the holder wakes up and succeeds, or fails."""
    from lanner.jobs.attempt import claim
    from lanner.jobs.table import JobTable

    for ends in (SUCCEEDED, QUEUED):
        stage.registry = Registry()
        stage.worker = stage.another_worker()
        stage.declare(one_effect(stage))
        status = stage.enqueue()
        holder = claim(JobTable(stage.clock), stage.tenant, status.id, lease_ms=10_000, max_attempts=5)
        stage.producer.cancel(status.id)
        stage.later()

        def meanwhile(holder: Any = holder, ends: str = ends, status: Any = status) -> None:
            if ends == SUCCEEDED:
                holder.succeed(None)
            else:
                holder.end("failed", '{"title": "no"}')
                stage.producer.redrive(status.id)

        stage.tap.arm(writes("UpdateItem", "attribute_exists(cancel_requested)"), STALLED, meanwhile)
        # A mutated condition has other words: the expression is what stays.
        stage.tap.at = writes("UpdateItem", ":cancelled, cancel_requested = ")
        stage.deliver()
        assert stage.tap.happened
        assert stage.status(status.id).state == ends
        stage.kept.clear()


def cancelled_as_it_finishes(stage: Stage) -> None:
    """A cancel that comes while the job is finished, queued or running before, says so."""
    stage.declare(one_effect(stage))
    for held in (False, True):
        status = stage.enqueue()
        if held:
            from lanner.jobs.attempt import claim
            from lanner.jobs.table import JobTable

            holder = claim(JobTable(stage.clock), stage.tenant, status.id, lease_ms=10_000, max_attempts=5)
            stage.tap.arm(
                writes("UpdateItem", "if_not_exists(cancel_requested"), STALLED, partial(holder.succeed, None)
            )
        else:
            stage.tap.arm(writes("UpdateItem", ":cancelled"), STALLED, stage.deliver)
        with pytest.raises(JobFinished):
            stage.producer.cancel(status.id)
        assert stage.status(status.id).state == SUCCEEDED
        assert not stage.status(status.id).cancel_requested
        stage.deliver()


def only_what_is_dead_or_failed_is_put_back(stage: Stage) -> None:
    """A job that succeeded is not done again; one that failed is, also when the wire repeats it."""

    def run(payload: Any, context: Any) -> None:
        context.finish_with([stage.effect("done")])
        if stage.ran == 2:
            raise JobFailed("no")

    stage.declare(run)
    status = stage.enqueue()
    assert stage.settle(status.id).state == SUCCEEDED
    with pytest.raises(NotRedrivable):
        stage.producer.redrive(status.id)
    assert stage.settle(status.id).state == SUCCEEDED
    assert stage.count("done") == 1
    failed = stage.enqueue()
    assert stage.settle(failed.id).state == "failed"
    stage.tap.arm(writes("UpdateItem", "redrive_token"), REPEATED)
    assert stage.producer.redrive(failed.id).state == QUEUED
    with pytest.raises(NotRedrivable):
        stage.producer.redrive(failed.id)
    assert stage.settle(failed.id).state == SUCCEEDED


def two_sweeps_at_once(stage: Stage) -> None:
    """Of two sweeps that see a job due, one sends."""
    stage.declare(one_effect(stage))
    stage.enqueue()
    before = len(stage.collect())
    stage.later()

    def sweeps() -> None:
        stage.sweep()

    stage.tap.arm(writes("UpdateItem", "sends = :sends"), STALLED, sweeps)
    stage.sweep()
    assert stage.tap.happened
    assert len(stage.collect()) == before + 1


class _nothing:  # noqa: N801 (reads as a word)
    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


SCENARIOS: tuple[Scenario, ...] = (
    delivered_while_it_runs,
    overtaken,
    overtaken_while_the_other_runs,
    buried_while_it_stood_still,
    every_write_twice,
    twice_with_one_key,
    a_key_is_forgotten_after_its_time,
    accepted_twice_by_the_wire,
    attempts_run_out,
    buried_too_late,
    unknown_to_an_old_version,
    not_before_it_is_due,
    cancelled_and_its_holder_died,
    cancelled_between_chunks,
    finished_for_a_dead_holder_too_late,
    cancelled_as_it_finishes,
    only_what_is_dead_or_failed_is_put_back,
    two_sweeps_at_once,
)
