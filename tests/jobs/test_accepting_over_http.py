"""A POST with an Idempotency-Key that accepts a job: each call to DynamoDB and SQS on its way is a place to die.

Whatever dies, and however often the client asks again with its key, there is one job, what the request itself wrote is
written once, and every answer names the same job.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.http.message import Request, Response
from lanner.idempotency.execution import execution_of
from lanner.idempotency.policy import IdempotencyPolicy
from lanner.jobs.answers import accepted
from lanner.jobs.status import SUCCEEDED
from tests.builders import Context, rest_event
from tests.conftest import scan
from tests.functions.gateway_events import Answer
from tests.jobs.conftest import TABLE
from tests.jobs.stage import Stage
from tests.jobs.tap import KILLED_BEFORE, MODES, Killed, Tap

CALLS = 5
"""More than accepting has; a test says so when it grows."""

PAST_THE_LEASE = 40.0
"""Seconds: above the 30 of a request whose process died."""

STAGE: list[Stage] = []


def create(request: Request) -> Response:
    """The route: the job has the key of the request's execution."""
    [stage] = STAGE
    execution = execution_of(request)
    assert execution is not None
    return accepted(request, stage.enqueue(key=execution.job_key, with_items=[stage.effect("asked")]))


class Client:
    """A process behind the API, begun anew for every request, and a client that repeats with one key."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.jobs: set[str] = set()
        self.replayed = 0

    def ask(self) -> int:
        """One request; the status, 0 where the process died."""
        group = RouteGroup(
            "accepting",
            registry=REGISTRY,
            versions=("v2",),
            paths={"/work": "POST"},
            edge={"POST /work": f"{__name__}:create"},
            idempotency=IdempotencyPolicy(required=("/work",)),
            clock=self.stage.clock,
        )
        headers = {"content-type": "application/json", "idempotency-key": f'"{self.stage.tenant}"'}
        event = rest_event("POST", "/v2/work", headers=headers, body="{}")
        try:
            answer = Answer(group.handler()(event, Context()))
        except Killed:
            self.stage.tap.revive()
            return 0
        if answer.status in (200, 202):
            self.jobs.add(orjson.loads(answer.body)["id"])
            self.replayed += answer.headers.get("idempotency-replayed") == "true"
        else:
            assert answer.status in (409, 503), answer.body
            assert answer.headers["retry-after"]
        return answer.status

    def ask_until_it_is_accepted(self) -> None:
        for _ in range(5):
            if self.ask() in (200, 202):
                return
            self.stage.clock.advance(PAST_THE_LEASE)
        raise AssertionError("never accepted")


@pytest.fixture
def stage(cloud: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    made = Stage(Tap(), monkeypatch)
    made.declare(lambda payload, context: context.finish_with([made.effect("done")]))
    STAGE[:] = [made]
    yield made
    STAGE.clear()


def test_accepting_has_as_many_calls_as_are_tried(stage: Stage) -> None:
    """A call that is added is tried too; the repetition is answered from the record."""
    stage.tap.arm(lambda number, operation, payload: False, KILLED_BEFORE)
    client = Client(stage)
    assert client.ask() == 202
    assert 0 < len(stage.tap.calls) <= CALLS, stage.tap.calls
    assert (client.ask(), client.replayed, len(client.jobs)) == (202, 1, 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(CALLS))
def test_wherever_accepting_dies_there_is_one_job(stage: Stage, number: int, mode: str) -> None:
    """Also when another attempt of the same request does everything while the first stands still past its lease."""
    client, overtaking = Client(stage), Client(stage)

    def meanwhile() -> None:
        stage.clock.advance(PAST_THE_LEASE)
        overtaking.ask_until_it_is_accepted()

    stage.tap.arm(lambda called, operation, payload: called == number, mode, meanwhile)
    client.ask_until_it_is_accepted()
    stage.tap.disarm()
    stage.clock.advance(PAST_THE_LEASE)
    client.ask_until_it_is_accepted()
    assert client.replayed >= 1
    [job_id] = client.jobs | overtaking.jobs
    assert [item["id"]["S"] for item in scan(TABLE)] == [job_id]
    assert stage.settle(job_id).state == SUCCEEDED
    assert (stage.count("asked"), stage.count("done"), stage.given_up()) == (1, 1, 0)
