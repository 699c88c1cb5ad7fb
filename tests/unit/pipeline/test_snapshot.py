"""A snapshot holds no connection, and restored environments do not share their randomness."""

from __future__ import annotations

import random

import pytest

from lanner.aws import wire
from lanner.pipeline.snapshot import drop_connections, reseed


def test_clients_are_dropped_before_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next use makes a client anew."""
    for name, value in {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)
    before = wire.dynamodb()
    assert wire.dynamodb() is before
    drop_connections()
    assert wire.dynamodb() is not before
    wire.reset()


def test_randomness_differs_after_each_restore() -> None:
    """Two environments from one snapshot draw different numbers."""
    random.seed(1)
    snapshot = random.getstate()
    reseed()
    first = [random.random() for _ in range(4)]
    random.setstate(snapshot)
    reseed()
    assert [random.random() for _ in range(4)] != first
