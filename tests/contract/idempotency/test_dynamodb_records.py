"""What only the store in DynamoDB has: completion inside a transaction, and a backend that can be away."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lanner.aws import wire
from lanner.aws.errors import TransactionCanceled
from lanner.http.message import Response
from lanner.idempotency.dynamodb import DynamoDBIdempotencyStore
from lanner.idempotency.record import DONE, Answer, IdempotencyRecord
from lanner.idempotency.store import StoreUnavailable
from tests.conftest import scan

NOW = 1_795_405_931.0
ANSWER = Answer.of(Response(201, {"location": "/x"}, b"made"))


@pytest.fixture
def store(idempotency_table: str) -> DynamoDBIdempotencyStore:
    return DynamoDBIdempotencyStore()


def record(token: str) -> IdempotencyRecord:
    return IdempotencyRecord("id-1", "print", "execution", token, NOW + 10, NOW + 86_400.5)


def effect(table: str) -> dict[str, object]:
    return {"Put": {"TableName": table, "Item": {"pk": {"S": "effect"}}}}


def test_an_effect_and_its_answer_are_one(store: DynamoDBIdempotencyStore, idempotency_table: str) -> None:
    """Both are there after the transaction."""
    mine = store.claim(record("a"), NOW)
    items = [effect(idempotency_table), *store.completion(mine, ANSWER, NOW + 90_000)]
    wire.dynamodb().call("TransactWriteItems", {"TransactItems": items})
    found = store.claim(record("b"), NOW)
    assert (found.state, found.expires_at) == (DONE, NOW + 90_000)
    assert {item["pk"]["S"] for item in scan(idempotency_table)} == {"effect", "id-1"}


def test_a_late_owner_has_no_effect(store: DynamoDBIdempotencyStore, idempotency_table: str) -> None:
    """The fence cancels the whole transaction, and the reason has the record of the successor."""
    old = store.claim(record("a"), NOW)
    store.take_over(old, "b", NOW + 60, NOW + 11)
    items = [effect(idempotency_table), *store.completion(old, ANSWER, NOW + 90_000)]
    with pytest.raises(TransactionCanceled) as caught:
        wire.dynamodb().call("TransactWriteItems", {"TransactItems": items})
    reason = caught.value.reasons[1]
    assert reason.code == "ConditionalCheckFailed"
    assert reason.item is not None
    assert reason.item["token"]["S"] == "b"
    assert {item["pk"]["S"] for item in scan(idempotency_table)} == {"id-1"}


def test_times_to_live_are_whole_seconds(store: DynamoDBIdempotencyStore, idempotency_table: str) -> None:
    """DynamoDB's TTL reads a number of seconds; rounding up keeps an answer for all of its time."""
    store.claim(record("a"), NOW)
    assert scan(idempotency_table)[0]["expires_at"] == {"N": str(int(NOW) + 86_401)}


@pytest.fixture
def refused(storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """DynamoDB behind an address on which nobody listens."""
    with socket.socket() as unheard, monkeypatch.context() as environment:
        unheard.bind(("127.0.0.1", 0))
        environment.setattr("lanner.idempotency.dynamodb.BUDGET_MS", 100)
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        wire.reset()
        yield
    wire.reset()


def test_a_store_that_is_away_says_so(store: DynamoDBIdempotencyStore, refused: None) -> None:
    """Every call, as one kind of error."""
    mine = record("a")
    for call in (
        lambda: store.claim(mine, NOW),
        lambda: store.take_over(mine, "b", NOW + 1, NOW),
        lambda: store.complete(mine, ANSWER, NOW + 1),
        lambda: store.release(mine),
    ):
        with pytest.raises(StoreUnavailable):
            call()
