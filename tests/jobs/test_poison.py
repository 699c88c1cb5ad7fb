"""Messages that nobody can perform, in one batch with one that can: they go to the dead letters, and it is done."""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import pytest

from lanner.aws import wire
from lanner.jobs.declaration import Registry
from lanner.jobs.execution import UNKNOWN_KIND_FOR
from lanner.jobs.status import DEAD, QUEUED, SUCCEEDED
from tests.jobs.deliveries import event_of
from tests.jobs.stage import Stage
from tests.jobs.tap import Tap


@pytest.fixture
def stage(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(Tap(), monkeypatch)


def body(**members: Any) -> str:
    """A message as producers write it, but for these members; None leaves one out."""
    whole = {"v": 1, "tenant": "t", "job": str(uuid.uuid4()), "kind": "stage.job", **members}
    return json.dumps({name: value for name, value in whole.items() if value is not None})


POISON = {
    "no JSON": "{",
    "no object": "[1]",
    "deep": "[" * 5_000 + "]" * 5_000,
    "half a surrogate": '{"tenant": "\\ud800"}',
    "another schema": body(v=2),
    "no schema": body(v=None),
    "no tenant": body(tenant=None),
    "no kind": body(kind=None),
    "no id": body(job="1"),
    "a number for a kind": body(kind=7),
    "an unknown job": body(),
    "an unknown kind of an unknown job": body(kind="nobody.knows"),
    "huge": body(padding="x" * 900_000),
}


def message(stage: Stage, text: str) -> dict[str, Any]:
    """What SQS would deliver with this body; its receipt is none, so nothing can be hidden."""
    return {"MessageId": str(uuid.uuid4()), "ReceiptHandle": "none", "Body": text}


@pytest.mark.parametrize("text", POISON.values(), ids=POISON.keys())
def test_poison_reaches_the_dead_letters_and_its_neighbours_are_done(stage: Stage, text: str) -> None:
    """It is taken away at once, with the reason, whatever stands before and behind it."""
    stage.declare(lambda payload, context: context.finish_with([stage.effect(context.job_id)]), timeout=60)
    jobs = [stage.enqueue().id for _ in range(2)]
    first, second = stage.collect()
    answer = stage.worker.handle(event_of([first, message(stage, text), second]))
    assert answer == {"batchItemFailures": []}
    assert [stage.status(job).state for job in jobs] == [SUCCEEDED] * 2
    assert [stage.count(job) for job in jobs] == [1, 1]
    assert stage.given_up() == 1


def test_the_dead_letter_says_why(stage: Stage) -> None:
    """The body as it was, and the reason as an attribute."""
    stage.worker.handle(event_of([message(stage, "not ours")]))
    asked = {"QueueUrl": stage.dead_letters, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1}
    [letter] = wire.sqs().call("ReceiveMessage", asked)["Messages"]
    assert letter["Body"] == "not ours"
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "unreadable"


def test_a_kind_that_newer_code_knows_waits_for_it(stage: Stage) -> None:
    """In a deployment, older workers receive it too: none of them buries it, and the first newer one does it."""
    status = stage.producer.enqueue("newer.kind", {})
    for _ in range(5):
        stage.deliver()
        assert stage.status(status.id).state == QUEUED
        stage.later()
        stage.sweep()
    newer = Registry()
    newer.job("newer.kind")(lambda payload, context: context.finish_with([stage.effect("newer")]))
    stage.deliver(stage.another_worker(newer))
    stage.deliver()  # what is left of its messages meets an older worker again
    assert stage.status(status.id).state == SUCCEEDED
    assert (stage.count("newer"), stage.given_up()) == (1, 0)


def test_a_kind_that_nobody_declares_is_a_dead_job(stage: Stage) -> None:
    """After the time that a deployment may take; a redrive brings it back once a worker knows the kind."""
    status = stage.producer.enqueue("not.declared", {})
    stage.clock.advance(UNKNOWN_KIND_FOR + 1)
    stage.deliver()
    assert stage.status(status.id).state == DEAD
    assert stage.given_up() == 1
    assert stage.producer.redrive(status.id).state == QUEUED


def test_a_job_that_ends_its_process_fails_by_itself(stage: Stage) -> None:
    """`sys.exit` in a job, by a library say, is that attempt's failure and nobody else's."""

    def run(payload: Any, context: Any) -> None:
        if context.job_id == leaves:
            sys.exit("usage: ...")
        context.finish_with([stage.effect(context.job_id)])

    stage.declare(run, max_attempts=2, timeout=60)
    leaves = stage.enqueue().id
    others = [stage.enqueue().id for _ in range(2)]
    stage.deliver()
    assert [stage.status(job).state for job in others] == [SUCCEEDED] * 2
    assert stage.status(leaves).state == QUEUED
    stage.deliver()
    assert stage.status(leaves).state == DEAD
    assert stage.given_up() == 1


@pytest.mark.parametrize("left_out", ["attributes", "messageAttributes", "receiptHandle", "eventSourceARN", "body"])
def test_an_event_without_some_member_is_no_failure_of_the_batch(stage: Stage, left_out: str) -> None:
    """An emulator's event, or a hand-written one: what is there is done."""
    stage.declare(lambda payload, context: context.finish_with([stage.effect(context.job_id)]), timeout=60)
    job = stage.enqueue().id
    event = event_of(stage.collect())
    del event["Records"][0][left_out]
    assert stage.worker.handle(event) == {"batchItemFailures": []}
    assert stage.status(job).state == (QUEUED if left_out == "body" else SUCCEEDED)
