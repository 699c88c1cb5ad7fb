"""The welcome mail: accepted with the user in one transaction, sent in the user's language."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import pytest

from lanner.aws import clients, wire
from lanner.clock import ManualClock
from lanner.jobs.worker import Worker
from tests.builders import Context
from tests.conftest import USERS_TABLE, scan
from tests.functions.api_client import Client
from tests.functions.job_runner import jobs, message_of, run_jobs, run_messages
from tests.unit.domain.test_mail_ses import sent

WELCOME = "mail.welcome"
ANA = {"given_name": "Ana", "email": "ana@example.com", "locale": "pt-BR"}


@pytest.fixture
def api(client: Client, jobs_table: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The API with empty tables and queues, and a sender."""
    monkeypatch.setenv("LANNER_MAIL_FROM", "no-reply@example.com")
    clients.reset()
    yield client
    clients.reset()


def test_a_new_user_is_welcomed(api: Client, storage: str) -> None:
    """In both versions, once each, in the user's language."""
    before = len(sent(storage))
    assert api.post("/v2/users", ANA).status == 201
    assert api.post("/v1/users", {"name": "Eva Cruz", "email": "eva@example.com"}).status == 201
    run_jobs()
    mails = {mail["destinations"][0]: mail["subject"] for mail in sent(storage)[before:]}
    assert mails == {"ana@example.com": "Boas-vindas, Ana", "eva@example.com": "Welcome, Eva"}
    assert {job["state"]["S"] for job in jobs(WELCOME)} == {"succeeded"}


def test_the_job_holds_no_address(api: Client) -> None:
    """Nothing personal waits in a queue, and no client can look at the job."""
    api.post("/v2/users", ANA)
    (job,) = jobs(WELCOME)
    assert "ana" not in str(job).lower().replace("lanner", "")
    assert job["tenant"]["S"] == "system"


def test_who_is_gone_gets_no_mail(api: Client, storage: str) -> None:
    """Deleted before the job ran: it succeeds, having nothing to do; a new address gets the mail."""
    before = len(sent(storage))
    gone = api.post("/v2/users", ANA)
    api.delete(gone.headers["location"])
    moved = api.post("/v2/users", ANA)
    api.patch(moved.headers["location"], {"email": "new@example.com"})
    run_jobs()
    assert [mail["destinations"] for mail in sent(storage)[before:]] == [["new@example.com"]]
    assert {job["state"]["S"] for job in jobs(WELCOME)} == {"succeeded"}


def test_a_refused_user_is_not_welcomed(api: Client) -> None:
    """No user, no job."""
    api.post("/v2/users", ANA)
    assert api.post("/v2/users", ANA).status == 409
    assert api.post("/v2/users", {}).status == 422
    assert len(jobs(WELCOME)) == 1


def test_a_letter_that_ses_cannot_send_fails_for_good(api: Client) -> None:
    """The reason is in the job, and no attempt follows."""
    api.post("/v2/users", {**ANA, "email": "josé@example.com"})
    run_jobs()
    (job,) = jobs(WELCOME)
    assert job["state"]["S"] == "failed"
    assert "not-delivered" in job["problem"]["S"]
    run_messages([message_of(job)])


def test_users_do_not_wait_for_the_queue(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS is away: the user and the job are there all the same, and the sweep sends the message later."""
    with socket.socket() as unheard, monkeypatch.context() as environment:
        unheard.bind(("127.0.0.1", 0))
        environment.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        wire.reset()
        assert api.post("/v2/users", ANA).status == 201
    wire.reset()
    assert len([item for item in scan(USERS_TABLE) if item["pk"]["S"].startswith("U#")]) == 1
    assert Worker(clock=ManualClock(time.time() + 120)).handle({}, Context()) == {"sent": 1}
    queue = os.environ["LANNER_JOBS_QUEUE_URL"]
    assert len(wire.sqs().call("ReceiveMessage", {"QueueUrl": queue})["Messages"]) == 1
