"""The functions `jobs` and `jobs_worker`: status, list, cancel, waiting, and every payload in events/jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.app import lambda_handler
from jobs.models import Job, JobPage
from jobs_worker.app import WORKER
from jobs_worker.app import lambda_handler as worker_handler
from lanner.clock import ManualClock
from lanner.http.events import read as read_event
from lanner.jobs.answers import accepted, preferences
from lanner.jobs.attempt import claim
from lanner.jobs.ids import keyed_id
from lanner.jobs.producer import Producer
from lanner.jobs.table import JobTable
from tests.builders import Context, rest_event
from tests.functions.dying_storage import DyingStorage
from tests.functions.gateway_events import Answer

EVENTS = Path(__file__).parents[2] / "events"
FILES = sorted((EVENTS / "jobs").glob("*.json"))
STORED, FINISHED = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c"
PRODUCER = Producer(tenant="anonymous")


def ask(method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return Answer(lambda_handler(rest_event(method, path, headers=headers or {}, **more), Context()))


def running(job_id: str) -> Any:
    """A worker has taken the job."""
    return claim(JobTable(ManualClock(2_000_000_000)), "anonymous", job_id, lease_ms=60_000, max_attempts=5)


@pytest.fixture
def stored(jobs_table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the events are about: one job that waits and one that has succeeded."""
    for job_id in (STORED, FINISHED):
        with monkeypatch.context() as patch:
            patch.setattr("lanner.jobs.producer.new_id", lambda now, job_id=job_id: job_id)
            PRODUCER.enqueue("report.build", {})
    running(FINISHED).succeed("null")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_event_is_answered_as_its_name_says(file: Path, stored: None) -> None:
    """The status is in the file's name; errors are problems; nothing of it is cached."""
    answer = Answer(lambda_handler(orjson.loads(file.read_bytes()), Context()))
    assert answer.status == int(file.stem.rpartition("_")[2]), answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-api-version"] in ("v1", "v2")
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("file", sorted((EVENTS / "jobs_worker").glob("*.json")), ids=lambda file: file.stem)
def test_the_worker_takes_its_events(file: Path, stored: None) -> None:
    """A message of a kind that this code does not know is handed back for newer code to do; a schedule sweeps."""
    event = orjson.loads(file.read_bytes())
    back = [{"itemIdentifier": each["messageId"]} for each in event.get("Records", [])]
    expected = {"batchItemFailures": back} if back else {"sent": 0}
    assert worker_handler(event, Context()) == expected


def test_the_modules_of_the_worker_declare_jobs() -> None:
    """Every name in MODULES resolves."""
    assert "notification.send" in list(WORKER.registry)


def test_documents_are_as_the_schema_says(stored: None) -> None:
    """The edge writes what OpenAPI promises, in every state."""
    for job_id in (STORED, FINISHED):
        document = ask("GET", f"/v2/jobs/{job_id}").json()
        assert set(document) <= set(Job.model_fields)
        Job.model_validate(document)
    JobPage.model_validate(ask("GET", "/v2/jobs").json())


def test_a_job_is_watched_from_accepted_to_done(stored: None) -> None:
    """Retry-After until it has finished, progress on the way, the result at the end."""
    first = ask("GET", f"/v2/jobs/{STORED}")
    assert (first.json()["status"], first.headers["retry-after"]) == ("queued", "1")
    attempt = running(STORED)
    attempt.progress, attempt.note = 40, "rows 400 of 1000"
    attempt.extend()
    second = ask("GET", f"/v1/jobs/{STORED}").json()
    assert (second["status"], second["progress"], second["note"]) == ("running", 40, "rows 400 of 1000")
    attempt.succeed('{"rows":1000}')
    last = ask("GET", f"/v2/jobs/{STORED}")
    assert (last.json()["status"], last.json()["result"]) == ("succeeded", {"rows": 1000})
    assert "retry-after" not in last.headers


def test_cancelling_by_state(stored: None) -> None:
    """A running job is asked (202), a waiting one is cancelled (200, again 200), a finished one is a conflict."""
    attempt = running(STORED)
    asked = ask("DELETE", f"/v2/jobs/{STORED}")
    assert (asked.status, asked.json()["status"], asked.json()["cancel_requested"]) == (202, "running", True)
    attempt.end("cancelled", None)
    assert ask("DELETE", f"/v2/jobs/{STORED}").status == 200
    assert ask("DELETE", f"/v2/jobs/{STORED}").json()["status"] == "cancelled"
    assert ask("DELETE", f"/v2/jobs/{STORED}", {"If-Match": "*"}).status == 200
    refused = ask("DELETE", f"/v2/jobs/{FINISHED}")
    assert (refused.status, refused.json()["job_status"]) == (409, "succeeded")


def test_a_condition_that_no_job_fulfils_cancels_none(stored: None) -> None:
    """Jobs have no ETag (RFC 9110 section 13.1.1); one that is not there is a 404 all the same."""
    assert ask("DELETE", f"/v2/jobs/{STORED}", {"If-Match": '"1"'}).status == 412
    assert ask("GET", f"/v2/jobs/{STORED}").json()["status"] == "queued"
    assert ask("DELETE", f"/v2/jobs/{STORED[:-1]}d", {"If-Match": '"1"'}).status == 404


def test_nobody_sees_the_jobs_of_others(stored: None) -> None:
    """Another tenant's job is not there."""
    other = Producer(tenant="somebody else").enqueue("report.build", {})
    assert ask("GET", f"/v2/jobs/{other.id}").status == 404
    assert ask("DELETE", f"/v2/jobs/{other.id}").status == 404
    assert other.id not in ask("GET", "/v2/jobs").body.decode()


def test_pages_hold_every_job_once_newest_first(jobs_table: str) -> None:
    """Paging through a filtered list gives all of it, and the end is the absence of a cursor."""
    clock = ManualClock(2_000_000_000)
    made = []
    for number in range(7):
        clock.advance(1)
        producer = Producer(tenant="anonymous", clock=clock)
        made.append(producer.enqueue("report.build" if number % 2 else "files.import", {}).id)
    filters: tuple[list[tuple[str, str]], ...] = ([], [("kind", "report.build")], [("status", "dead")])
    for query, expected in zip(filters, (made, made[1::2], []), strict=True):
        found: list[str] = []
        cursor: list[tuple[str, str]] = []
        for _ in range(10):
            page = ask("GET", "/v2/jobs", query=[("limit", "2"), *query, *cursor])
            found += [each["id"] for each in page.json()["data"]]
            if page.json()["next_cursor"] is None:
                break
            cursor = [("cursor", page.json()["next_cursor"])]
        assert found == expected[::-1]
    stolen = ask("GET", "/v2/jobs", query=[("limit", "2")]).json()["next_cursor"]
    assert ask("GET", "/v2/jobs", query=[("cursor", stolen), ("kind", "report.build")]).status == 400


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", (False, 0)),
        ("respond-async", (True, 0)),
        ("respond-async, wait=10", (True, 10)),
        ("WAIT=5", (False, 5)),
        ('wait="7"; foo=bar, handling=lenient', (False, 7)),
        ("wait=3, wait=9", (False, 3)),
        ("wait=-1, respond-async=yes", (False, 0)),
        ("wait=1.5", (False, 0)),
        ("wait=0000000000010", (False, 10)),
        ("wait=999999999999999", (False, 999_999_999)),
        ('respond-async="", wait = 5', (True, 5)),
        ('note="a, wait=20, respond-async"', (False, 0)),
        ('note="a; b", wait=4', (False, 4)),
        ('wait="5', (False, 0)),
    ],
)
def test_preferences_are_read_as_rfc_7240_says(field: str, expected: tuple[bool, int]) -> None:
    """The first of a repeated preference counts, and one that is malformed is ignored."""
    assert preferences(field) == expected


class FinishingClock(ManualClock):
    """While a request sleeps on it, the job is done."""

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self.job_id, self.naps = job_id, 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.naps += 1
        if self.naps == 3:
            running(self.job_id).succeed('"ready"')


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        (None, 202, None),
        ("respond-async", 202, "respond-async"),
        ("wait=10", 200, "wait=10"),
        ("respond-async, wait=0", 202, "respond-async"),
    ],
)
def test_accepted_work_is_answered_as_the_client_prefers(
    jobs_table: str, prefer: str | None, status: int, applied: str | None
) -> None:
    """202 with the address of the job in the version that was asked; 200 where it finished while waiting."""
    job = PRODUCER.enqueue("report.build", {})
    event = rest_event("POST", "/v2/reports", headers={} if prefer is None else {"Prefer": prefer})
    request = read_event(event, Context())
    request.path_version = "v2"
    response = accepted(request, job, clock=FinishingClock(job.id))
    assert response.status == status
    assert response.headers["location"] == f"/v2/jobs/{job.id}"
    assert response.headers.get("preference-applied") == applied
    assert ("retry-after" in response.headers) == (status == 202)
    assert response.headers["vary"] == "Prefer"


def test_waiting_ends_with_the_invocation(jobs_table: str) -> None:
    """A client that would wait an hour gets its 202 before the function's time is over."""
    job = PRODUCER.enqueue("report.build", {})
    request = read_event(rest_event("POST", "/v2/reports", headers={"Prefer": "wait=3600"}), Context())
    clock = ManualClock()
    response = accepted(request, job, clock=clock)
    assert response.status == 202
    assert clock.monotonic() <= 20
    assert "preference-applied" not in response.headers, "a wait that was cut short is not honoured"


def test_waiting_in_vain_is_waiting_to_the_end(jobs_table: str) -> None:
    """The last look at the job is when the time is over, and then the preference was honoured."""
    job = PRODUCER.enqueue("report.build", {})
    request = read_event(rest_event("POST", "/v2/reports", headers={"Prefer": "respond-async, wait=1"}), Context())
    clock = ManualClock()
    began = clock.monotonic()
    response = accepted(request, job, clock=clock)
    assert (response.status, response.headers["preference-applied"]) == (202, "respond-async, wait=1")
    assert clock.monotonic() - began == pytest.approx(1)


def test_an_accepted_job_is_accepted_though_nobody_can_say_how_it_is(
    jobs_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Storage that stops answering while a request waits: 202, for an error would make the client ask for another."""
    job = PRODUCER.enqueue("report.build", {})
    request = read_event(rest_event("POST", "/v2/reports", headers={"Prefer": "wait=5"}), Context())
    DyingStorage(monkeypatch, 2, "lost")
    response = accepted(request, job, clock=ManualClock())
    assert (response.status, response.headers["location"]) == (202, f"/v2/jobs/{job.id}")
    assert "preference-applied" not in response.headers


def test_ids_with_a_key_depend_on_tenant_kind_and_key() -> None:
    """No two of them run together."""
    made = {keyed_id(*each) for each in (("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("a", "b", "d"))}
    assert len(made) == 4
    assert keyed_id("a", "b", "c") == keyed_id("a", "b", "c")
