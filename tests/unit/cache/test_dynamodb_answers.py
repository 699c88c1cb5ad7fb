"""DynamoDB's less usual answers: lost ones, unprocessed ones, refusals; and items that are not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from lanner.aws import wire
from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.cache.backend import CacheEntry
from lanner.cache.dynamodb import TABLE_DEFINITION, TTL_ATTRIBUTE, DynamoDBBackend
from lanner.cache.errors import CacheBudgetSpent, CacheError, CacheUnavailable, CacheValueError
from lanner.clock import ManualClock, SystemClock
from tests.unit.aws.fault_server import FaultServer, Peer, Step, answer, error, rst

BUDGET_MS = 20_000
TABLE = "cache"


def client(url: str) -> AwsJsonClient:
    return AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-west-1",
        endpoint=url,
        credentials=StaticCredentials(Credentials("AKIDEXAMPLE", "not-a-secret")),
        clock=SystemClock(),
    )


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A scripted DynamoDB."""
    served = FaultServer()
    yield served
    served.stop()


@pytest.fixture
def clock() -> ManualClock:
    """The cache's clock; waits between attempts move it."""
    return ManualClock()


@pytest.fixture
def cache(server: FaultServer, clock: ManualClock) -> DynamoDBBackend:
    """A cache in that DynamoDB."""
    return DynamoDBBackend(TABLE, client=client(server.url), budget_ms=BUDGET_MS, clock=clock)


def payloads(server: FaultServer) -> list[dict[str, Any]]:
    return [orjson.loads(request.body) for request in server.requests]


def json(document: object) -> Step:
    return answer(orjson.dumps(document))


def condition_failed(item: Callable[[], object]) -> Step:
    """The refusal of a conditional write, with the item that is there."""

    def step(peer: Peer) -> None:
        code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
        answer(orjson.dumps({"__type": code, "message": "no", "Item": item()}), 400)(peer)

    return step


def test_an_add_that_meets_its_own_first_attempt_was_stored(server: FaultServer, cache: DynamoDBBackend) -> None:
    """The answer was lost, the repeated write is refused, and the item there has the write's own token."""
    server.script = [rst, condition_failed(lambda: payloads(server)[0]["Item"])]
    assert cache.add("key", b"value") is True
    first, second = payloads(server)
    assert first["Item"]["o"] == second["Item"]["o"]


def test_an_add_that_meets_another_was_not_stored(server: FaultServer, cache: DynamoDBBackend) -> None:
    """After a lost answer too."""
    server.script = [rst, condition_failed(lambda: {"pk": {"S": "|key"}, "o": {"S": "theirs"}})]
    assert cache.add("key", b"value") is False


def test_an_increment_whose_answer_is_lost_is_not_repeated(server: FaultServer, cache: DynamoDBBackend) -> None:
    """It might count twice: the caller is told that the outcome is unknown."""
    server.script = [rst]
    with pytest.raises(CacheUnavailable):
        cache.increment("n")
    assert len(server.requests) == 1


def test_what_was_not_processed_is_asked_for_again(
    server: FaultServer, cache: DynamoDBBackend, clock: ManualClock
) -> None:
    """Reads and writes, after a wait."""
    left = {TABLE: {"Keys": [{"pk": {"S": "|b"}}]}}
    value = {"v": {"B": "eA=="}}
    server.script = [
        json({"Responses": {TABLE: [{"pk": {"S": "|a"}, **value}]}, "UnprocessedKeys": left}),
        json({"Responses": {TABLE: [{"pk": {"S": "|b"}, **value}]}}),
        json({"UnprocessedItems": {TABLE: [{"PutRequest": {"Item": {}}}]}}),
        json({"UnprocessedItems": {}}),
    ]
    started = clock.now()
    assert cache.get_many(["a", "b"]) == {"a": CacheEntry(b"x"), "b": CacheEntry(b"x")}
    assert payloads(server)[1]["RequestItems"] == left
    cache.set_many({"a": b"x"})
    assert len(server.requests) == 4
    assert clock.now() > started


def test_what_is_never_processed_spends_the_budget(server: FaultServer, cache: DynamoDBBackend) -> None:
    """By the cache's clock, which the waits move."""
    server.script = [json({"UnprocessedKeys": {TABLE: {"Keys": [{"pk": {"S": "|a"}}]}}})] * 200
    with pytest.raises(CacheBudgetSpent):
        cache.get_many(["a"])
    assert 20 < len(server.requests) < 100


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (error("ValidationException", message="Item size has exceeded the maximum allowed size"), CacheValueError),
        (error("ValidationException", message="One or more parameter values were invalid: 5ecret"), CacheUnavailable),
        (error("ResourceNotFoundException"), CacheUnavailable),
        (error("AccessDeniedException"), CacheUnavailable),
        (error("InternalServerError", 500), CacheUnavailable),
    ],
)
def test_refusals(server: FaultServer, cache: DynamoDBBackend, step: Step, expected: type[CacheError]) -> None:
    """About the value where it is about the value; DynamoDB's words are not repeated."""
    server.script = [step] * 8
    with pytest.raises(expected) as caught:
        cache.set("key", b"value")
    assert "5ecret" not in str(caught.value)


def test_a_client_that_cannot_be_made_is_a_store_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region nothing can be asked, which is no error of a request."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    wire.reset()
    backend = DynamoDBBackend("Table")
    with pytest.raises(CacheUnavailable, match="AWS_REGION"):
        backend.get("key")
    backend.close()


def test_a_transaction_in_the_way_is_unavailable(server: FaultServer, cache: DynamoDBBackend) -> None:
    """A refused condition is an answer; another transaction is none."""
    code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"

    def canceled(*codes: str) -> Step:
        return answer(orjson.dumps({"__type": code, "CancellationReasons": [{"Code": each} for each in codes]}), 400)

    server.script = [canceled("None", "ConditionalCheckFailed")]
    assert cache.set_held("key", b"value", None, "me") is False
    server.script = [canceled("None", "ValidationError")] * 8
    with pytest.raises(CacheUnavailable):
        cache.set_held("key", b"value", None, "me")


def test_a_budget_goes_to_every_call(server: FaultServer, clock: ManualClock) -> None:
    """What one call spent, by the cache's clock, the next does not have."""
    cache = DynamoDBBackend(TABLE, client=client(server.url), budget_ms=BUDGET_MS, clock=clock)

    def slow(peer: Peer) -> None:
        clock.advance(BUDGET_MS / 1000)
        json({"Attributes": {"pk": {"S": "|k"}, "g": {"S": "old"}, "c": {"N": "1"}}})(peer)

    server.script = [slow]
    with pytest.raises(CacheBudgetSpent):
        cache.delete("k")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "attributes",
    [
        {"v": {"S": "text"}},
        {"v": {"B": "eA"}},
        {"v": {"B": "eA=="}, "x": {"S": "soon"}},
        {"v": {"B": "eA=="}, "x": {"N": "soon"}},
        {"g": {"S": "generation"}},
        {"g": {"S": "generation"}, "c": {"N": "99999999999"}},
        {"n": {"S": "1"}},
        {"name": {"S": "Ada"}},
    ],
    ids=str,
)
def test_an_item_that_no_cache_made_is_a_miss(
    server: FaultServer, cache: DynamoDBBackend, attributes: dict[str, Any]
) -> None:
    """Another program's, in the same table: it is not read, and nothing of it is an error."""
    item = {"pk": {"S": "|key"}, **attributes}
    server.script = [json({"Item": item}), json({"Responses": {TABLE: [item]}}), json({"Items": [item]})]
    assert cache.get("key") is None
    assert cache.get_many(["key"]) == {}
    assert set(cache.keys()) <= {"key"}


@pytest.mark.parametrize(
    "document",
    [{"Item": 1}, {"Responses": 1}, {"Responses": {TABLE: 1}}, {"Items": 1}, {"Table": 1}, {"Attributes": {}}, [], 1],
    ids=str,
)
def test_an_answer_of_another_shape_is_a_miss_or_unavailable(
    server: FaultServer, cache: DynamoDBBackend, document: object
) -> None:
    """Whatever is asked; nothing but a cache's own errors reaches who asks."""
    asks: list[Callable[[], object]] = [
        lambda: cache.get("key"),
        lambda: cache.get_many(["key"]),
        lambda: cache.exists("key"),
        lambda: list(cache.keys()),
        lambda: cache.delete("key"),
        lambda: cache.delete_many(["key"]),
        lambda: cache.increment("key"),
        lambda: cache.touch("key", 5),
        cache.statistics,
    ]
    for ask in asks:
        server.script = [json(document)] * 8
        try:
            assert ask() in (None, {}, False, True, [], 0, {"entries": 0, "bytes": 0})
        except CacheUnavailable:
            continue


@pytest.fixture
def stored(moto_server: str, clock: ManualClock) -> Iterator[tuple[AwsJsonClient, DynamoDBBackend]]:
    """A cache in a table of its own in moto, and a client that sees the items."""
    wire = client(moto_server)
    definition = {"TableName": "chunks", "BillingMode": "PAY_PER_REQUEST", **TABLE_DEFINITION}
    wire.call("CreateTable", definition, budget_ms=BUDGET_MS)
    yield wire, DynamoDBBackend("chunks", prefix="p", client=wire, budget_ms=BUDGET_MS, clock=clock)
    wire.call("DeleteTable", {"TableName": "chunks"}, budget_ms=BUDGET_MS)


def items(wire: AwsJsonClient) -> dict[str, dict[str, Any]]:
    """Every item of the table, by its key."""
    found: dict[str, dict[str, Any]] = {}
    start: dict[str, Any] = {}
    while True:
        page = wire.call("Scan", {"TableName": "chunks", "ConsistentRead": True, **start}, budget_ms=BUDGET_MS)
        found |= {item["pk"]["S"]: item for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def test_a_missing_chunk_is_a_miss(stored: tuple[AwsJsonClient, DynamoDBBackend]) -> None:
    """Never half a value."""
    wire, cache = stored
    cache.set_many({"large": b"v" * 1_000_000, "small": b"x"})
    chunk = next(name for name in items(wire) if name.startswith("p%|c"))
    wire.call("DeleteItem", {"TableName": "chunks", "Key": {"pk": {"S": chunk}}}, budget_ms=BUDGET_MS)
    assert cache.get("large") is None
    assert cache.get_many(["large", "small"]) == {"small": CacheEntry(b"x")}


def test_chunks_go_with_their_head(stored: tuple[AwsJsonClient, DynamoDBBackend], clock: ManualClock) -> None:
    """When it is replaced by another large value, deleted, or cleared; all of them have a TTL, for ever too."""
    wire, cache = stored
    cache.set("large", b"1" * 1_000_000)
    assert len(items(wire)) == 4
    assert all(TTL_ATTRIBUTE in item for name, item in items(wire).items() if name.startswith("p%|"))
    cache.set("large", b"2" * 800_000, 60)
    assert len(items(wire)) == 4
    cache.touch("large", 3600)
    ends = {item[TTL_ATTRIBUTE]["N"] for item in items(wire).values()}
    assert ends == {str(int(clock.now()) + 3600)}
    assert cache.add("large", b"3" * 1_000_000) is False
    assert len(items(wire)) == 4
    assert cache.delete("large") is True
    assert items(wire) == {}
    cache.set_many({"large": b"4" * 1_000_000, "other": b"5" * 1_000_000})
    assert cache.delete_many(["large"]) == 1
    assert len(items(wire)) == 4
    assert cache.clear() == 1
    assert items(wire) == {}


def test_the_ttl_is_in_whole_seconds_and_not_early(
    stored: tuple[AwsJsonClient, DynamoDBBackend], clock: ManualClock
) -> None:
    """DynamoDB's TTL attribute is a number of seconds since the epoch; without a lifetime there is none."""
    wire, cache = stored
    cache.set("key", b"x", 1.25)
    cache.set("ever", b"x")
    found = items(wire)
    assert found["p|key"][TTL_ATTRIBUTE] == {"N": str(int(clock.now()) + 2)}
    assert found["p|key"]["x"] == {"N": repr(clock.now() + 1.25)}
    assert TTL_ATTRIBUTE not in found["p|ever"]
