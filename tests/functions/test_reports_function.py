"""Reports from the request to the downloaded files: the API, the job, the links."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest

import reports.app
from domain import ids
from domain.times import parse_rfc3339, rfc3339
from domain.users import store
from domain.users.model import Content, User
from domain.users.statistics import statistics
from lanner.clock import ManualClock
from lanner.jobs.producer import Producer
from lanner.jobs.worker import Worker
from tests.architecture.test_cold_start import answered
from tests.architecture.test_imports import HEAVY
from tests.builders import Context, rest_event
from tests.functions.api_client import NOW
from tests.functions.dying_storage import DyingStorage, Killed
from tests.functions.file_jobs import download, messages, run_jobs
from tests.functions.gateway_events import Answer
from tests.functions.job_runner import jobs

EVENTS = Path(__file__).parents[2] / "events" / "reports"
NOVEMBER = {"from": "2026-11-01", "to": "2026-11-03"}

pytestmark = pytest.mark.usefixtures("files_bucket", "idempotency_table")


LEASE_S = 11


def call(method: str, path: str, json: Any = None, **more: str) -> Answer:
    """One request for /v2/reports."""
    headers = {**({} if json is None else {"Content-Type": "application/json"}), **more}
    body = None if json is None else orjson.dumps(json).decode()
    return Answer(reports.app.lambda_handler(rest_event(method, path, headers=headers, body=body), Context()))


def add_user(number: int, created_at: str, updated_at: str = "", locale: str = "en") -> None:
    """One stored user, made at that moment."""
    milliseconds = parse_rfc3339(created_at)
    user_id = ids.write(int(ids.first_of(milliseconds).replace("-", ""), 16) | 0x7000 << 64 | number)
    made = rfc3339(milliseconds)
    content = Content("Ana", None, f"ana{number}@example.com", locale)
    store.insert(User(user_id, content, made, rfc3339(parse_rfc3339(updated_at)) if updated_at else made, 1))


@pytest.fixture
def some_users(files_bucket: str) -> None:
    """Two before November, three in its first days, one after them."""
    add_user(1, "2025-01-10T00:00:00Z", "2026-11-02T12:00:00Z", "de")
    add_user(2, "2026-10-31T23:59:59.999Z", "2026-10-31T23:59:59.999Z")
    add_user(3, "2026-11-01T00:00:00Z", "2026-11-03T23:59:59.999Z")
    add_user(4, "2026-11-01T05:00:00Z")
    add_user(5, "2026-11-03T23:59:59.999Z", locale="pt-BR")
    add_user(6, "2026-11-04T00:00:00Z", "2026-11-05T00:00:00Z")


def built(document: dict[str, Any]) -> dict[str, Any]:
    """The report after its job has run."""
    answer = call("POST", "/v2/reports", document)
    assert answer.status == 202, answer.body
    assert run_jobs() == 1
    found: dict[str, Any] = call("GET", f"/v2/reports/{answer.json()['id']}").json()
    assert found["status"] == "succeeded", found
    return found


def files(report: dict[str, Any]) -> dict[str, str]:
    """What the links of a report give."""
    return {link["name"]: download(link["url"]).decode() for link in report["results"]}


def csv_rows(report: dict[str, Any]) -> list[list[str]]:
    return [line.split(",") for line in files(report)["report.csv"].splitlines()]


def test_a_report_is_accepted_as_a_job() -> None:
    """202 with the job and its address, and a link to the report, which says how far it is."""
    answer = call("POST", "/v2/reports", {"kind": "growth", **NOVEMBER})
    job = answer.json()
    assert answer.status == 202
    assert answer.headers["location"] == f"/v2/jobs/{job['id']}"
    assert answer.headers["link"] == f'</v2/reports/{job["id"]}>; rel="related"'
    assert (job["kind"], job["status"]) == ("report.build", "queued")
    report = call("GET", f"/v2/reports/{job['id']}").json()
    assert (report["status"], report["about"], report["results"]) == ("queued", None, [])


@pytest.mark.usefixtures("some_users")
def test_growth_counts_new_users_and_all() -> None:
    """Each day to its last millisecond; who was there before counts for the sum."""
    report = built({"kind": "growth", **NOVEMBER})
    assert csv_rows(report) == [
        ["period", "new_users", "total_users"],
        ["2026-11-01", "2", "4"],
        ["2026-11-02", "0", "4"],
        ["2026-11-03", "1", "5"],
    ]
    assert report["about"]["kind"] == "growth"
    assert (report["about"]["from"], report["about"]["to"], report["about"]["rows"]) == ("2026-11-01", "2026-11-03", 3)


@pytest.mark.usefixtures("some_users")
def test_activity_counts_who_was_made_and_who_was_changed() -> None:
    """Also changes of users from before; a user that was never changed is not counted as such."""
    assert csv_rows(built({"kind": "activity", **NOVEMBER}))[1:] == [
        ["2026-11-01", "2", "0"],
        ["2026-11-02", "0", "1"],
        ["2026-11-03", "1", "1"],
    ]


@pytest.mark.usefixtures("some_users")
def test_locales_are_shares_of_the_users_of_a_period_or_of_all() -> None:
    """The most frequent first."""
    assert csv_rows(built({"kind": "locales", **NOVEMBER}))[1:] == [["en", "2", "0.6667"], ["pt-BR", "1", "0.3333"]]
    assert csv_rows(built({"kind": "locales"}))[1:] == [
        ["en", "4", "0.6667"],
        ["de", "1", "0.1667"],
        ["pt-BR", "1", "0.1667"],
    ]


@pytest.mark.usefixtures("some_users")
def test_a_long_report_is_by_month() -> None:
    """More than 92 days; days outside the period are not counted with their month."""
    rows = csv_rows(built({"kind": "growth", "from": "2025-01-11", "to": "2026-11-03"}))[1:]
    assert len(rows) == 23
    assert (rows[0], rows[-1]) == (["2025-01", "0", "1"], ["2026-11", "3", "5"])


@pytest.mark.usefixtures("some_users")
@pytest.mark.parametrize("kind", ["growth", "activity", "locales"])
def test_the_page_needs_nothing_but_itself(kind: str) -> None:
    """Charts with title and description, a table, no script, nothing from elsewhere; both colour schemes."""
    from html.parser import HTMLParser

    page = files(built({"kind": kind, **NOVEMBER}))["report.html"]
    tags: list[str] = []
    references: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            references.extend(str(value) for name, value in attrs if name in ("src", "href", "action", "xlink:href"))

    Reader().feed(page)
    assert "script" not in tags
    assert references == []
    assert "url(" not in page
    assert tags.count("svg") == tags.count("desc") >= 1
    assert {"table", "title", "th"} <= set(tags)
    assert "prefers-color-scheme:dark" in page
    assert "default-src 'none'" in page


def test_the_page_of_nobody() -> None:
    """Without a single user there are zeros and no division by them."""
    for kind in ("growth", "activity", "locales"):
        assert "<table>" in files(built({"kind": kind}))["report.html"]


@pytest.mark.usefixtures("some_users")
def test_the_result_of_the_job_has_links_too() -> None:
    """Whoever watches the job needs no second resource; the report signs them again later."""
    report = built({"kind": "locales"})
    result = Producer(tenant="anonymous").status(report["id"]).result
    assert [link["name"] for link in result["results"]] == ["report.html", "report.csv"]
    assert download(result["results"][1]["url"]).startswith(b"locale,users,share\r\n")


def test_reports_of_others_and_other_jobs_are_none() -> None:
    """404 for what is not this principal's, or no report."""
    other = Producer(tenant="somebody").enqueue("report.build", {"kind": "locales", "from": None, "to": "2026-11-03"})
    file = Producer(tenant="anonymous").enqueue("file.process", {})
    for known in (other.id, file.id, "nothing"):
        assert call("GET", f"/v2/reports/{known}").status == 404


@pytest.mark.parametrize("at", range(2, 9))
@pytest.mark.parametrize("mode", DyingStorage.MODES)
@pytest.mark.usefixtures("some_users")
def test_wherever_it_dies_the_report_is_the_same(at: int, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a checkpoint behind every page of one user: the sums go on from there."""
    monkeypatch.setattr("domain.users.statistics.PAGE", 1)
    monkeypatch.setattr("domain.reports.jobs.COMMIT_PAGES", 1)
    clock = ManualClock(1_795_405_931.0)
    wanted = {"kind": "growth", **NOVEMBER}
    status = Producer(tenant="anonymous", clock=clock).enqueue("report.build", wanted)
    records = messages()
    worker = Worker(("domain.reports.jobs",), clock=clock, random=lambda: 0.0)
    with monkeypatch.context() as environment:
        DyingStorage(environment, at, mode)
        with suppress(Killed):
            worker.handle({"Records": records})
    for _ in range(4):
        clock.advance(130)
        worker.handle({"Records": records})
    report = call("GET", f"/v2/reports/{status.id}").json()
    assert report["status"] == "succeeded"
    assert csv_rows(report)[1:] == [["2026-11-01", "2", "4"], ["2026-11-02", "0", "4"], ["2026-11-03", "1", "5"]]


def test_a_read_needs_no_framework() -> None:
    """A fresh interpreter looks one up, here one that is not there, without FastAPI and without boto3."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(("LANNER_", "AWS_"))}
    path = "/reports/0190a1b2-7c3d-7e4f-8a5b-000000000000"
    found = answered("reports", [(path, "GET", {}, "v2"), ("/nothing", "GET", {}, "v2")], **environment)
    assert found["answers"] == [404, 404]
    assert not HEAVY & set(found["modules"])


@pytest.mark.parametrize(("at", "mode"), [*product((1, 2, 3), DyingStorage.MODES)], ids=str)
def test_wherever_a_request_with_a_key_dies_there_is_one_report(
    monkeypatch: pytest.MonkeyPatch, at: int, mode: str
) -> None:
    """Killed around the claim, the job or the recorded answer; then retried once the lease has ended."""
    clock = ManualClock(NOW)
    monkeypatch.setattr(reports.app.GROUP, "clock", clock)
    post = partial(call, "POST", "/v2/reports", {"kind": "growth"}, **{"Idempotency-Key": '"key-1"'})
    with monkeypatch.context() as environment, suppress(Killed):
        DyingStorage(environment, at, mode)
        post()
    clock.advance(LEASE_S)
    answered = post()
    assert answered.status == 202
    assert [each["id"]["S"] for each in jobs("report.build")] == [answered.json()["id"]]
    assert post().headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_an_event_is_answered_as_its_name_says(file: Path) -> None:
    """Every payload in `events/reports`: the status is in its name, errors are problems."""
    answer = Answer(reports.app.lambda_handler(orjson.loads(file.read_bytes()), Context()))
    assert answer.status == int(file.stem.rpartition("_")[2]), answer.body
    assert answer.headers["x-api-version"] == "v2"
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("some_users")
def test_statistics_are_about_all_users() -> None:
    """Growth by month from the first user to now, a month without users among them, and shares of locales."""
    found = statistics(parse_rfc3339("2026-12-01T00:00:00Z") / 1000)
    assert (found["generated_at"], found["total_users"]) == ("2026-12-01T00:00:00.000Z", 6)
    assert found["growth"][0] == {"period": "2025-01", "new_users": 1, "total_users": 1}
    assert found["growth"][-3:] == [
        {"period": "2026-10", "new_users": 1, "total_users": 2},
        {"period": "2026-11", "new_users": 4, "total_users": 6},
        {"period": "2026-12", "new_users": 0, "total_users": 6},
    ]
    assert [each["locale"] for each in found["locales"]] == ["en", "de", "pt-BR"]
