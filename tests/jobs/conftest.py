"""An engine of their own for these tests, with the tables and queues of jobs, of requests, and a table of effects.

Lives of real jobs (`tests.jobs.lives`) have the session's engine, with everything of the API in it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lanner.aws import clients, invoke, wire
from lanner.local.engine import Engine
from tests.conftest import IDEMPOTENCY_DEFINITION, JOBS_DEFINITION, create_queue, create_table
from tests.jobs import effects
from tests.jobs.lives.world import World
from tests.jobs.tap import Tap
from tests.unit.aws.fault_server import FaultServer
from tests.unit.domain.test_notification_signature import SECRET

TABLE = "jobs-torture"
REQUESTS = "requests-torture"

NewWorld = Callable[[], World]


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """The URL of a fresh engine; the environment and the wire of this process are on it."""
    engine = Engine.start(["dynamodb", "sqs"])
    settings = {
        "AWS_ENDPOINT_URL": engine.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "LANNER_JOBS_TABLE": TABLE,
        "LANNER_IDEMPOTENCY_TABLE": REQUESTS,
    }
    queues = ("LANNER_JOBS_QUEUE_URL", "LANNER_JOBS_DEAD_LETTER_QUEUE_URL")
    before = {name: os.environ.get(name) for name in (*settings, *queues)}
    os.environ.update(settings)
    wire.reset()
    create_table(TABLE, JOBS_DEFINITION)
    create_table(REQUESTS, IDEMPOTENCY_DEFINITION)
    create_table(effects.TABLE, effects.DEFINITION)
    os.environ[queues[0]] = create_queue("jobs")
    os.environ[queues[1]] = create_queue("dead-letters")
    yield engine.url
    engine.stop()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    wire.reset()


@pytest.fixture
def new_world(
    files_bucket: str, idempotency_table: str, catalog_table: str, cdn: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NewWorld]:
    """Makes one empty world after the other."""
    monkeypatch.setenv("LANNER_MAIL_FROM", "Lanner <no-reply@example.com>")
    monkeypatch.setenv("LANNER_WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("LANNER_WEBHOOK_ALLOW", "127.0.0.1")
    monkeypatch.setenv("LANNER_CDN_DISTRIBUTION", cdn)
    monkeypatch.setenv("LANNER_WARM_CATALOG", "catalog:live")
    monkeypatch.setenv("LANNER_WARM_USERS_V2", "users:live")
    clients.reset()
    invoke.reset()
    receiver, tap = FaultServer(), Tap()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", receiver.url)
    yield lambda: World(tap, monkeypatch, receiver)
    invoke.reset()
    receiver.stop()
    clients.reset()


@pytest.fixture(scope="module")
def cdn(storage: str) -> str:
    """The id of a distribution."""
    clients.reset()
    origin = {
        "Id": "api",
        "DomainName": "api.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    wanted: dict[str, Any] = {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "api", "ViewerProtocolPolicy": "https-only"},
    }
    made = clients.client("cloudfront").create_distribution(DistributionConfig=wanted)
    return str(made["Distribution"]["Id"])
