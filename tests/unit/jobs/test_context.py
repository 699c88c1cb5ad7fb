"""What a job may do, and when it is stopped: over a real record, with a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lanner.clock import ManualClock
from lanner.jobs.attempt import claim
from lanner.jobs.context import JobContext
from lanner.jobs.errors import AttemptLost, ItemsRefused, JobCancelled, JobTimedOut, PayloadTooLarge
from lanner.jobs.producer import Producer
from lanner.jobs.table import JobTable


class Case:
    """One attempt of one job, for 100 seconds, with a lease of 30."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.table = JobTable(self.clock)
        self.producer = Producer(tenant="t", clock=self.clock)
        self.id = self.producer.enqueue("a.b", {}).id
        self.attempt = claim(self.table, "t", self.id, lease_ms=30_000, max_attempts=5)
        self.hidden: list[float] = []
        self.context = JobContext(self.attempt, self.clock, deadline=100.0, on_extended=self.hidden.append)

    def item(self) -> Any:
        item = self.table.read("t", self.id)
        assert item is not None
        return item


@pytest.fixture
def case(jobs_table: str) -> Iterator[Case]:
    yield Case()


def test_how_many_attempts_there_are_is_said_once_it_is_known(jobs_table: str) -> None:
    """By whoever declares the kind, here the worker alone: a queued job says nothing, instead of what changes later."""
    table, producer = JobTable(ManualClock()), Producer(tenant="t", clock=ManualClock())
    accepted = producer.enqueue("declared.elsewhere", {})
    assert accepted.max_attempts is None
    assert producer.status(accepted.id).document()["max_attempts"] is None
    claim(table, "t", accepted.id, lease_ms=30_000, max_attempts=10)
    assert producer.status(accepted.id).max_attempts == 10


def test_progress_is_written_once_a_second_and_never_goes_back(case: Case) -> None:
    """Between writes it is remembered, and written with the next one."""
    case.context.progress(10, "reading")
    case.context.progress(30)
    case.context.progress(20)
    assert case.producer.status(case.id).progress == 10
    case.clock.advance(1)
    case.context.progress(5, "x" * 300)
    status = case.producer.status(case.id)
    assert (status.progress, len(status.note)) == (30, 200)


def test_the_lease_is_lengthened_once_a_third_has_passed(case: Case) -> None:
    """And the message is hidden for as long."""
    case.clock.advance(9)
    case.context.heartbeat()
    assert case.hidden == []
    case.clock.advance(2)
    case.context.heartbeat()
    assert case.hidden == [30.0]
    assert int(case.item()["lease_until"]["N"]) == int(case.clock.now() * 1000) + 30_000


def test_a_job_that_is_out_of_time_is_stopped_at_every_call(case: Case) -> None:
    """Also when it catches what told it so."""
    case.clock.advance(100)
    for _ in range(2):
        with pytest.raises(JobTimedOut):
            case.context.progress(50)
    assert case.context.remaining_ms() == 0


def test_a_cancel_is_heard_at_the_next_write(case: Case) -> None:
    """A call that writes nothing asks nobody."""
    case.context.progress(1)
    case.producer.cancel(case.id)
    case.context.heartbeat()
    assert not case.context.cancelled
    case.clock.advance(11)
    with pytest.raises(JobCancelled):
        case.context.heartbeat()
    assert case.context.cancelled


def test_a_commit_moves_the_checkpoint_with_its_items(case: Case) -> None:
    """Without items it is one update; the next attempt starts there."""
    case.context.commit(checkpoint={"row": 7})
    assert case.context.checkpoint == {"row": 7}
    case.clock.advance(31)
    again = claim(case.table, "t", case.id, lease_ms=30_000, max_attempts=5)
    assert again.checkpoint == {"row": 7}
    with pytest.raises(AttemptLost):
        case.context.commit(checkpoint={"row": 8})
    with pytest.raises(AttemptLost):
        case.context.progress(90)


def test_a_refused_item_leaves_everything_as_it_was(case: Case) -> None:
    """The caller's own condition is told from the fence, and the job may go on."""
    refused = {
        "ConditionCheck": {
            "TableName": case.table.name,
            "Key": {"pk": {"S": "nothing"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(ItemsRefused) as error:
        case.context.commit([refused], checkpoint=1)
    assert [reason.code for reason in error.value.reasons] == ["ConditionalCheckFailed"]
    assert case.context.checkpoint is None
    case.context.commit(checkpoint=2)
    assert case.context.checkpoint == 2


def test_limits_are_named_before_anything_is_written(case: Case) -> None:
    """A transaction has a hundred items, a checkpoint 64 KB."""
    with pytest.raises(ValueError, match="99"):
        case.context.finish_with([{}] * 100)
    with pytest.raises(PayloadTooLarge, match="a checkpoint"):
        case.context.commit(checkpoint="x" * 70_000)


def test_the_key_for_effects_outside_stays_and_the_fence_does_not(case: Case) -> None:
    """Over two attempts."""
    case.clock.advance(31)
    again = JobContext(claim(case.table, "t", case.id, lease_ms=1, max_attempts=5), case.clock, deadline=1.0)
    assert again.idempotency_key == case.context.idempotency_key
    assert again.token != case.context.token
    assert (case.context.attempt, again.attempt) == (1, 2)
