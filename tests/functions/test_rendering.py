"""Answers rendered on purpose: stale ones by a job, a cold cache's by the plan, invalidations made up for later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

import orjson
import pytest

import catalog.app
import users_v2.app
from domain.caching import TENANT, changed
from domain.rendering.events import RenderingFailed, event_of, render, render_event
from domain.rendering.refresh import enqueue
from domain.rendering.warm import PLAN
from jobs_worker.app import WORKER
from jobs_worker.app import lambda_handler as worker_handler
from lanner.aws import invoke
from lanner.cache import default
from lanner.cache.errors import CacheUnavailable
from lanner.cache.policy import CachePolicy
from lanner.clock import ManualClock
from lanner.http.events import read
from lanner.versioning.registry import ApiVersion
from tests.builders import Context, http_event, query_of, rest_event
from tests.conftest import JOBS_TABLE, scan
from tests.functions.api_client import NOW, Client
from tests.functions.gateway_events import Answer

PUBLIC = CachePolicy(60, stale_while_revalidate=60, tags=("catalog",))


class Invoke(BaseHTTPRequestHandler):
    """Lambda's Invoke: the functions by name, called in this process."""

    protocol_version = "HTTP/1.1"
    functions: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {}
    received: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        event = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        name = unquote(self.path.split("/")[3])
        self.received.append((name, event))
        body = orjson.dumps(self.functions[name](event, Context()))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing."""


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Invoke]]:
    """Lambda, with the catalog and the users of v2 in it, each with an empty cache in memory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("LANNER_CACHE", "memory://")
    monkeypatch.setenv("LANNER_WARM_CATALOG", "catalog:live")
    monkeypatch.setenv("LANNER_WARM_USERS_V2", "users:live")
    monkeypatch.setattr(invoke, "_kept", [])
    default.close()
    Invoke.functions = {"catalog:live": catalog.app.GROUP.handler(), "users:live": users_v2.app.GROUP.handler()}
    Invoke.received = []
    yield Invoke
    server.shutdown()
    server.server_close()
    default.close()


def outcome(answer: Answer) -> str:
    return answer.headers["cache-status"].split(";")[1].strip()


def work() -> list[dict[str, Any]]:
    """Do every job that waits, as the queue would have them done; their records."""
    for item in scan(JOBS_TABLE):
        tenant, job_id, kind = item["tenant"]["S"], item["id"]["S"], item["kind"]["S"]
        message = orjson.dumps({"v": 1, "tenant": tenant, "job": job_id, "kind": kind}).decode()
        event = {"Records": [{"messageId": "m", "receiptHandle": "r", "body": message, "eventSource": "aws:sqs"}]}
        WORKER.handle(event, Context())
    return scan(JOBS_TABLE)


def stored(kind: str) -> list[dict[str, Any]]:
    return [item for item in scan(JOBS_TABLE) if item["kind"]["S"] == kind]


@pytest.mark.parametrize(
    ("event", "path", "query", "headers"),
    [
        (rest_event(path="/v1/catalog/settings", stage="v1"), "/v1/catalog/settings", "", {}),
        (rest_event(path="/things", query=query_of("a=1&b=2")), "/things", "a=1&b=2", {"x-api-version": "v2"}),
        ({**http_event(path="/v2/things"), "rawQueryString": "b=%20x&a"}, "/v2/things", "b=%20x&a", {}),
    ],
    ids=["path", "header", "as written"],
)
def test_the_event_addresses_what_was_asked(event: Any, path: str, query: str, headers: dict[str, str]) -> None:
    """Path, query and version come back as they were; nothing personal goes along."""
    request = read(event, Context())
    request.headers |= {"authorization": "Bearer x", "cookie": "a=1"}
    request.version = ApiVersion("v2", released_at="2025-01-01T00:00:00Z")
    request.version_by = "path" if request.path_version else "default"
    made = read(event_of(request, ()), Context())
    assert (made.method, made.public_path, made.query_string.decode()) == ("GET", path, query)
    assert {**made.headers, "user-agent": ""} == {"user-agent": "", **headers}
    assert "Bearer" not in str(event_of(request, ()))


def test_a_refresh_becomes_a_job_of_nobodys(jobs_table: str) -> None:
    """One job, by the API itself: no caller finds it among theirs."""
    request = read(rest_event(path="/v2/catalog/settings"), Context())
    assert enqueue(request, PUBLIC) is True
    (job,) = stored("cache.refresh")
    assert job["tenant"]["S"] == TENANT
    payload = orjson.loads(job["payload"]["S"])
    assert payload["function"] == Context.invoked_function_arn
    assert payload["event"]["rawPath"] == "/v2/catalog/settings"


def test_personal_answers_are_not_handed_over(jobs_table: str) -> None:
    """A refresh without the caller's credentials would be somebody else's answer."""
    request = read(rest_event(path="/v2/users"), Context())
    assert enqueue(request, CachePolicy(5, scope="principal")) is False
    assert not stored("cache.refresh")


def test_without_jobs_the_request_refreshes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table of jobs, or one that does not answer: False, and nothing raised."""
    request = read(rest_event(path="/v2/catalog/settings"), Context())
    monkeypatch.delenv("LANNER_JOBS_TABLE", raising=False)
    assert enqueue(request, PUBLIC) is False


def test_a_stale_answer_is_served_and_rendered_by_the_worker(
    functions: type[Invoke], client: Client, jobs_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its time: the old answer at once, a job, and after the job the new answer."""
    clock = ManualClock(NOW)
    monkeypatch.setattr(catalog.app.GROUP, "clock", clock)
    functions.functions[Context.invoked_function_arn] = handler = catalog.app.GROUP.handler()
    event = rest_event(path="/v2/catalog/settings")
    client.put("/v2/catalog/settings", {"settings": {"motto": "old"}})
    handler(event, Context())
    with monkeypatch.context() as elsewhere:  # a change that this environment does not hear of
        elsewhere.delenv("LANNER_CACHE")
        client.put("/v2/catalog/settings", {"settings": {"motto": "new"}})
    clock.advance(3600 + 30)
    stale = Answer(handler(event, Context()))
    assert stale.json()["settings"] == {"motto": "old"}
    assert stale.headers["cache-status"].split("; ")[1] == "hit"
    assert len(stored("cache.refresh")) == 1
    (done,) = [item for item in work() if item["kind"]["S"] == "cache.refresh"]
    assert done["state"]["S"] == "succeeded"
    fresh = Answer(handler(event, Context()))
    assert (outcome(fresh), fresh.json()["settings"]) == ("hit", {"motto": "new"})


def test_the_plan_warms_what_callers_ask_for_first(functions: type[Invoke], client: Client) -> None:
    """After it the catalog in every version, its translations and the statistics are hits."""
    client.put("/v2/catalog/translations/en", {"messages": {"hello": "Hello"}})
    result = PLAN.run()
    assert (result.failed, [step.error for step in result.steps if step.error]) == (0, [])
    for path in ("/v1/catalog/categories", "/v2/catalog/settings", "/v1/catalog/translations/en"):
        answer = Answer(functions.functions["catalog:live"](rest_event(path=path), Context()))
        assert outcome(answer) == "hit", path
    answer = Answer(functions.functions["users:live"](rest_event(path="/v2/users/statistics"), Context()))
    assert outcome(answer) == "hit"


def test_a_step_that_fails_stops_no_other(functions: type[Invoke], client: Client) -> None:
    """A function that answers errors fails its own steps alone."""
    functions.functions["users:live"] = lambda event, context: {"statusCode": 500, "body": ""}
    result = PLAN.run()
    assert [step.name for step in result.steps if step.error] == ["statistics", "first page of users"]
    assert "answered 500" in result.steps[-1].error


def test_a_rendering_that_fails_says_what(functions: type[Invoke]) -> None:
    """The path and the status."""
    functions.functions["f"] = lambda event, context: {"statusCode": 404, "body": ""}
    with pytest.raises(RenderingFailed, match="/v2/x was answered 404"):
        render("f", render_event("/v2/x"), timeout_ms=5_000)


def test_the_schedule_accepts_one_warming_a_minute(functions: type[Invoke], jobs_table: str, client: Client) -> None:
    """EventBridge may deliver an event twice; the job runs the plan once."""
    first = worker_handler({"job": "cache.warm"}, Context())
    second = worker_handler({"job": "cache.warm"}, Context())
    assert len({first["job"], second["job"]}) == len(stored("cache.warm"))
    done = [item for item in work() if item["kind"]["S"] == "cache.warm"]
    assert {item["state"]["S"] for item in done} == {"succeeded"}
    with pytest.raises(ValueError, match=r"known are cache\.warm"):
        worker_handler({"job": "mail.welcome"}, Context())


def test_an_invalidation_that_did_not_get_through_is_a_job(
    functions: type[Invoke], jobs_table: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is away while something changes: a job invalidates once it is back."""
    tags = default.default_tags()
    recorded = tags.current(["catalog"])
    backend = tags._backend

    class Away:
        def increment(self, *arguments: Any, **options: Any) -> int:
            raise CacheUnavailable("away")

    monkeypatch.setattr(tags, "_backend", Away())
    changed("catalog")
    assert len(stored("cache.invalidate")) == 1
    monkeypatch.setattr(tags, "_backend", backend)
    tags.pending.clear()  # as another environment, which was not told
    assert tags.judge(recorded) == "valid"
    (done,) = [item for item in work() if item["kind"]["S"] == "cache.invalidate"]
    assert done["state"]["S"] == "succeeded"
    assert tags.judge(recorded) == "gone"


def test_a_cdn_is_told_of_public_tags_alone(
    functions: type[Invoke], jobs_table: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tag headers on, a write names what it changed, and a job tells the CDN; users are in no CDN."""
    monkeypatch.setenv("LANNER_CACHE_TAG_HEADERS", "true")
    handler = catalog.app.GROUP.handler()
    put = rest_event(
        "PUT", "/v2/catalog/settings", headers={"Content-Type": "application/json"}, body='{"settings":{}}'
    )
    answer = Answer(handler(put, Context()))
    assert answer.headers["cache-group-invalidation"] == '"catalog"'
    got = Answer(handler(rest_event(path="/v2/catalog/settings"), Context()))
    assert got.headers["cache-groups"] == '"catalog"'
    assert got.headers["surrogate-key"] == got.headers["cache-tag"] == "catalog"
    changed("users", "user:1")
    assert [orjson.loads(item["payload"]["S"])["tags"] for item in stored("cdn.invalidate")] == [["catalog"]]
