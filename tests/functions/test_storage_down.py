"""DynamoDB away or slow: a quick 503 problem for every operation, and the API is back when the storage is."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import domain.dynamodb
from lanner.aws import wire
from tests.functions.api_client import Client

USER = {"given_name": "Ana", "email": "ana@example.com"}
MISSING = "/v2/users/0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"


@pytest.fixture
def refused() -> Iterator[str]:
    """An address on which nobody listens: the port is bound, so nobody else can get it."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unheard.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def down(request: pytest.FixtureRequest, client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The API with its storage elsewhere."""
    with monkeypatch.context() as environment:
        environment.setattr(domain.dynamodb, "BUDGET_MS", 150)
        environment.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        wire.reset()
        yield client
    wire.reset()
    assert client.get("/v2/users").status == 200


@pytest.mark.parametrize("down", ["refused", "silent"], indirect=True)
def test_every_operation_says_that_the_storage_is_away(down: Client) -> None:
    """503, Retry-After, a problem that names no host and no library."""
    for answer in (
        down.get("/v2/users"),
        down.get("/v1/users?offset=5"),
        down.get("/v2/users?email=ana@example.com"),
        down.get(MISSING),
        down.get(MISSING, if_none_match='"v2.1-1"'),
        down.post("/v2/users", USER),
        down.put(MISSING, USER),
        down.patch(MISSING, {}),
        down.delete(MISSING),
        down.get("/v2/catalog/categories"),
        down.get("/v1/catalog/settings", if_none_match='"x"'),
        down.get("/v2/catalog/translations"),
        down.put("/v1/catalog/translations/en", {"messages": {}}),
    ):
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        problem = answer.json()
        assert problem["type"] == "/problems/unavailable"
        assert "127.0.0.1" not in answer.body.decode()
