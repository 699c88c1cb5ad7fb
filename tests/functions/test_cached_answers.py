"""The response cache in front of the real handlers: what is kept, what a write takes back, and what never mixes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import catalog.app
import users_v1.app
import users_v2.app
from domain.caching import CATALOG, USERS
from lanner.aws import wire
from lanner.cache import default
from lanner.cache.dynamodb import TABLE_DEFINITION
from lanner.cache.errors import CacheUnavailable
from lanner.cache.tags import TagIndex
from lanner.http.events import read
from lanner.http.message import Principal, Request
from lanner.pipeline.entry import respond
from tests.builders import Context, rest_event
from tests.functions.api_client import Client
from tests.functions.gateway_events import Answer

CACHE_TABLE = "cache-test"
ANA = {"given_name": "Ana", "email": "ana@example.com"}


@pytest.fixture(scope="session")
def cache_table(storage: str) -> str:
    """The cache's table, as its own module declares it."""
    wire.dynamodb().call(
        "CreateTable", {"TableName": CACHE_TABLE, "BillingMode": "PAY_PER_REQUEST", **TABLE_DEFINITION}
    )
    return CACHE_TABLE


class Cached(Client):
    """The API with handlers of its own, as a fresh environment has them, and a caller."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.apps = {app: respond(app.GROUP)[0] for app in (catalog.app, users_v1.app, users_v2.app)}
        self.who = ""
        for app in self.apps:
            monkeypatch.setattr(app, "lambda_handler", self._handler(app))

    def _handler(self, app: Any) -> Callable[[Any, Any], Any]:
        def handle(event: Any, context: Any) -> Any:
            request: Request = read(event, context)
            if self.who:
                request.principal = Principal(self.who, "test")
            return request.source.write(self.apps[app](request))

        return handle


def said(answer: Answer) -> str:
    """The outcome in Cache-Status, without its numbers."""
    return answer.headers["cache-status"].split(";")[1].strip()


@pytest.fixture(params=["memory://", "l1=memory://,l2=dynamodb://cache-test?budget_ms=5000"], ids=["memory", "stack"])
def api(
    request: pytest.FixtureRequest,
    users_table: str,
    catalog_table: str,
    cache_table: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cached]:
    """The API with an empty cache, in memory and in memory before DynamoDB."""
    monkeypatch.setenv("LANNER_CACHE", request.param)
    monkeypatch.setenv("LANNER_CACHE_COHERENCE_MS", "0")
    default.close()
    default.default_backend().clear()
    yield Cached(monkeypatch)
    default.close()


def test_a_second_read_comes_from_the_cache_with_an_age(api: Cached) -> None:
    """GET, GET: the same bytes; the second a hit that says how old it is and for how long it is fresh."""
    first = api.get("/v2/catalog/settings")
    second = api.get("/v2/catalog/settings")
    assert (said(first), said(second)) == ("fwd=uri-miss", "hit")
    assert second.body == first.body
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["cache-control"] == first.headers["cache-control"] == CATALOG.cache_control
    assert second.headers["age"] == "0"
    assert "lanner-cache-control" not in {**first.headers, **second.headers}


def test_a_kept_answer_becomes_a_304(api: Cached) -> None:
    """If-None-Match against what is kept: no storage is asked, and the 304 says what its 200 said about caching."""
    first = api.get("/v2/catalog/categories")
    again = api.get("/v2/catalog/categories", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert said(again) == "hit"
    assert again.headers["cache-control"] == CATALOG.cache_control


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_write_takes_back_what_shows_it_in_every_version(api: Cached, version: str) -> None:
    """PUT in one version: both versions answer the new document at once."""
    for each in ("v1", "v2"):
        api.get(f"/{each}/catalog/settings")
    assert api.put(f"/{version}/catalog/settings", {"settings": {"motto": "new"}}).status == 200
    for each in ("v1", "v2"):
        answer = api.get(f"/{each}/catalog/settings")
        assert answer.json()["settings"] == {"motto": "new"}
        assert said(answer) != "hit"


def test_a_refused_write_takes_nothing_back(api: Cached) -> None:
    """A 422 has changed nothing, so what is kept stays."""
    api.get("/v2/catalog/settings")
    assert api.put("/v2/catalog/settings", {"settings": {"motto": None}}).status == 422
    assert said(api.get("/v2/catalog/settings")) == "hit"


def test_changes_of_users_show_at_once_everywhere(api: Cached) -> None:
    """Create, change, delete: lists and single users of both versions follow, though all of them were kept."""
    made = api.post("/v2/users", ANA).json()
    paths = [f"/v1/users/{made['id']}", f"/v2/users/{made['id']}", "/v1/users", "/v2/users"]
    for path in (*paths, *paths):
        last = api.get(path)
    assert said(last) == "hit"
    assert api.patch(f"/v2/users/{made['id']}", {"given_name": "Eva"}).status == 200
    assert api.get(paths[0]).json()["name"] == "Eva"
    assert api.get(paths[1]).json()["given_name"] == "Eva"
    assert api.get(paths[2]).json()["data"][0]["name"] == "Eva"
    assert api.get(paths[3]).json()["data"][0]["given_name"] == "Eva"
    assert api.delete(f"/v1/users/{made['id']}").status == 204
    assert [api.get(path).status for path in paths] == [404, 404, 200, 200]
    assert [api.get(path).json()["data"] for path in paths[2:]] == [[], []]


def test_a_change_shows_whatever_case_an_id_is_written_in(api: Cached) -> None:
    """An id is read in any case, so what was kept under another spelling of it is out of date too."""
    path = api.post("/v2/users", ANA).headers["location"]
    shouted = f"/v2/users/{path.rpartition('/')[2].upper()}"
    api.get(path)
    api.get(shouted)
    assert said(api.get(shouted)) == "hit"
    assert api.patch(path, {"given_name": "Eva"}).status == 200
    assert api.get(shouted).json()["given_name"] == "Eva"
    assert api.delete(path).status == 204
    assert api.get(shouted).status == 404


def test_users_are_private_and_asked_about_each_time(api: Cached) -> None:
    """Clients keep their own copy and validate it; no shared cache behind us keeps any."""
    made = api.post("/v2/users", ANA).json()
    answer = api.get(f"/v2/users/{made['id']}")
    assert answer.headers["cache-control"] == USERS.cache_control == "private, no-cache"


def test_callers_never_get_each_others_answers(api: Cached) -> None:
    """The principal is part of the key of personal answers, and not of public ones."""
    made = api.post("/v2/users", ANA).json()
    path = f"/v2/users/{made['id']}"
    outcomes = []
    for who in ("a|1", "a", "1:a", "a|1"):
        api.who = who
        outcomes.append(said(api.get(path)))
    assert outcomes == ["fwd=uri-miss"] * 3 + ["hit"]
    api.who = "a"
    api.get("/v2/catalog/settings")
    api.who = "b"
    assert said(api.get("/v2/catalog/settings")) == "hit"


@pytest.mark.parametrize(
    "choice",
    [
        {"path": "/v1/catalog/categories"},
        {"path": "/catalog/categories", "X-API-Version": "v1"},
        {"path": "/catalog/categories", "Accept": "application/vnd.lanner.v1+json"},
    ],
    ids=["path", "header", "media type"],
)
def test_versions_never_mix(api: Cached, choice: dict[str, str]) -> None:
    """However a version is chosen, what another one left in the cache is not its answer."""
    tree = [{"id": "a", "name": "A", "slug": "a", "children": []}]
    api.put("/v2/catalog/categories", {"data": tree})
    headers = {name: value for name, value in choice.items() if name != "path"}
    path = choice["path"]
    for _ in range(2):
        newest = api.get(path.replace("/v1", "/v2"))
        assert newest.json()["data"][0]["slug"] == "a"
        older = api.get(path, **headers)
        assert older.headers["x-api-version"] == "v1"
        assert "slug" not in older.json()["data"][0]


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Host", "X-Original-URL", "X-HTTP-Method-Override", "Forwarded", "Origin", "Host", "Accept-Language"],
)
def test_what_is_not_in_the_key_cannot_poison(api: Cached, header: str) -> None:
    """A header outside the key changes nothing of what the next caller gets."""
    poisoned = api("GET", "/v2/catalog/settings", headers={header: "evil.example"})
    clean = api.get("/v2/catalog/settings")
    assert said(clean) == "hit"
    assert b"evil" not in clean.body
    assert not [value for value in clean.headers.values() if "evil" in value]
    assert clean.body == poisoned.body


@pytest.mark.parametrize(
    "trick",
    [
        "/v2/users/{id}/style.css",
        "/v2/users/{id};a.css",
        "/v2/users/{id}%2Fa.css",
        "/v2/users/{id}%3Fa.css",
        "/v2/users/{id}/..%2Fcatalog%2Fsettings",
        "/v2/catalog/settings/..%2F..%2Fusers%2F{id}",
    ],
)
def test_path_tricks_deceive_nobody(api: Cached, trick: str) -> None:
    """What looks like a static file below a user is nothing, is not kept as public, and is nobody else's answer."""
    made = api.post("/v2/users", ANA).json()
    api.who = "victim"
    answer = api.get(trick.replace("{id}", made["id"]))
    assert answer.status == 404
    assert b"ana@example.com" not in answer.body
    assert "public" not in answer.headers.get("cache-control", "")


def test_queries_are_apart(api: Cached) -> None:
    """Each query string is an entry of its own; an unknown parameter is an error and is not kept."""
    api.post("/v2/users", ANA)
    whole = api.get("/v2/users")
    names = api.get("/v2/users?fields=given_name")
    assert whole.body != names.body
    assert said(api.get("/v2/users?fields=given_name")) == "hit"
    assert [api.get("/v2/users?nonsense=1").status for _ in range(2)] == [400, 400]
    assert said(api.get("/v2/users?nonsense=1")) != "hit"


def test_an_encoded_answer_is_for_those_who_take_it(api: Cached) -> None:
    """One kept answer serves gzip and plain, each with its own ETag."""
    settings = {f"key{number}": "a text that repeats itself " * 3 for number in range(60)}
    api.put("/v2/catalog/settings", {"settings": settings})
    plain = api.get("/v2/catalog/settings")
    zipped = [api.get("/v2/catalog/settings", Accept_Encoding="gzip") for _ in range(2)]
    assert said(zipped[1]) == "hit"
    assert [each.headers["content-encoding"] for each in zipped] == ["gzip", "gzip"]
    assert zipped[0].body == zipped[1].body
    assert "content-encoding" not in api.get("/v2/catalog/settings").headers
    assert plain.headers["etag"] != zipped[0].headers["etag"]


def test_head_is_answered_from_a_get(api: Cached) -> None:
    """The headers of the kept GET, no body."""
    got = api.get("/v2/catalog/settings")
    head = api("HEAD", "/v2/catalog/settings")
    assert (head.status, head.body, said(head)) == (200, b"", "hit")
    assert head.headers["content-length"] == str(len(got.body))


def test_refusals_of_the_cache_are_problems_that_nobody_keeps(api: Cached) -> None:
    """416 with the size that there is, 504 for only-if-cached; each with its type and the request's id."""
    target = "/v2/catalog/settings"
    nothing = api("GET", target, headers={"Cache-Control": "only-if-cached"})
    size = len(api.get(target).body)
    beyond = api("GET", target, headers={"Range": f"bytes={size}-"})
    assert beyond.headers["content-range"] == f"bytes */{size}"
    for answer, status, slug in ((nothing, 504, "nothing-stored"), (beyond, 416, "range-not-satisfiable")):
        problem = answer.json()
        assert (answer.status, problem["status"], problem["type"]) == (status, status, f"/problems/{slug}")
        assert problem["instance"] == answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_a_marked_event_renders_anew(api: Cached) -> None:
    """Whoever refreshes marks the event; the next caller gets what that made."""
    api.get("/v2/catalog/settings")
    event = {**rest_event("GET", "/v2/catalog/settings"), "lannerRefresh": True}
    refreshed = Answer(catalog.app.lambda_handler(event, Context()))
    assert said(refreshed) != "hit"
    assert said(api.get("/v2/catalog/settings")) == "hit"


def test_a_cache_that_is_away_is_no_error(api: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads and writes go on; what could not be invalidated is, once the cache is back."""
    api.get("/v2/catalog/settings")
    tags = default.default_tags()
    backend = tags._backend

    class Away:
        def __getattr__(self, name: str) -> Any:
            def fail(*arguments: Any, **options: Any) -> Any:
                raise CacheUnavailable("away")

            return fail

    monkeypatch.setattr(tags, "_backend", Away())
    assert api.put("/v2/catalog/settings", {"settings": {"motto": "new"}}).status == 200
    assert api.get("/v2/catalog/settings").json()["settings"] == {"motto": "new"}
    monkeypatch.setattr(tags, "_backend", backend)
    assert api.put("/v2/catalog/settings", {"settings": {"motto": "newer"}}).status == 200
    assert api.get("/v2/catalog/settings").json()["settings"] == {"motto": "newer"}


def test_another_environment_sees_an_invalidation(api: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags live in the shared tier: what one environment invalidates, another one no longer serves."""
    api.get("/v2/catalog/settings")
    elsewhere = TagIndex(default.default_backend())
    elsewhere.invalidate(["catalog"])
    assert said(api.get("/v2/catalog/settings")) != "hit"


def test_without_a_cache_clients_are_told_the_same(
    users_table: str, catalog_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LANNER_CACHE is where it is kept, not what is said about it."""
    monkeypatch.delenv("LANNER_CACHE", raising=False)
    api = Cached(monkeypatch)
    for _ in range(2):
        answer = api.get("/v2/catalog/settings")
        assert answer.headers["cache-control"] == CATALOG.cache_control
        assert "cache-status" not in answer.headers
        assert "lanner-cache-control" not in answer.headers
    assert "LANNER_CACHE" not in os.environ
