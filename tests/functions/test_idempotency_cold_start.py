"""A repeated request in a fresh environment: answered from the store, without the framework."""

from __future__ import annotations

import os

import users_v2.app
from lanner.clock import SystemClock
from tests.architecture.test_cold_start import answered
from tests.architecture.test_imports import HEAVY
from tests.builders import Context, rest_event
from tests.functions.api_client import Client

KEY = {"Idempotency-Key": '"cold"'}
SETTINGS = ("LANNER_USERS_TABLE", "LANNER_IDEMPOTENCY_TABLE", "LANNER_CURSOR_KEYS", "AWS_REGION")
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def test_a_replay_in_a_cold_environment_loads_no_framework(client: Client, idempotency_table: str) -> None:
    """The first answer, here a 415, is recorded by this process and repeated by another, over the wire alone."""
    users_v2.app.GROUP.clock = SystemClock()
    first = users_v2.app.lambda_handler(rest_event("POST", "/v2/users", headers=KEY), Context())
    assert first["statusCode"] == 415
    environment = {name: os.environ[name] for name in (*SETTINGS, *CREDENTIALS)}
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    found = answered("users_v2", [("/users", "POST", KEY, "v2")], AWS_ENDPOINT_URL=endpoint, **environment)
    assert found["answers"][0] == 415
    assert not HEAVY & {str(name) for name in found["modules"]}


def test_a_missing_key_loads_no_framework() -> None:
    """400 where a key is required, from the edge."""
    found = answered("notifications", [("/notifications", "POST", {}, "v2"), ("/notifications", "GET", {}, "v2")])
    assert found["answers"] == [400, 405]
    assert not HEAVY & {str(name) for name in found["modules"]}
