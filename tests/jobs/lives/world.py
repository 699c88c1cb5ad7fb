"""One case: the tables, queues and bucket of the API, a clock that is moved, and everybody who repeats what has failed.

A life is a list of steps that somebody repeats until they are done, as clients repeat a POST with their key and Lambda
an event, and then the job itself, which the queue delivers again and the sweep sends again. Whoever dies is replaced
once every lease is over. While somebody stands still, others live the rest of the life; what is stored then is what has
to be stored when the one that stood still has done whatever it does.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import orjson
import pytest

import files.app
import notifications.app
import reports.app
import users_v2.app
from lanner.aws import wire
from lanner.aws.errors import AwsError
from lanner.http.problems import ApiError
from lanner.jobs.declaration import JOBS, Registry
from lanner.jobs.errors import JobsError
from lanner.jobs.record import status_of
from lanner.jobs.status import JobStatus
from tests.builders import Context, rest_event
from tests.conftest import FILES_TABLE, IDEMPOTENCY_TABLE, JOBS_TABLE, USERS_TABLE, scan
from tests.functions.gateway_events import Answer
from tests.jobs.stage import Stage
from tests.jobs.tap import KILLED_BEFORE, Killed, Tap
from tests.unit.aws.fault_server import FaultServer

MODULES = (
    "domain.mail.jobs",
    "domain.notifications.jobs",
    "domain.files.jobs",
    "domain.reports.jobs",
    "domain.rendering.jobs",
)
SMALL: dict[str, int] = {
    "domain.files.importing.CHUNK": 2,
    "domain.files.importing.PART": 10,
    "domain.files.findings.PART": 10,
    "domain.users.statistics.PAGE": 1,
    "domain.reports.jobs.COMMIT_PAGES": 1,
}
"""Chunks, parts and pages, so that a short life has several of each."""

APPS = (files.app, notifications.app, reports.app, users_v2.app)
TABLES = (USERS_TABLE, FILES_TABLE, JOBS_TABLE, IDEMPOTENCY_TABLE)

TRIES = 6
"""Of a step or a job before it counts as lost: one dies, one finds the lease of the dead one, one does it."""


class NotAnswered(Exception):
    """The client got no answer, or one that asks it to come again."""


TROUBLE = (Killed, NotAnswered, ApiError, JobsError, AwsError)
"""What is repeated: everything else is a fault of ours, and fails the test."""

AHEAD_S = 120
"""Of the machine's time, which routes go by: however long accepting takes, the job is due when a worker looks."""

CALLS_OF_THE_OTHER = 4
"""That another worker makes before it dies: it has claimed the job, and an import has committed something."""

Stored = dict[str, list[dict[str, Any]]]  # Any: DynamoDB's JSON


class Life(Protocol):
    """One kind of job. `services` are those that its life has calls to."""

    kind: str
    services: frozenset[str]

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        """What has to happen before there is a job; each is repeated until it ends without trouble."""
        ...

    def check(self, world: World, status: JobStatus) -> None:
        """Effects in our own store are there once, those outside at least once and under one key."""
        ...


class World:
    """Empty tables and queues; `name` is new, so that nothing outside is mistaken for this case's."""

    def __init__(self, tap: Tap, patch: pytest.MonkeyPatch, receiver: FaultServer) -> None:
        self.tap = tap
        self.receiver = receiver
        self.name = uuid.uuid4().hex
        self.answers: set[str] = set()
        self.stage = Stage(tap, patch)
        self.stage.clock.set(time.time() + AHEAD_S)
        self.stage.registry = Registry(MODULES, shared=JOBS)
        self.stage.worker = self.stage.another_worker()
        self._finished = self._performing = False
        self._stored: Stored | None = None
        self._failure: BaseException | None = None
        receiver.requests.clear()
        for name, size in SMALL.items():
            patch.setattr(name, size)
        for app in APPS:
            patch.setattr(app.GROUP, "clock", self.stage.clock)
        with tap.aside():
            for table in TABLES:
                for item in scan(table):
                    wire.dynamodb().call("DeleteItem", {"TableName": table, "Key": {"pk": item["pk"]}}, idempotent=True)

    def live(self, life: Life) -> JobStatus:
        """The whole life; gives the job at its end."""
        self.accept(life)
        return self.perform(life)

    def accept(self, life: Life) -> None:
        """Until there is a job."""
        for step in life.steps(self):
            self._repeat(step)

    def perform(self, life: Life) -> JobStatus:
        """Deliver, and sweep, until the job has ended; gives it."""
        self._performing = True
        for _ in range(TRIES):
            if self._finished:
                break
            try:
                self.stage.deliver()
                self._judge()
                with self.tap.aside():
                    self._finished = self.job(life.kind).finished
                if not self._finished:
                    self.stage.later()
                    self.stage.sweep()
            except TROUBLE:
                self.tap.revive()
                self._judge()
                self.stage.later()
        assert self._finished, "lost: nobody ends the job"
        with self.tap.aside():
            return self.job(life.kind)

    def stand_still(self, life: Life) -> None:
        """What happens while somebody stands still: leases end, and others live the life to its end."""

        self.stage.later()
        self._failure = elsewhere(lambda: void(self.live(life)))
        self._stored, self._finished = self.stored(), True

    def be_overtaken(self) -> None:
        """What happens while a worker stands still: its lease ends, and another one that has the job dies at it."""
        if not self._performing:
            return
        self.stage.later()
        dies_at = len(self.tap.calls) + CALLS_OF_THE_OTHER
        self.tap.arm_again(lambda number, operation, payload: number == dies_at, KILLED_BEFORE)
        self._failure = elsewhere(lambda: self.stage.deliver(self.stage.another_worker()))
        if isinstance(self._failure, Killed):
            self._failure = None
        self.tap.revive()
        self.tap.disarm()
        self._stored = self.stored()

    def ask(self, app: Any, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """One POST with this case's key. Raises `NotAnswered`."""
        headers = {"content-type": "application/json", "idempotency-key": f'"{self.name}"'}
        event = rest_event("POST", path, headers=headers, body=orjson.dumps(document).decode())
        answer = Answer(app.lambda_handler(event, Context()))
        if self.tap.dead or answer.status in (409, 503):
            raise NotAnswered
        assert answer.status in (200, 201, 202), answer.body
        found: dict[str, Any] = answer.json()
        self.answers.add(found["id"])
        return found

    def job(self, kind: str) -> JobStatus:
        """The one job of a kind."""
        (item,) = (each for each in scan(os.environ["LANNER_JOBS_TABLE"]) if each["kind"]["S"] == kind)
        return status_of(item)

    def stored(self) -> Stored:
        """Every item of every table."""
        with self.tap.aside():
            return {table: sorted(scan(table), key=lambda item: str(item["pk"]["S"])) for table in TABLES}

    def _repeat(self, step: Callable[[], None]) -> None:
        for _ in range(TRIES):
            if self._finished:
                return
            try:
                step()
                self._judge()
                return
            except TROUBLE:
                self.tap.revive()
                self._judge()
                self.stage.later()
        raise AssertionError("given up: a step that never ends without trouble")

    def _judge(self) -> None:
        """The others did it, and whoever stood still has changed nothing."""
        if self._failure is not None:  # raised where it happened, the code around would take it for a job's own
            raise AssertionError("the others failed") from self._failure
        if self._stored is not None:
            before, self._stored = self._stored, None
            assert self.stored() == before, "what stood still past its lease has written"


def elsewhere(action: Callable[[], None]) -> BaseException | None:
    """Do something in a thread of its own, since one event loop does not run inside another; what it raised."""
    with ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop())) as pool:
        failure = pool.submit(action).exception()
        pool.submit(lambda: asyncio.get_event_loop().close()).result()
        return failure


def void(_: object) -> None:
    """For what is looked at elsewhere."""
