"""The real handlers over memory and a Redis that does what dying servers do: no 5xx, and every read is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import catalog.app
import users_v1.app
import users_v2.app
from lanner.cache import default
from lanner.cache.breaker import LONGEST_PAUSE
from lanner.cache.tags import TagIndex
from lanner.cache.url import open_backend
from lanner.pipeline.entry import respond
from tests.contract.cache.servers import HOST, Server, ask, free_port, start_redis
from tests.faults.proxy import Proxy
from tests.functions.api_client import NOW, Client
from tests.functions.gateway_events import Answer

BUDGET_MS = 400
"""Above what an answer takes on a busy machine, below what a test may wait for a silent one."""
SETTINGS = "/v2/catalog/settings"


class MovedClock:
    """The machine's time from `NOW` on, and the hours that a test adds: waits for a socket really pass."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._added = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._added

    def now(self) -> float:
        return NOW + self.monotonic() - self._started

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def move(self, seconds: float) -> None:
        self._added += seconds


class Place:
    """An environment of the API, the proxy between it and its Redis, and that Redis."""

    def __init__(self, server: Server, proxy: Proxy, clock: MovedClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.proxy = proxy
        self.clock = clock
        self.client = Client()
        for app in (catalog.app, users_v1.app, users_v2.app):
            app.GROUP.clock = clock
            monkeypatch.setattr(app, "lambda_handler", self._handler(respond(app.GROUP)[0]))
        self.statuses: list[int] = []

    @staticmethod
    def _handler(application: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        from lanner.http.events import read

        def handle(event: Any, context: Any) -> Any:  # Any: Lambda's own signature
            request = read(event, context)
            return request.source.write(application(request))

        return handle

    def command(self, *words: bytes) -> None:
        """Tell the Redis itself, past the proxy."""
        assert ask(self.server.port, *words) == b"OK"

    def send(self, method: str, target: str, json: Any = None) -> Answer:
        """A request, whose status is looked at in the end."""
        if method == "PATCH":
            answer = self.client.patch(target, json)
        else:
            answer = self.client(method, target, json)
        self.statuses.append(answer.status)
        return answer

    def settings(self, version: str = "v2") -> Any:
        return self.send("GET", f"/{version}/catalog/settings").json()["settings"]

    def write_settings(self, motto: str) -> None:
        assert self.send("PUT", SETTINGS, {"settings": {"motto": motto}}).status == 200

    def name(self, user: str) -> Any:
        return self.send("GET", f"/v2/users/{user}").json()["given_name"]

    def outcome(self, target: str = SETTINGS) -> str:
        """What Cache-Status says."""
        return self.send("GET", target).headers["cache-status"].split(";")[1].strip()


FAULTS: dict[str, tuple[Callable[[Place], None], Callable[[Place], None]]] = {
    **{
        mode: (lambda place, mode=mode: place.proxy.switch(mode), lambda place: place.proxy.switch("pass"))  # type: ignore[misc]
        for mode in ("refuse", "silent", "drip", "reset", "truncate", "garbage", "close", "hang up")
    },
    "full": (
        lambda place: place.command(b"CONFIG", b"SET", b"maxmemory", b"1"),
        lambda place: place.command(b"CONFIG", b"SET", b"maxmemory", b"0"),
    ),
    "read-only": (
        lambda place: place.command(b"REPLICAOF", HOST.encode(), b"%d" % free_port()),
        lambda place: place.command(b"REPLICAOF", b"NO", b"ONE"),
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis that puts nothing out."""
    started = start_redis(tmp_path_factory.mktemp("redis"))
    assert ask(started.port, b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction") == b"OK"
    yield started
    started.stop()


@pytest.fixture
def place(
    server: Server,
    users_table: str,
    catalog_table: str,
    jobs_table: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """A fresh environment over memory and the Redis behind the proxy."""
    proxy, clock = Proxy(server.port), MovedClock()
    shared = f"redis://{HOST}:{proxy.port}?budget_ms={BUDGET_MS}&prefix={tmp_path.name}"
    monkeypatch.setenv("LANNER_CACHE", f"l1=memory://,l2={shared}")
    default.close()
    backend = open_backend(f"l1=memory://,l2={shared}", clock)
    monkeypatch.setattr(default, "_backend", [backend])
    monkeypatch.setattr(default, "_tags", [TagIndex(backend, clock, cache_for=0)])
    place = Place(server, proxy, clock, monkeypatch)
    yield place
    for _, end in FAULTS.values():  # the next test's Redis is this one
        end(place)
    default.close()
    proxy.stop()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_api_over_a_cache_that(fault: str, place: Place) -> None:
    """Reads and writes go on and are right; the cache is used again within the breaker's time of its return."""
    begin, end = FAULTS[fault]
    place.write_settings("first")
    user = place.send("POST", "/v2/users", {"given_name": "Ana", "email": "ana@example.com"}).json()["id"]
    for _ in range(2):
        assert (place.settings(), place.name(user)) == ({"motto": "first"}, "Ana")

    begin(place)
    assert (place.settings(), place.name(user)) == ({"motto": "first"}, "Ana")
    for motto in ("second", "third"):
        place.write_settings(motto)
        assert [place.settings(version) for version in ("v2", "v1", "v2")] == [{"motto": motto}] * 3
    assert place.send("PATCH", f"/v2/users/{user}", {"given_name": "Eva"}).status == 200
    assert place.name(user) == "Eva"
    assert place.send("GET", "/v2/users/statistics").json()["total_users"] == 1
    place.clock.move(LONGEST_PAUSE)  # a caller is let through to try, and fails
    assert (place.settings(), place.name(user)) == ({"motto": "third"}, "Eva")

    end(place)
    place.clock.move(LONGEST_PAUSE)
    for _ in range(2):
        assert (place.settings(), place.name(user)) == ({"motto": "third"}, "Eva")
    assert place.outcome() == "hit"
    assert place.outcome(f"/v2/users/{user}") == "hit"
    place.write_settings("fourth")
    assert place.settings() == {"motto": "fourth"}
    assert max(place.statuses) < 400
