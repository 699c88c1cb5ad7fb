"""Files from the announcement to the result: the API, a real upload, S3's event, the job."""

from __future__ import annotations

import gzip
import hashlib
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import orjson
import pytest

import files.app
import uploads.app
from domain.files import objects, store
from domain.files.model import File, Upload
from lanner.clock import ManualClock
from lanner.jobs.producer import Producer
from lanner.jobs.worker import Worker
from tests.architecture.test_cold_start import answered
from tests.architecture.test_imports import HEAVY
from tests.builders import Context, rest_event
from tests.conftest import USERS_TABLE, scan
from tests.functions.file_jobs import arrived, download, messages, run_jobs, upload
from tests.functions.gateway_events import Answer

EVENTS = Path(__file__).parents[2] / "events"
FILE_ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
CSV = {"filename": "users.csv", "content_type": "text/csv"}

pytestmark = pytest.mark.usefixtures("files_bucket", "idempotency_table")


def call(method: str, path: str, json: Any = None, **headers: str) -> Answer:
    """One request for /v2/files."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if json is not None:
        named["Content-Type"] = "application/json"
    body = None if json is None else orjson.dumps(json).decode()
    return Answer(files.app.lambda_handler(rest_event(method, path, headers=named, body=body), Context()))


def announced(document: dict[str, Any] = CSV) -> dict[str, Any]:
    answer = call("POST", "/v2/files", document)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()
    return found


def processed(content: bytes, document: dict[str, Any] = CSV) -> dict[str, Any]:
    """The file after its upload, S3's event and its job."""
    file = announced(document)
    assert upload(file["upload"], content) == 201
    uploads.app.lambda_handler(arrived(f"uploads/{file['id']}"), None)
    assert run_jobs() == 1
    found: dict[str, Any] = call("GET", f"/v2/files/{file['id']}").json()
    return found


def users() -> dict[str, dict[str, Any]]:
    """Stored users by address."""
    return {item["email"]["S"]: item for item in scan(USERS_TABLE) if "email" in item}


def test_an_announced_file_waits_for_its_upload() -> None:
    """201 with its address, a form that expires, and nothing known yet."""
    answer = call("POST", "/v2/files", CSV)
    file = answer.json()
    assert answer.headers["location"] == f"/v2/files/{file['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert file["state"] == "awaiting_upload"
    assert file["upload"]["method"] == "POST"
    assert file["upload"]["fields"]["key"] == f"uploads/{file['id']}"
    read = call("GET", f"/v2/files/{file['id']}").json()
    assert read == {**file, "upload": None}


def test_the_form_lets_s3_refuse_other_keys_types_and_sizes() -> None:
    """The signed policy names the key and the type exactly, and the range of sizes; version 4 signs it."""
    fields = announced()["upload"]["fields"]
    policy = orjson.loads(b64decode(fields["policy"]))
    conditions = policy["conditions"]
    assert {"Content-Type": "text/csv"} in conditions
    assert {"key": fields["key"]} in conditions
    assert ["content-length-range", 1, 512 * 1024 * 1024] in conditions
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_a_csv_file_becomes_users() -> None:
    """Rows with v2's rules; empty cells are absent members; the job and the checksum can be read."""
    content = (
        'email,given_name,family_name,locale\r\nana@example.com,Ana,"de la\tCruz",pt-br\r\nzoe@example.com,Zoë,,\r\n'
    )
    content = content.replace("\t", " ")
    file = processed(content.encode())
    assert file["state"] == "done"
    assert file["rows"] == {"read": 2, "created": 2, "failed": 0}
    assert file["results"] == []
    assert file["sha256"] == hashlib.sha256(content.encode()).hexdigest()
    assert file["size"] == len(content.encode())
    assert file["detected_type"] == "text/csv"
    stored = users()
    assert stored["ana@example.com"]["family_name"] == {"S": "de la Cruz"}
    assert stored["ana@example.com"]["locale"] == {"S": "pt-BR"}
    assert "family_name" not in stored["zoe@example.com"]
    job = Producer(tenant="anonymous").status(file["job"].rpartition("/")[2])
    assert (job.state, job.kind) == ("succeeded", "file.process")
    assert job.result["rows"] == file["rows"]


def test_rows_that_fail_are_listed_and_do_no_harm() -> None:
    """Line, column, reason and value in a CSV file; formulas are text; good rows are users."""
    rows = [
        b"given_name;email",
        b"Ana;ana@example.com",
        b"=HYPERLINK(1);+bad",
        b";eva@example.com",
        b"Eva;ANA@example.com",
        b"too;many;cells",
        b"N\xf1;nn@example.com",
        b"Bo;bo@example.com",
    ]
    file = processed(b"\xef\xbb\xbf" + b"\n".join(rows))
    assert file["state"] == "done"
    assert file["rows"] == {"read": 7, "created": 2, "failed": 5}
    assert set(users()) == {"ana@example.com", "bo@example.com"}
    lines = download(file["results"][0]["url"]).decode().splitlines()
    assert lines[0] == "line,column,detail,value"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["3", "email"], ["4", "given_name"], ["5", "email"], ["6", ""], ["7", ""],
    ]  # fmt: skip
    assert lines[1].endswith(",'+bad")
    assert "0xF1" in lines[5]


def test_addresses_of_users_that_are_there_are_taken() -> None:
    """In any case of letters; the user stays as it is."""
    processed(b"email,given_name\nana@example.com,Ana\n")
    file = processed(b"email,given_name\nANA@EXAMPLE.com,Other\nnew@example.com,New\n")
    assert file["rows"] == {"read": 2, "created": 1, "failed": 1}
    assert users()["ana@example.com"]["given_name"] == {"S": "Ana"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"email,nickname\na@example.com,A\n", "unknown column 'nickname'; known are given_name"),
        (b"email\na@example.com\n", "given_name is missing"),
        (b"email,email,given_name\n", "email is there more than once"),
        (b"\xff\xfee\0m\0", "UTF-16"),
        (b"\n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n....", "is image/png"),
    ],
)
def test_a_file_without_the_right_header_fails(content: bytes, told: str) -> None:
    """No row is trusted; the problem says what is wrong with the first line."""
    file = processed(content)
    assert file["state"] == "failed"
    assert told in file["problem"]["detail"]
    assert file["problem"]["type"] == "/problems/file-unusable"
    assert users() == {}


def test_other_files_are_measured_by_content() -> None:
    """The declared type is kept beside the detected one; nothing is imported."""
    content = gzip.compress(b"email,given_name\n" * 100)
    file = processed(content, {"filename": "notes.txt", "content_type": "text/plain"})
    assert (file["state"], file["content_type"], file["detected_type"]) == ("done", "text/plain", "application/gzip")
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["rows"] is None


def test_an_event_that_comes_again_is_the_same_job() -> None:
    """Before the job has run and after it; users and answer stay."""
    file = announced()
    upload(file["upload"], b"email,given_name\nana@example.com,Ana\n")
    event = arrived(f"uploads/{file['id']}")
    assert uploads.app.lambda_handler(event, None) == {"accepted": 1, "ignored": 0}
    uploads.app.lambda_handler({"Records": event["Records"] * 2}, None)
    assert run_jobs() == 1
    uploads.app.lambda_handler(event, None)
    assert run_jobs() == 0
    assert call("GET", f"/v2/files/{file['id']}").json()["rows"] == {"read": 1, "created": 1, "failed": 0}


def test_a_second_upload_to_the_same_form_is_ignored() -> None:
    """The first object counts, and is what the job reads."""
    file = announced()
    upload(file["upload"], b"email,given_name\nana@example.com,Ana\n")
    uploads.app.lambda_handler(arrived(f"uploads/{file['id']}"), None)
    upload(file["upload"], b"email,given_name\neva@example.com,Eva\n")
    assert uploads.app.lambda_handler(arrived(f"uploads/{file['id']}"), None) == {"accepted": 0, "ignored": 1}
    assert run_jobs() == 1
    assert set(users()) == {"ana@example.com"}


def test_objects_that_are_no_uploads_are_ignored() -> None:
    """Results, removed objects, files that nobody announced."""
    for payload in ("arrived", "not_an_upload"):
        event = orjson.loads((EVENTS / "uploads" / f"{payload}.json").read_bytes())
        assert uploads.app.lambda_handler(event, None) == {"accepted": 0, "ignored": 1}
    assert messages() == []


def test_an_upload_that_is_gone_fails_the_file() -> None:
    """The job says so once, and is not tried again."""
    file = announced()
    upload(file["upload"], b"email,given_name\n")
    uploads.app.lambda_handler(arrived(f"uploads/{file['id']}"), None)
    version = arrived(f"uploads/{file['id']}")["Records"][0]["s3"]["object"]["versionId"]
    objects._client().delete_object(Bucket="files-test", Key=f"uploads/{file['id']}", VersionId=version)
    assert run_jobs() == 1
    found = call("GET", f"/v2/files/{file['id']}").json()
    assert (found["state"], found["problem"]["status"]) == ("failed", 422)


def test_a_cancelled_job_fails_the_file() -> None:
    """Nobody works on it any more."""
    file = announced()
    upload(file["upload"], b"email,given_name\n")
    uploads.app.lambda_handler(arrived(f"uploads/{file['id']}"), None)
    job = call("GET", f"/v2/files/{file['id']}").json()["job"].rpartition("/")[2]
    Producer(tenant="anonymous").cancel(job)
    run_jobs()
    assert call("GET", f"/v2/files/{file['id']}").json()["state"] == "failed"


def test_a_file_is_its_principals_own() -> None:
    """For somebody else there is none."""
    file = File(FILE_ID, "somebody", "a.csv", "text/csv", "2026-11-23T03:52:11.123Z", 4_000_000_000)
    store.insert(file)
    assert call("GET", f"/v2/files/{FILE_ID}").status == 404


def test_a_file_whose_time_is_over_is_gone() -> None:
    """Also while the table still has the item: its time to live is no clock."""
    store.insert(File(FILE_ID, "anonymous", "a.csv", "text/csv", "2026-11-23T03:52:11.123Z", 1_000))
    assert call("GET", f"/v2/files/{FILE_ID}").status == 404


def test_what_is_too_large_is_refused_by_the_job_too() -> None:
    """Where the policy was not enforced."""
    store.insert(File(FILE_ID, "anonymous", "a.csv", "text/csv", "2026-11-23T03:52:11.123Z", 4_000_000_000))
    large = Upload("e", (512 << 20) + 1, "")
    payload = {
        "file": FILE_ID, "key": f"uploads/{FILE_ID}", "etag": large.etag, "size": large.size, "version": "",
        "media_type": "text/csv",
    }  # fmt: skip
    status = Producer(tenant="anonymous").enqueue("file.process", payload)
    run_jobs(Worker(("domain.files.jobs",), clock=ManualClock(4_000_000_000)))
    problem = Producer(tenant="anonymous").status(status.id).problem
    assert problem is not None
    assert "536870913 bytes" in problem["detail"]


def test_a_read_needs_no_framework() -> None:
    """A fresh interpreter looks one up, here one that is not there, without FastAPI and without boto3."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(("LANNER_", "AWS_"))}
    path = "/files/0190a1b2-7c3d-7e4f-8a5b-000000000000"
    found = answered("files", [(path, "GET", {}, "v2"), ("/nothing", "GET", {}, "v2")], **environment)
    assert found["answers"] == [404, 404]
    assert not HEAVY & set(found["modules"])


@pytest.mark.parametrize("file", sorted((EVENTS / "files").glob("*.json")), ids=lambda file: file.stem)
def test_an_event_is_answered_as_its_name_says(file: Path) -> None:
    """Every payload in `events/files`: the status is in its name, errors are problems."""
    store.insert(File(FILE_ID, "anonymous", "users.csv", "text/csv", "2026-11-23T03:52:11.123Z", 4_000_000_000))
    answer = Answer(files.app.lambda_handler(orjson.loads(file.read_bytes()), Context()))
    assert answer.status == int(file.stem.rpartition("_")[2]), answer.body
    assert answer.headers["x-api-version"] == "v2"
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
