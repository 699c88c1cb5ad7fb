"""POST /files with an Idempotency-Key: one file and one form, whatever dies, and one answer whoever asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import orjson
import pytest

import files.app
from domain.files import store
from domain.files.model import File
from lanner.aws import wire
from lanner.clock import ManualClock
from tests.builders import Context, rest_event
from tests.conftest import FILES_TABLE, scan
from tests.functions.api_client import NOW
from tests.functions.dying_storage import DyingStorage, Killed
from tests.functions.file_jobs import upload
from tests.functions.gateway_events import Answer
from tests.unit.aws.fault_server import FaultServer, answer

LEASE_S = 11
"""The invocation's 9 s and a second, and one more."""

FILE = File("0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "ana", "a.csv", "text/csv", "2026-11-23T03:52:11.123Z", 4_000_000)
POINTS = [*product((1, 2), DyingStorage.MODES)]

pytestmark = pytest.mark.usefixtures("files_bucket", "idempotency_table")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The group's clock, which leases and records go by."""
    moved = ManualClock(NOW)
    monkeypatch.setattr(files.app.GROUP, "clock", moved)
    return moved


def post(key: str | None = '"key-1"', filename: str = "users.csv") -> Answer:
    headers = {"Content-Type": "application/json", **({} if key is None else {"Idempotency-Key": key})}
    body = orjson.dumps({"filename": filename, "content_type": "text/csv"}).decode()
    return Answer(files.app.lambda_handler(rest_event("POST", "/v2/files", headers=headers, body=body), Context()))


def in_thread() -> Answer:
    """One request in a thread of its own: the event loop that the application made for it ends with it."""
    try:
        return post()
    finally:
        asyncio.get_event_loop().close()


def stored() -> list[str]:
    return [item["id"]["S"] for item in scan(FILES_TABLE)]


def test_the_answer_is_stored_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls in all: the claim, and one transaction; a replay is one, and a request without a key one."""
    with monkeypatch.context() as environment:
        storage = DyingStorage(environment)
        post()
        post()
        post(key=None)
    assert storage.calls == ["PutItem", "TransactWriteItems", "PutItem", "PutItem"]
    assert len(stored()) == 2


def test_a_replayed_form_takes_the_upload() -> None:
    """A client whose connection broke uploads with the form of the replay, to the file that it announced."""
    first, again = post(), post()
    assert again.headers["idempotency-replayed"] == "true"
    assert upload(again.json()["upload"], b"given_name,email\n") == 201
    assert again.json()["upload"]["fields"]["key"] == f"uploads/{first.json()['id']}"


def test_another_announcement_needs_another_key() -> None:
    """422 for another name under the same key, and nothing is announced."""
    post()
    assert post(filename="others.csv").status == 422
    assert len(stored()) == 1
    assert post(key='"key-2"', filename="others.csv").status == 201
    assert len(stored()) == 2


@pytest.mark.parametrize(("first", "second"), [*product(POINTS, [None, *POINTS])], ids=str)
def test_wherever_it_dies_there_is_one_file(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, first: tuple[int, str], second: tuple[int, str] | None
) -> None:
    """Killed before or after each call to the storage, or its answer lost, once or twice: one file, one address."""
    for point in (first, second):
        if point is not None:
            with monkeypatch.context() as environment, suppress(Killed):
                DyingStorage(environment, *point)
                post()
            clock.advance(LEASE_S)
    answered = post()
    assert answered.status == 201
    again = post()
    assert (again.body, again.headers["location"]) == (answered.body, answered.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert stored() == [answered.json()["id"]]


def test_a_late_attempt_announces_no_second_file(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stood still until another took over: its transaction is refused, and its client learns the other's answer."""
    seen: list[Answer] = []

    def meanwhile() -> None:
        clock.advance(LEASE_S)
        other = threading.Thread(target=lambda: seen.append(in_thread()))
        other.start()
        other.join()

    with monkeypatch.context() as environment:
        DyingStorage(environment, at=2, mode="pause", meanwhile=meanwhile)
        late = post()
    assert seen[0].status == 201
    assert (late.status, late.json()["type"]) == (409, "/problems/idempotency-in-flight")
    assert post().body == seen[0].body
    assert stored() == [seen[0].json()["id"]]


def test_a_repeated_write_meets_its_own_success() -> None:
    """A file that is there under a new id was written by an earlier attempt of the same write, with all beside it."""
    store.insert(FILE)
    beside = {"Put": {"TableName": FILES_TABLE, "Item": {"pk": {"S": "beside"}}}}
    store.insert(FILE, [beside])
    assert stored() == [FILE.id]


def test_what_is_written_along_decides() -> None:
    """A condition that does not hold beside a new file: no file, and `Overtaken`."""
    refused = {
        "ConditionCheck": {
            "TableName": FILES_TABLE,
            "Key": {"pk": {"S": "nobody"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(store.Overtaken):
        store.insert(FILE, [refused])
    assert stored() == []


@pytest.fixture
def contended(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A DynamoDB whose script decides."""
    server = FaultServer()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
    wire.reset()
    yield server
    monkeypatch.undo()
    wire.reset()
    server.stop()


def test_a_conflict_with_a_repeated_request_is_tried_again(contended: FaultServer) -> None:
    """An impatient second request of the client holds the record at that moment: the transaction is sent again."""
    reasons = orjson.dumps([{"Code": "None"}, {"Code": "TransactionConflict"}]).decode()
    conflict = f'{{"__type":"x#TransactionCanceledException","Message":"c","CancellationReasons":{reasons}}}'
    contended.script = [answer(b"{}"), answer(conflict.encode(), 400), answer(b"{}")]
    assert post().status == 201
    first, second = (request.body for request in contended.requests[1:])
    assert first == second, "the same transaction, with the same token"
