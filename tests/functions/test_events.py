"""Every payload in `events/` through the function that it is for: `events/<function>/<what>_<status>.json`.

The same files serve `sam local invoke -e`, `lanner invoke -e` and the deployment's hooks. What they address is stored
before each: the user `USER_ID` as `ana@example.com`, and one document of each kind in the catalog.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import orjson
import pytest

from domain.times import rfc3339
from domain.users import store
from domain.users.model import Content, User
from tests.builders import Context
from tests.functions.api_client import Client
from tests.functions.gateway_events import Answer

EVENTS = Path(__file__).parents[2] / "events"
USER_ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
FUNCTIONS = ("users_v1", "users_v2", "catalog")
FILES = sorted(
    (file for function in FUNCTIONS for file in (EVENTS / function).glob("*.json")), key=lambda file: file.as_posix()
)


@pytest.fixture
def stored(client: Client) -> None:
    """What the events are about."""
    created_at = rfc3339(1_720_000_000_000)
    store.insert(User(USER_ID, Content("Ana", "Cruz", "ana@example.com", "pt"), created_at, created_at, 1))
    client.put("/v2/catalog/categories", {"data": [{"id": "birds", "name": "Birds"}, {"id": "books", "name": "Books"}]})
    client.put("/v2/catalog/translations/en", {"messages": {"hello": "Hello"}})
    client.put("/v2/catalog/settings", {"settings": {"currency": "USD"}})


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_an_event_is_answered_as_its_name_says(file: Path, stored: None) -> None:
    """The status is in the file's name; errors are problems, everything names its version and varies by the choice."""
    handler = importlib.import_module(f"{file.parent.name}.app").lambda_handler
    answer = Answer(handler(orjson.loads(file.read_bytes()), Context()))
    assert answer.status == int(file.stem.rpartition("_")[2]), answer.body.decode()
    assert answer.headers["x-api-version"] in ("v1", "v2")
    assert {"Accept", "X-API-Version"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status
    if answer.headers["x-api-version"] == "v1":
        assert answer.headers["deprecation"].startswith("@")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_kind_of_source_is_among_the_events(function: str) -> None:
    """REST API, HTTP API or function URL, and load balancer, for each function."""
    kinds = set()
    for file in (EVENTS / function).glob("*.json"):
        event = orjson.loads(file.read_bytes())
        kinds.add("http" if event.get("version") == "2.0" else "alb" if "elb" in event["requestContext"] else "rest")
    assert kinds == {"rest", "http", "alb"}
