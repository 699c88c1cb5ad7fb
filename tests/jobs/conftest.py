"""An engine of their own for these tests, with the tables and queues of jobs, of requests, and a table of effects."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lanner.aws import wire
from lanner.local.engine import Engine
from tests.conftest import IDEMPOTENCY_DEFINITION, JOBS_DEFINITION, create_queue, create_table
from tests.jobs import effects

TABLE = "jobs-torture"
REQUESTS = "requests-torture"


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
