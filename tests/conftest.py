"""What tests of several folders share: a DynamoDB on loopback, our tables in it, and the environment of a function."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from lanner.aws import clients, wire
from lanner.idempotency import dynamodb as idempotency
from lanner.local.engine import Engine

CURSOR_KEY = "a-key-for-tests-of-32-characters"
USERS_TABLE = "users-test"
CATALOG_TABLE = "catalog-test"
IDEMPOTENCY_TABLE = "idempotency-test"
JOBS_TABLE = "jobs-test"
JOBS_QUEUE = "jobs-test"
JOBS_DEAD_LETTER_QUEUE = "jobs-dead-letters-test"

FILES_TABLE = "files-test"
FILES_BUCKET = "files-test"

CREATE_MS = 20_000  # a machine under load is slow to begin
JOBS_QUEUE_SETTINGS = ("LANNER_JOBS_QUEUE_URL", "LANNER_JOBS_DEAD_LETTER_QUEUE_URL")

# A property holds or does not: how busy the machine was while its examples were made is not what is tested.
settings.register_profile("lanner", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lanner")

# As template.yaml declares them: tests/functions/test_storage_declaration.py holds both together.
USERS_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "shard", "AttributeType": "N"},
        {"AttributeName": "id", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_created",
            "KeySchema": [
                {"AttributeName": "shard", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
CATALOG_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
IDEMPOTENCY_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
JOBS_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "tenant", "AttributeType": "S"},
        {"AttributeName": "listed", "AttributeType": "S"},
        {"AttributeName": "due_shard", "AttributeType": "N"},
        {"AttributeName": "due_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_tenant",
            "KeySchema": [
                {"AttributeName": "tenant", "KeyType": "HASH"},
                {"AttributeName": "listed", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["kind"]},
        },
        {
            "IndexName": "by_due",
            "KeySchema": [
                {"AttributeName": "due_shard", "KeyType": "HASH"},
                {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["sends"]},
        },
    ],
}
FILES_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The URL of a moto server that applies one request at a time, for the whole session."""
    engine = Engine.start(["dynamodb", "sqs", "s3"])
    yield engine.url
    engine.stop()


@pytest.fixture(scope="session")
def storage(moto_server: str) -> Iterator[str]:
    """A function's environment for the session: both tables exist, and the wire reaches them."""
    settings = {
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "LANNER_USERS_TABLE": USERS_TABLE,
        "LANNER_CATALOG_TABLE": CATALOG_TABLE,
        "LANNER_IDEMPOTENCY_TABLE": IDEMPOTENCY_TABLE,
        "LANNER_JOBS_TABLE": JOBS_TABLE,
        "LANNER_FILES_TABLE": FILES_TABLE,
        "LANNER_FILES_BUCKET": FILES_BUCKET,
        "LANNER_CURSOR_KEYS": CURSOR_KEY,
    }
    before = {name: os.environ.get(name) for name in (*settings, *JOBS_QUEUE_SETTINGS)}
    os.environ.update(settings)
    wire.reset()
    create_table(USERS_TABLE, USERS_DEFINITION)
    create_table(CATALOG_TABLE, CATALOG_DEFINITION)
    create_table(IDEMPOTENCY_TABLE, IDEMPOTENCY_DEFINITION)
    create_table(JOBS_TABLE, JOBS_DEFINITION)
    create_table(FILES_TABLE, FILES_DEFINITION)
    os.environ["LANNER_JOBS_QUEUE_URL"] = create_queue(JOBS_QUEUE)
    os.environ["LANNER_JOBS_DEAD_LETTER_QUEUE_URL"] = create_queue(JOBS_DEAD_LETTER_QUEUE)
    yield moto_server
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    wire.reset()


@pytest.fixture
def users_table(storage: str) -> str:
    """The name of the users' table, empty."""
    _empty(USERS_TABLE, ("pk",))
    return USERS_TABLE


@pytest.fixture
def catalog_table(storage: str) -> str:
    """The name of the catalog's table, empty."""
    _empty(CATALOG_TABLE, ("pk", "sk"))
    return CATALOG_TABLE


@pytest.fixture
def idempotency_table(storage: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the table of repeated requests, empty; a busy machine's storage may take longer than a request's."""
    monkeypatch.setattr(idempotency, "BUDGET_MS", CREATE_MS)
    _empty(IDEMPOTENCY_TABLE, ("pk",))
    return IDEMPOTENCY_TABLE


@pytest.fixture
def jobs_table(storage: str) -> str:
    """The name of the jobs' table, empty, as are the queue of jobs and its dead letters."""
    _empty(JOBS_TABLE, ("pk",))
    for name in JOBS_QUEUE_SETTINGS:
        wire.sqs().call("PurgeQueue", {"QueueUrl": os.environ[name]}, idempotent=True)
    return JOBS_TABLE


@pytest.fixture(scope="session")
def _bucket(storage: str) -> Iterator[None]:
    """The bucket of files, with versions, as template.yaml declares it."""
    s3 = clients.client("s3")
    s3.create_bucket(Bucket=FILES_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=FILES_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield
    clients.reset()


@pytest.fixture
def files_bucket(_bucket: None, jobs_table: str, users_table: str) -> str:
    """The name of the bucket of files. The tables of files, jobs and users are empty; keys of objects are new ids."""
    _empty(FILES_TABLE, ("pk",))
    return FILES_BUCKET


def create_queue(name: str) -> str:
    """The URL of a new queue."""
    return str(wire.sqs().call("CreateQueue", {"QueueName": name}, budget_ms=CREATE_MS, idempotent=True)["QueueUrl"])


def create_table(name: str, definition: dict[str, Any]) -> None:
    """A table on demand, from what its declaration and CreateTable have in common."""
    wire.dynamodb().call(
        "CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST", **definition}, budget_ms=CREATE_MS
    )


def scan(table: str) -> list[dict[str, Any]]:
    """Every item of a table, in DynamoDB's JSON: what a test may look at and a request never does."""
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        answer = wire.dynamodb().call("Scan", {"TableName": table, "ConsistentRead": True, **start})
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _empty(table: str, key: tuple[str, ...]) -> None:
    items = scan(table)
    for start in range(0, len(items), 25):
        deletes = [{"DeleteRequest": {"Key": {name: item[name] for name in key}}} for item in items[start : start + 25]]
        wire.dynamodb().call("BatchWriteItem", {"RequestItems": {table: deletes}}, idempotent=True)
