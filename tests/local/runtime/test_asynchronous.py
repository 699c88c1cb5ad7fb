"""Asynchronous invocations: retried by the platform, as Lambda does, and dropped in the end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lanner.clock import SystemClock
from lanner.local.invocation import InvocationResult, Outcome
from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.asynchronous import AsyncInvocations
from lanner.local.runtime.logbook import LogBook
from lanner.local.triggers import AsyncPolicy, Target


class Script:
    """An invoker that ends each invocation as the script says."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.request_ids: list[str] = []

    async def invoke(self, function, event, *, request_id=None, **_):
        self.request_ids.append(request_id)
        return InvocationResult(self.outcomes.pop(0), b'{"said": 1}', request_id)


class Post:
    """Where records and dead letters are brought."""

    def __init__(self):
        self.letters: list[tuple[Target, dict, dict[str, str]]] = []

    async def deliver(self, target, payload, attributes):
        self.letters.append((target, json.loads(payload), attributes))


def run(script, retries, policy=None, post=None):
    function = FunctionPlan("f", "s-f", "a.b", "python3.13", Path(), asynchronous=policy or AsyncPolicy())
    plan = CloudPlan(Path("t.yaml"), "s", "eu-west-1", "123456789012", {"f": function}, {})

    async def scenario():
        logs = LogBook()
        events = AsyncInvocations(script, logs, SystemClock(), lambda: plan, retry_after=retries)
        events.deliver = post.deliver if post else None
        request_id = events.submit("f", b'{"asked": 1}')
        while script.outcomes:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        await events.stop()
        return request_id, [line.text for line in logs.lines()]

    return asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_failed_event_is_tried_three_times_with_one_request_id():
    """Two retries, the same id, then it is dropped and the log says so."""
    script = Script("error", "timeout", "crash")
    request_id, lines = run(script, (0, 0))
    assert script.request_ids == [request_id] * 3
    assert lines[-1] == f"event {request_id} dropped after 3 attempts: crash"


def test_an_event_that_succeeds_is_not_tried_again():
    """The second attempt succeeds: that is all."""
    script = Script("error", "ok")
    _, lines = run(script, (0, 0))
    assert len(script.request_ids) == 2
    assert not any("dropped" in line for line in lines)


QUEUE, LETTERS = Target("queue", "arn:aws:sqs:eu-west-1:1:failed"), Target("queue", "arn:aws:sqs:eu-west-1:1:dead")


@pytest.mark.parametrize("retries", [0, 1])
def test_a_policy_may_say_fewer_attempts(retries):
    """`MaximumRetryAttempts` counts those after the first."""
    script = Script("error", *(("error",) * retries))
    request_id, lines = run(script, (0, 0), AsyncPolicy(maximum_retry_attempts=retries))
    assert script.request_ids == [request_id] * (retries + 1)
    assert lines[-1] == f"event {request_id} dropped after {retries + 1} attempt{'s' * retries}: error"


def test_who_fails_for_good_is_reported_to_the_destination_and_the_dead_letter_queue():
    """The record of an invocation as documented, and the event itself with what went wrong."""
    post = Post()
    policy = AsyncPolicy(maximum_retry_attempts=1, on_failure=QUEUE, dead_letter=LETTERS)
    request_id, lines = run(Script("error", "error"), (0, 0), policy, post)
    assert lines[-1] == f"event {request_id} sent to {QUEUE.name} and {LETTERS.name} after 2 attempts: error"
    (first, record, _), (second, letter, attributes) = post.letters
    assert (first, second) == (QUEUE, LETTERS)
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:s-f:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 2,
    }
    assert (record["requestPayload"], record["responsePayload"]) == ({"asked": 1}, {"said": 1})
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert letter == {"asked": 1}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": '{"said": 1}'}


def test_success_has_a_destination_of_its_own():
    """And nothing goes to the one for failures."""
    post = Post()
    run(Script("error", "ok"), (0, 0), AsyncPolicy(on_success=QUEUE, on_failure=LETTERS), post)
    ((target, record, _),) = post.letters
    assert target == QUEUE
    assert (record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]) == ("Success", 2)
    assert "functionError" not in record["responseContext"]
