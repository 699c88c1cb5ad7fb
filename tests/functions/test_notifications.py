"""POST /notifications, from the request to the receiver: real storage, a real queue, real receivers on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import notifications.app
from domain.notifications.requests import read_notification
from lanner.aws import clients
from lanner.clock import ManualClock
from lanner.http.problems import Unprocessable
from notifications.models import EmailNotification, NotificationJob, WebhookNotification
from tests.builders import Context, rest_event
from tests.functions.api_client import NOW
from tests.functions.dying_storage import DyingStorage, Killed
from tests.functions.gateway_events import Answer
from tests.functions.job_runner import jobs, message_of, run_jobs, run_messages
from tests.unit.aws.fault_server import FaultServer, answer
from tests.unit.domain.test_mail_ses import sent
from tests.unit.domain.test_notification_signature import OTHER, SECRET, verifies

SEND = "notification.send"
MAIL = {"channel": "email", "to": "ana@example.com", "message": "It is ready.", "subject": "Your report"}
LEASE_S = 11
EVENTS = Path(__file__).parents[2] / "events" / "notifications"


@pytest.fixture(autouse=True)
def api(idempotency_table: str, jobs_table: str, catalog_table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty tables and queues, a sender, two secrets, and receivers on 127.0.0.1."""
    monkeypatch.setenv("LANNER_MAIL_FROM", "Lanner <no-reply@example.com>")
    monkeypatch.setenv("LANNER_WEBHOOK_SECRETS", f"{SECRET},{OTHER}")
    monkeypatch.setenv("LANNER_WEBHOOK_ALLOW", "127.0.0.1")
    monkeypatch.setattr(notifications.app.GROUP, "clock", ManualClock(NOW))


@pytest.fixture
def receiver() -> Iterator[FaultServer]:
    served = FaultServer()
    yield served
    served.stop()


@pytest.fixture
def mail_page(storage: str) -> Iterator[str]:
    """Where the local cloud shows sent mail."""
    clients.reset()
    yield storage
    clients.reset()


def post(json: Any = None, key: str | None = '"key-1"', **headers: str) -> Answer:
    sent = {"Content-Type": "application/json", **({} if key is None else {"Idempotency-Key": key}), **headers}
    body = orjson.dumps(MAIL if json is None else json).decode()
    event = rest_event("POST", "/v2/notifications", headers=sent, body=body)
    return Answer(notifications.app.lambda_handler(event, Context()))


def hook(receiver: FaultServer) -> dict[str, Any]:
    return {"channel": "webhook", "url": f"{receiver.url}/hook", "message": "Ready\nnow"}


def only_job() -> dict[str, Any]:
    (job,) = jobs(SEND)
    return job


def test_a_notification_is_accepted() -> None:
    """202 with the job, in the shape that the documentation has, and where to look for it; no key, no notification."""
    accepted = post()
    assert accepted.status == 202
    job = NotificationJob.model_validate_json(accepted.body)
    assert (job.kind, job.status, job.max_attempts) == (SEND, "queued", 8)
    assert accepted.headers["location"] == f"/v2/jobs/{job.id}"
    assert accepted.headers["retry-after"]
    refused = post(key=None)
    assert (refused.status, refused.json()["type"]) == (400, "/problems/idempotency-key-missing")
    assert len(jobs(SEND)) == 1


def test_a_repeated_request_is_one_notification() -> None:
    """The same answer; another key is another notification; another body under the same key is a mistake."""
    first, again = post(), post()
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (202, first.body, "true")
    assert post({**MAIL, "message": "Other"}).status == 422
    assert len(jobs(SEND)) == 1
    assert post(key='"key-2"').status == 202
    assert len(jobs(SEND)) == 2


def test_a_wrong_body_is_refused_by_its_members() -> None:
    """422 with pointers, and no job."""
    refused = post({"channel": "webhook", "url": "https://10.0.0.1/", "message": ""})
    assert refused.status == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/url", "#/message"]
    assert not jobs(SEND)


def test_a_mail_arrives(mail_page: str) -> None:
    """Through the queue and SES, with its subject, in plain text."""
    before = len(sent(mail_page))
    post()
    run_jobs()
    (mail,) = sent(mail_page)[before:]
    assert mail["destinations"] == ["ana@example.com"]
    assert (mail["subject"], mail["body"].strip()) == ("Your report", "It is ready.")
    assert only_job()["state"]["S"] == "succeeded"


def test_a_webhook_arrives(receiver: FaultServer) -> None:
    """Signed for both secrets, in the form of Standard Webhooks; the job says what the receiver answered."""
    assert post(hook(receiver)).status == 202
    run_jobs()
    (request,) = receiver.requests
    document = orjson.loads(request.body)
    assert document["type"] == "notification"
    assert document["data"] == {"message": "Ready\nnow", "subject": None}
    assert verifies(request.headers, request.body, SECRET)
    assert verifies(request.headers, request.body, OTHER)
    job = only_job()
    assert job["state"]["S"] == "succeeded"
    assert orjson.loads(job["result"]["S"]) == {"channel": "webhook", "status": 200}


def test_a_receiver_in_trouble_is_asked_again(receiver: FaultServer) -> None:
    """Not before its Retry-After, and with the same id and body."""
    receiver.script = [answer(b"", 503, retry_after="120"), answer(b"", 500), answer(b"", 204)]
    post(hook(receiver))
    clock = ManualClock(time.time() + 1)
    run_jobs(clock)
    job = only_job()
    assert job["state"]["S"] == "queued"
    assert int(job["not_before"]["N"]) == int(clock.now() * 1000) + 120_000
    clock.advance(121)
    run_messages([message_of(job)], clock)
    assert int(only_job()["not_before"]["N"]) == int(clock.now() * 1000) + 20_000, "the second backoff, nothing asked"
    clock.advance(21)
    run_messages([message_of(job)], clock)
    assert only_job()["state"]["S"] == "succeeded"
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 410, 301])
def test_a_refusal_ends_the_job(receiver: FaultServer, status: int) -> None:
    """Failed with a problem that says what the receiver answered; nothing is sent again."""
    receiver.script = [answer(b"", status)]
    post(hook(receiver))
    run_jobs()
    job = only_job()
    assert job["state"]["S"] == "failed"
    problem = orjson.loads(job["problem"]["S"])
    assert (problem["type"], problem["title"]) == ("/problems/not-delivered", "Not delivered")
    assert str(status) in problem["detail"]
    run_messages([message_of(job)])
    assert len(receiver.requests) == 1


def test_attempts_end(receiver: FaultServer) -> None:
    """After eight the client learns what the last one met."""
    receiver.script = [answer(b"", 502) for _ in range(9)]
    post(hook(receiver))
    clock = ManualClock(time.time() + 1)
    for _ in range(9):
        run_messages([message_of(only_job())], clock)
        clock.advance(3_700)
    job = only_job()
    assert (job["state"]["S"], len(receiver.requests)) == ("failed", 8)
    assert "502, after 8 attempts" in orjson.loads(job["problem"]["S"])["detail"]


def test_a_target_is_judged_when_it_is_sent(receiver: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was allowed when it was asked for may no longer be: the job fails without a connection."""
    post(hook(receiver))
    monkeypatch.delenv("LANNER_WEBHOOK_ALLOW")
    run_jobs()
    assert only_job()["state"]["S"] == "failed"
    assert receiver.connections == 0


def attempt(monkeypatch: pytest.MonkeyPatch, at: int, mode: str) -> None:
    with monkeypatch.context() as environment:
        storage = DyingStorage(environment, at, mode)
        try:
            post()
        except Killed:
            return
    assert mode == "lost" or len(storage.calls) < at, "it should have died"


POINTS = [*product((1, 2, 3), DyingStorage.MODES)]


@pytest.mark.parametrize(("first", "second"), [*product(POINTS, [None, *POINTS])], ids=str)
def test_wherever_it_dies_there_is_one_job(
    monkeypatch: pytest.MonkeyPatch, first: tuple[int, str], second: tuple[int, str] | None
) -> None:
    """Killed around the claim, the job or the recorded answer, once or twice; then retried to the end."""
    clock = notifications.app.GROUP.clock
    assert isinstance(clock, ManualClock)
    for point in (first, second):
        if point is not None:
            attempt(monkeypatch, *point)
            clock.advance(LEASE_S)
    answered = post()
    assert answered.status == 202
    again = post()
    assert (again.body, again.headers["location"]) == (answered.body, answered.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert only_job()["id"]["S"] == answered.json()["id"]


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_an_event_is_answered_as_its_name_says(file: Path) -> None:
    """Every payload in events/notifications: REST API, HTTP API, load balancer."""
    found = Answer(notifications.app.lambda_handler(orjson.loads(file.read_bytes()), Context()))
    assert found.status == int(file.stem.rpartition("_")[2]), found.body.decode()
    assert found.headers["x-api-version"] == "v2"
    if found.status >= 400:
        assert found.headers["content-type"] == "application/problem+json"


WRITE: TypeAdapter[Any] = TypeAdapter(EmailNotification | WebhookNotification)
TEXTS = st.sampled_from(["Hi", "a\nb", " ", "x" * 201, "ana@example.com", "https://hooks.example.com/"]) | st.none()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["email", "webhook", "sms", None]),
            **{name: TEXTS | st.integers(0, 1) for name in ("to", "url", "message", "subject", "colour")},
        },
    )
)
def test_what_is_accepted_fits_the_schema(document: dict[str, Any]) -> None:
    """A client generated from OpenAPI can send everything that is taken."""
    assert fits(document) or not taken(document), f"accepted, but against the schema: {document}"


@pytest.mark.parametrize(
    "document",
    [
        {"channel": "email", "to": "ana@example.com", "message": "Hi"},
        {"channel": "webhook", "url": "https://hooks.example.com/", "message": "Hi"},
    ],
)
def test_good_documents_are_taken_and_fit(document: dict[str, Any]) -> None:
    """So that agreeing is not refusing everything."""
    assert taken(document) and fits(document)


def taken(document: dict[str, Any]) -> bool:
    try:
        read_notification(document)
    except Unprocessable:
        return False
    return True


def fits(document: dict[str, Any]) -> bool:
    try:
        WRITE.validate_python(document, strict=True)
    except ValidationError:
        return False
    return True
