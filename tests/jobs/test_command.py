"""`lanner jobs list | show | cancel | redrive`: over a table that is named, and over a `lanner dev` that runs."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lanner import cli
from lanner.aws import wire
from lanner.clock import ManualClock
from lanner.jobs.attempt import Attempt, claim
from lanner.jobs.producer import Producer
from lanner.jobs.queue import JobMessage
from lanner.jobs.table import JobTable
from lanner.local.commands import jobs as command
from tests.functions.dying_storage import DyingStorage
from tests.jobs.conftest import TABLE
from tests.jobs.deliveries import receive
from tests.local.dev.conftest import APP, TEMPLATE, Project

KIND = "undeclared.work"
RESOURCES = """
      JobsTable:
        Type: AWS::DynamoDB::Table
        Properties:
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions:
            - {AttributeName: pk, AttributeType: S}
            - {AttributeName: tenant, AttributeType: S}
            - {AttributeName: listed, AttributeType: S}
          KeySchema: [{AttributeName: pk, KeyType: HASH}]
          GlobalSecondaryIndexes:
            - IndexName: by_tenant
              KeySchema: [{AttributeName: tenant, KeyType: HASH}, {AttributeName: listed, KeyType: RANGE}]
              Projection: {ProjectionType: INCLUDE, NonKeyAttributes: [kind]}
      JobsQueue: {Type: AWS::SQS::Queue}
      JobsDeadLetterQueue: {Type: AWS::SQS::Queue}
"""


class Cli:
    """The command, for one tenant of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.tenant = uuid.uuid4().hex
        self.clock = ManualClock(1_800_000_000)
        self.producer = Producer(tenant=self.tenant, clock=self.clock)
        self.dead_letters = os.environ["LANNER_JOBS_DEAD_LETTER_QUEUE_URL"]
        self._capsys = capsys
        for url in (self.dead_letters, os.environ["LANNER_JOBS_QUEUE_URL"]):
            wire.sqs().call("PurgeQueue", {"QueueUrl": url}, idempotent=True)

    def run(self, *words: str) -> tuple[int, list[str], str]:
        """Exit code, lines of the output, what went to standard error."""
        code = cli.main(["jobs", *words, "--tenant", self.tenant, "--table", TABLE])
        out = self._capsys.readouterr()
        return code, out.out.splitlines(), out.err

    def lines(self, *words: str) -> list[str]:
        code, lines, error = self.run(*words)
        assert (code, error) == (0, "")
        return lines

    def enqueue(self, kind: str = KIND) -> str:
        self.clock.advance(1)
        return self.producer.enqueue(kind, {}).id

    def claim(self, job_id: str) -> Attempt:
        return claim(JobTable(self.clock), self.tenant, job_id, lease_ms=60_000, max_attempts=5)

    def dead(self) -> str:
        """A job that was given up, with its dead letter."""
        job_id = self.enqueue()
        self.claim(job_id).end("dead", '{"title": "Internal error"}')
        self.letter(JobMessage(self.tenant, job_id, KIND).body())
        return job_id

    def letter(self, body: str) -> None:
        wire.sqs().call("SendMessage", {"QueueUrl": self.dead_letters, "MessageBody": body}, idempotent=True)


@pytest.fixture
def lanner(cloud: str, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def states(lines: list[str]) -> list[tuple[str, str]]:
    return [(line.split()[0], line.split()[1]) for line in lines]


def test_jobs_are_listed_newest_first_and_by_what_is_asked_for(lanner: Cli) -> None:
    """By status, by kind, so many; those of other tenants are not among them."""
    first, second, third = lanner.enqueue(), lanner.enqueue("mail.send"), lanner.enqueue()
    lanner.claim(second)
    assert states(lanner.lines("list")) == [(third, "queued"), (second, "running"), (first, "queued")]
    assert states(lanner.lines("list", "--status", "queued")) == [(third, "queued"), (first, "queued")]
    assert states(lanner.lines("list", "--kind", "mail.send")) == [(second, "running")]
    assert states(lanner.lines("list", "--limit", "1")) == [(third, "queued")]
    assert Cli(lanner._capsys).lines("list") == []


def test_a_line_shows_how_far_a_job_is(lanner: Cli) -> None:
    """Progress as a bar, attempts once they are known, the note, and that it was asked to stop."""
    job_id = lanner.enqueue()
    assert "[                    ]   0%    0/-  2027-01-15T08:00:01.000Z  undeclared.work" in lanner.lines("list")[0]
    attempt = lanner.claim(job_id)
    attempt.progress, attempt.note = 40, "4 of 10 pages"
    attempt.extend()
    assert "[########            ]  40%    1/5  " in lanner.lines("list")[0]
    assert lanner.lines("list")[0].endswith("undeclared.work  4 of 10 pages")
    assert states(lanner.lines("cancel", job_id)) == [(job_id, "stopping")]


def test_a_job_is_shown_as_its_clients_see_it(lanner: Cli) -> None:
    """The same JSON document."""
    job_id = lanner.enqueue()
    lanner.claim(job_id).succeed('{"rows": 3}')
    assert json.loads("\n".join(lanner.lines("show", job_id))) == lanner.producer.status(job_id).document()


def test_watching_shows_each_change_until_the_end(lanner: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for what changed, none for what did not, the document at the end."""
    job_id = lanner.enqueue()
    attempts: list[Attempt] = []

    def halfway() -> None:
        attempts[0].progress = 50
        attempts[0].extend()

    steps: Iterator[Callable[[], object]] = iter(
        (lambda: attempts.append(lanner.claim(job_id)), lambda: None, halfway, lambda: attempts[0].succeed(None))
    )
    monkeypatch.setattr(time, "sleep", lambda seconds: next(steps)())
    lines = lanner.lines("show", job_id, "--watch")
    assert [line.split("]")[0] for line in lines[:3]] == [
        f"{job_id}  queued     [                    ",
        f"{job_id}  running    [                    ",
        f"{job_id}  running    [##########          ",
    ]
    assert json.loads("\n".join(lines[3:]))["status"] == "succeeded"


def test_a_queued_job_is_cancelled_and_a_finished_one_is_not(lanner: Cli) -> None:
    """What it is by now is said."""
    job_id = lanner.enqueue()
    assert states(lanner.lines("cancel", job_id)) == [(job_id, "cancelled")]
    done = lanner.enqueue()
    lanner.claim(done).succeed(None)
    code, lines, error = lanner.run("cancel", done)
    assert (code != 0, lines) == (True, [])
    assert f"the job {done} is succeeded" in error


@pytest.mark.parametrize("action", ["show", "cancel", "redrive"])
def test_what_is_no_job_is_named(lanner: Cli, action: str) -> None:
    """An id that nobody has, and what is no id."""
    unknown = str(uuid.uuid4())
    code, _, error = lanner.run(action, unknown)
    assert code != 0
    assert f"there is no job {unknown}" in error
    code, _, error = lanner.run(action, "tomorrow")
    assert code != 0
    assert "'tomorrow' is no id of a job" in error


def test_a_dead_job_is_put_back_by_its_id(lanner: Cli) -> None:
    """It is queued with all its attempts, and a message for it is in the queue; once."""
    job_id = lanner.dead()
    receive(os.environ["LANNER_JOBS_QUEUE_URL"], hidden=600)
    assert states(lanner.lines("redrive", job_id)) == [(job_id, "queued")]
    [message] = receive(os.environ["LANNER_JOBS_QUEUE_URL"], hidden=0)
    assert json.loads(message["Body"])["job"] == job_id
    code, _, error = lanner.run("redrive", job_id)
    assert code != 0
    assert f"the job {job_id} is queued" in error


def test_the_dead_letter_queue_is_put_back(lanner: Cli) -> None:
    """What is dead is queued, what is not any more is dropped, and what nobody can read stays for a person."""
    dead, back = lanner.dead(), lanner.dead()
    lanner.producer.redrive(back)
    lanner.letter("what is this")
    lines = lanner.lines("redrive")
    assert sorted(lines[:-1]) == sorted(
        [
            f"{dead}  redriven",
            f"{back}  dropped: the job {back} is queued",
            "what is this  unreadable, left in the queue",
        ]
    )
    assert lines[-1] == "3 dead letters looked at"
    assert lanner.producer.status(dead).state == "queued"
    assert lanner.lines("redrive") == ["0 dead letters looked at"]


def test_at_most_so_many_dead_letters(lanner: Cli) -> None:
    """The others stay where they are."""
    jobs = {lanner.dead() for _ in range(3)}
    assert lanner.lines("redrive", "--limit", "2")[-1] == "2 dead letters looked at"
    assert sorted(lanner.producer.status(each).state for each in jobs) == ["dead", "queued", "queued"]


def test_a_dead_letter_stays_while_the_records_do_not_answer(lanner: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be put back is still there for the next time."""
    dead = lanner.dead()
    with monkeypatch.context() as patch:
        DyingStorage(patch, 1, "lost")
        assert lanner.lines("redrive") == [
            f"{dead}  left in the queue: The job storage does not answer; try again shortly",
            "1 dead letters looked at",
        ]
    asked = {"QueueUrl": lanner.dead_letters, "AttributeNames": ["ApproximateNumberOfMessagesNotVisible"]}
    hidden = wire.sqs().call("GetQueueAttributes", asked)["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
    assert int(hidden) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["list", "--limit", "0"], "'0' is no number of 1 or more"),
        (["redrive", "--limit", "-1"], "'-1' is no number of 1 or more"),
        (["list", "--limit", "many"], "'many' is no number of 1 or more"),
        (["list", "--kind", "Report.Build"], "a kind is dotted lower-case words"),
        (["list", "--status", "done"], "invalid choice: 'done'"),
        (["list", "--tenant", ""], "a tenant has 1 to 256 characters, not 0"),
        (["show", "x", "--tenant", "t" * 257], "a tenant has 1 to 256 characters, not 257"),
    ],
)
def test_an_argument_that_is_none_is_named(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    """Before anything is asked of anybody: a typing error is no empty list."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["jobs", *words, "--table", TABLE])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_storage_that_does_not_answer_is_named_with_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator needs more than that it does not."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    wire.reset()
    try:
        assert cli.main(["jobs", "list", "--table", TABLE]) != 0
    finally:
        wire.reset()
    assert "refused" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["LANNER_JOBS_QUEUE_URL", "LANNER_JOBS_DEAD_LETTER_QUEUE_URL"])
def test_without_a_queue_nothing_is_put_back(lanner: Cli, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """It says what to name; a single job does without the dead letters."""
    job_id = lanner.dead()
    monkeypatch.delenv(missing)
    code, lines, error = lanner.run("redrive")
    assert (code != 0, lines) == (True, [])
    assert missing in error
    single, _, error = lanner.run("redrive", job_id)
    assert (single == 0) == (missing != "LANNER_JOBS_QUEUE_URL"), error
    assert lanner.producer.status(job_id).state == ("dead" if single else "queued")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose template has the jobs' table and queues."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    made.write("template.yaml", TEMPLATE + RESOURCES)
    made.write("src/app.py", APP)
    yield made
    made.close()


def test_without_a_table_it_looks_at_the_running_cloud(
    cloud: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose table and queues are those that its template declares; where none runs it says so."""
    idle = project.command("jobs", "list")
    assert idle.returncode != 0
    assert "start one first" in idle.stderr
    dev = project.start()
    rows: list[dict[str, Any]] = httpx.get(f"{dev.url}{command.RESOURCES_PATH}", timeout=20).json()["rows"]
    ids = {row["logical_id"]: row["physical_id"] for row in rows}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "/".join(ids["JobsQueue"].split("/")[:3]))
    wire.reset()
    try:
        accepted = Producer(tenant="anonymous", table=ids["JobsTable"], queue=ids["JobsQueue"]).enqueue(KIND, {})
    finally:
        monkeypatch.undo()
        wire.reset()
    assert states(project.command("jobs", "list").stdout.splitlines()) == [(accepted.id, "queued")]
    assert json.loads(project.command("jobs", "show", accepted.id).stdout)["status"] == "queued"
    assert states(project.command("jobs", "cancel", accepted.id).stdout.splitlines()) == [(accepted.id, "cancelled")]
    assert project.command("jobs", "redrive").stdout == "0 dead letters looked at\n"
