"""POST /users with an Idempotency-Key: one user whatever happens, one answer whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from itertools import product
from typing import Any

import pytest

import users_v2.app
from lanner.clock import ManualClock
from tests.conftest import IDEMPOTENCY_TABLE, USERS_TABLE, scan
from tests.functions.api_client import Client
from tests.functions.dying_storage import DyingStorage, Killed
from tests.functions.gateway_events import Answer
from tests.functions.job_runner import jobs

USER = {"given_name": "Ana", "email": "ana@example.com"}
V1_USER = {"name": "Ana", "email": "ana@example.com"}
LEASE_S = 11
"""The invocation's 9 s and a second, and one more."""


@pytest.fixture
def keyed(client: Client, idempotency_table: str, jobs_table: str) -> Client:
    """The API with empty tables, those of keys and jobs included."""
    return client


def post(client: Client, json: Any = None, key: str = '"key-1"', target: str = "/v2/users") -> Answer:
    return client("POST", target, USER if json is None else json, headers={"Idempotency-Key": key})


def in_thread(client: Client) -> Answer:
    """One request in a thread of its own: the event loop that the application made for it ends with it."""
    try:
        return post(client)
    finally:
        with contextlib.suppress(RuntimeError):  # the edge answered, and there is none
            asyncio.get_event_loop().close()


def clock() -> ManualClock:
    found = users_v2.app.GROUP.clock
    assert isinstance(found, ManualClock)
    return found


def users() -> list[str]:
    return [item["pk"]["S"] for item in scan(USERS_TABLE) if item["pk"]["S"].startswith("U#")]


@pytest.mark.parametrize(("target", "user"), [("/v1/users", V1_USER), ("/v2/users", USER)])
def test_a_repeated_post_makes_one_user(keyed: Client, target: str, user: dict[str, str]) -> None:
    """In both versions: status, Location, ETag and body of the first answer, marked."""
    first = post(keyed, user, target=target)
    again = post(keyed, user, target=target)
    assert first.status == 201
    assert (again.status, again.body) == (201, first.body)
    assert again.headers.pop("idempotency-replayed") == "true"
    assert again.headers == first.headers
    assert len(users()) == 1
    assert keyed.get(first.headers["location"]).status == 200


def test_a_replay_loads_no_application(keyed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge answers it: a function that has no routes to load can do it too."""
    first = post(keyed)

    def unloadable(target: str) -> Any:
        raise AssertionError(f"{target} was loaded")

    monkeypatch.setattr(users_v2.app.GROUP, "resolve", unloadable)
    assert post(keyed).body == first.body


def test_another_body_is_a_mistake(keyed: Client) -> None:
    """422, and no second user."""
    post(keyed)
    answer = post(keyed, {**USER, "email": "eva@example.com"})
    assert (answer.status, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(users()) == 1


def test_an_error_is_an_answer_too(keyed: Client) -> None:
    """A wrong body stays wrong under its key; a corrected one needs a key of its own."""
    first = post(keyed, {"email": "ana"})
    again = post(keyed, {"email": "ana"})
    assert (first.status, again.status, again.body) == (422, 422, first.body)
    assert post(keyed).status == 422
    assert post(keyed, key='"key-2"').status == 201


def test_a_taken_address_is_an_answer_too(keyed: Client) -> None:
    """It stays the answer of that request, also when the address is free again."""
    made = post(keyed)
    assert post(keyed, key='"key-2"').status == 409
    keyed.delete(made.headers["location"])
    assert post(keyed, key='"key-2"').headers["idempotency-replayed"] == "true"
    assert post(keyed, key='"key-3"').status == 201


def test_the_answer_is_stored_with_the_user(keyed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls in all: the claim, and one transaction; a replay is one."""
    with monkeypatch.context() as environment:
        storage = DyingStorage(environment)
        post(keyed)
        post(keyed)
    assert storage.calls == ["PutItem", "TransactWriteItems", "PutItem"]


def attempt(keyed: Client, monkeypatch: pytest.MonkeyPatch, at: int, mode: str) -> Answer | None:
    """One request whose storage fails at a call; None when the process died of it."""
    with monkeypatch.context() as environment:
        storage = DyingStorage(environment, at, mode)
        try:
            answer = post(keyed)
        except Killed:
            return None
    assert mode == "lost" or len(storage.calls) < at, "it should have died"
    return answer


def until_answered(keyed: Client) -> Answer:
    """What a patient client does: again after 409 and 503."""
    for _ in range(3):
        answer = post(keyed)
        if answer.status not in (409, 503):
            return answer
        assert answer.headers["retry-after"] == "1"
        clock().advance(LEASE_S)
    raise AssertionError("still no answer")


POINTS = [*product((1, 2), DyingStorage.MODES)]


@pytest.mark.parametrize(("first", "second"), [*product(POINTS, [None, *POINTS])], ids=str)
def test_wherever_it_dies_there_is_one_user(
    keyed: Client, monkeypatch: pytest.MonkeyPatch, first: tuple[int, str], second: tuple[int, str] | None
) -> None:
    """Killed before or after each call to the storage, or its answer lost, once or twice: one user, one welcome."""
    for point in (first, second):
        if point is not None:
            attempt(keyed, monkeypatch, *point)
            clock().advance(LEASE_S)
    answer = until_answered(keyed)
    assert answer.status == 201
    again = post(keyed)
    assert (again.body, again.headers["location"]) == (answer.body, answer.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert users() == [f"U#{answer.json()['id']}"]
    assert len(jobs("mail.welcome")) == 1


def test_a_late_attempt_makes_no_second_user(keyed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stood still until another took over: its transaction is refused, and its client learns the other's answer."""
    seen: list[Answer] = []

    def meanwhile() -> None:
        clock().advance(LEASE_S)
        other = threading.Thread(target=lambda: seen.append(in_thread(keyed)))
        other.start()
        other.join()

    with monkeypatch.context() as environment:
        DyingStorage(environment, at=2, mode="pause", meanwhile=meanwhile)
        late = post(keyed)
    assert seen[0].status == 201
    assert (late.status, late.json()["type"]) == (409, "/problems/idempotency-in-flight")
    assert post(keyed).body == seen[0].body
    assert users() == [f"U#{seen[0].json()['id']}"]
    assert len(jobs("mail.welcome")) == 1


def test_eight_at_once_make_one_user(keyed: Client) -> None:
    """One performs, the others are told to wait or get its answer; afterwards everybody gets it."""
    barrier = threading.Barrier(8)
    answers: list[Answer] = []

    def run() -> None:
        barrier.wait()
        answers.append(in_thread(keyed))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = [each for each in answers if each.status == 201 and "idempotency-replayed" not in each.headers]
    assert len(first) == len(users()) == 1
    assert {each.status for each in answers} <= {201, 409}
    assert post(keyed).body == first[0].body


def test_records_hold_no_key_and_end(keyed: Client) -> None:
    """What a client wrote as its key is not stored, and the table forgets the record after a day."""
    post(keyed, key='"a-secret-of-the-client"')
    (item,) = scan(IDEMPOTENCY_TABLE)
    assert "a-secret-of-the-client" not in str(item)
    assert int(item["expires_at"]["N"]) - clock().now() >= 86_400
