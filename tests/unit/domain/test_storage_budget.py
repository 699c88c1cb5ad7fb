"""A call to the storage takes no longer than what remains of the request that it is made for."""

from __future__ import annotations

import socket

import pytest

from domain.dynamodb import BUDGET_MS, RESERVE_MS, call
from lanner.aws import wire
from lanner.http.events import read
from lanner.http.problems import Unavailable
from lanner.observe.correlation import CURRENT
from tests.builders import rest_event


class Ending:
    """Lambda's context with little time left."""

    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return RESERVE_MS + 60


def test_the_budget_is_what_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    """60 ms and not the usual budget, said in the error that the log gets."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name, value in {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
            monkeypatch.setenv(name, value)
        wire.reset()
        token = CURRENT.set(read(rest_event(), Ending()))
        try:
            with pytest.raises(Unavailable) as failed:
                call("GetItem", {"TableName": "users", "Key": {"pk": {"S": "U#1"}}})
        finally:
            CURRENT.reset(token)
            wire.reset()
    assert BUDGET_MS > 60
    assert "60 ms" in str(failed.value.__cause__)
