"""The whole system as `make dev` runs it, over real sockets, by an ordinary HTTP client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+)$")
JSON = {"Content-Type": "application/json"}
START_SECONDS = 60


class Dev:
    """A running `lanner dev` with its own port and engine."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lanner.cli", "dev", "--port", "0", "--seed", "events/seed.json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        assert self.process.stdout is not None
        self.output: list[str] = []
        for line in self.process.stdout:
            self.output.append(line)
            found = READY.match(line)
            if found:
                self.url = found.group(1)
                return
        raise AssertionError("lanner dev ended before it was ready:\n" + "".join(self.output))

    def children(self) -> list[int]:
        """Every process below it."""
        found: list[int] = []
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            try:
                text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except FileNotFoundError:
                continue
            below = [int(each) for each in text.split()]
            found += below
            waiting += below
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(timeout=START_SECONDS)


@pytest.fixture(scope="module")
def dev() -> Iterator[Dev]:
    running = Dev()
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def api(dev: Dev) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=dev.url, timeout=30) as client:
        yield client


def created(api: httpx.Client, email: str, version: str = "v2", **more: Any) -> dict[str, Any]:
    document = {"given_name": "Ada", "family_name": "Lovelace", "email": email, **more}
    answer = api.post(f"/{version}/users", json=document)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_three_ways_to_a_version_give_the_same_answer(api: httpx.Client) -> None:
    """Path, header, media type and query, for both versions, status and body alike; each names its version."""
    user = created(api, "three-ways@example.org")
    for number in ("1", "2"):
        answers = [
            api.get(f"/v{number}/users/{user['id']}"),
            api.get(f"/users/{user['id']}", headers={"X-API-Version": f"v{number}"}),
            api.get(f"/users/{user['id']}", headers={"Accept": f"application/vnd.lanner.v{number}+json"}),
            api.get(f"/users/{user['id']}", params={"version": number}),
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.text for answer in answers} == {answers[0].text}
        assert {answer.headers["etag"] for answer in answers} == {answers[0].headers["etag"]}
        assert {answer.headers["x-api-version"] for answer in answers} == {f"v{number}"}
        for answer in answers:
            assert {"accept", "x-api-version"} <= {name.strip().lower() for name in answer.headers["vary"].split(",")}


@pytest.mark.parametrize(("first", "second", "version"), [("v2", "v1", "v2"), ("v1", "v2", "v1")])
def test_of_several_versions_in_accept_the_preferred_one_answers(
    api: httpx.Client, first: str, second: str, version: str
) -> None:
    """Whatever function the header was routed to, and in whatever order they are named."""
    preferred, other = f"application/vnd.lanner.{first}+json", f"application/vnd.lanner.{second}+json;q=0.5"
    for accept in (f"{preferred}, {other}", f"{other}, {preferred}"):
        answer = api.get("/users", params={"limit": "1"}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["x-api-version"]) == (200, version)


def test_the_default_is_the_registrys_word(api: httpx.Client) -> None:
    """What names no version gets the one that /versions calls the default."""
    default = api.get("/versions").json()["default"]
    answer = api.get("/users", params={"limit": "1"})
    assert (answer.status_code, answer.headers["x-api-version"]) == (200, default)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v9/users", {}, 404),
        ("/users?version=9", {}, 400),
        ("/users", {"X-API-Version": "v9"}, 400),
        ("/users", {"Accept": "application/vnd.lanner.v9+json"}, 406),
        ("/v1/users", {"X-API-Version": "v2"}, 400),
        ("/v2/users?version=1", {}, 400),
    ],
)
def test_wrong_choices_are_told_what_is_supported(
    api: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    """Unknown and contradictory versions, each with the list of what there is."""
    answer = api.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["supported"] == ["v1", "v2"]


def test_one_stored_user_serves_both_versions(api: httpx.Client) -> None:
    """v1 writes, v2 reads, and what only v2 knows survives."""
    user = created(api, "both@example.org", locale="de")
    path = f"/v1/users/{user['id']}"
    old = api.get(path).json()
    assert old == {
        "id": user["id"],
        "name": "Ada Lovelace",
        "email": "both@example.org",
        "created_at": old["created_at"],
    }
    changed = api.put(path, json={**old, "name": "Augusta Ada Lovelace"})
    assert changed.status_code == 200, changed.text
    new = api.get(f"/v2/users/{user['id']}").json()
    assert (new["given_name"], new["family_name"], new["locale"]) == ("Augusta Ada", "Lovelace", "de")
    assert changed.headers["deprecation"] == "@1788220800"
    assert changed.headers["sunset"] == "Wed, 01 Sep 2027 00:00:00 GMT"
    assert "successor-version" in changed.headers["link"]


def test_conditions(api: httpx.Client) -> None:
    """304 for what the client has, 412 for what has changed since."""
    user = created(api, "conditions@example.org")
    path = f"/v2/users/{user['id']}"
    tag = api.get(path).headers["etag"]
    unchanged = api.get(path, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    patch = {"Content-Type": "application/merge-patch+json"}
    assert api.patch(path, content='{"locale":"fr"}', headers={**patch, "If-Match": tag}).status_code == 200
    stale = api.patch(path, content='{"locale":"it"}', headers={**patch, "If-Match": tag})
    assert stale.status_code == 412
    assert api.get(path).json()["locale"] == "fr"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_one_email_has_one_user_however_many_try_at_once(dev: Dev) -> None:
    """Sixteen clients, one address: one 201, fifteen 409."""

    def create(_: int) -> int:
        document = {"given_name": "Ada", "email": "race@example.org"}
        return httpx.post(f"{dev.url}/v2/users", json=document, timeout=60).status_code

    with ThreadPoolExecutor(16) as clients:
        statuses = sorted(clients.map(create, range(16)))
    assert statuses == [201] + [409] * 15


def test_paging_walks_over_everything_once(api: httpx.Client) -> None:
    """The cursor leads through every user exactly once, in order of creation, and ends with null."""
    for number in range(5):
        created(api, f"page{number}@example.org")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = api.get("/v2/users", params={"limit": "3", **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [user["id"] for user in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 5
    assert seen == sorted(seen)


def test_methods(api: httpx.Client) -> None:
    """HEAD as GET without a body, OPTIONS and 405 with a complete Allow."""
    head = api.head("/v2/users")
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "application/json")
    allow = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert api.options("/v2/users/1").headers["allow"] == allow
    refused = api.post("/v2/users/1", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)


def test_the_catalog_serves_both_versions(api: httpx.Client) -> None:
    """A tree written by v2 keeps its slugs when v1 puts back what it got."""
    tree = {"data": [{"id": "a", "slug": "aa", "name": "A", "children": []}]}
    assert api.put("/v2/catalog/categories", json=tree).status_code == 200
    old = api.get("/v1/catalog/categories")
    assert old.json() == {"data": [{"id": "a", "name": "A", "children": []}]}
    assert api.put("/v1/catalog/categories", json=old.json()).status_code == 200
    assert api.get("/v2/catalog/categories").json()["data"] == tree["data"]


def test_documents(api: httpx.Client) -> None:
    """Health, versions, OpenAPI per version, and a page whose assets are ours."""
    assert api.get("/health").json() == {"status": "OK"}
    assert api.get("/health/ready").json()["status"] == "OK"
    first, second = api.get("/v1/openapi.json").json(), api.get("/v2/openapi.json").json()
    assert first["openapi"].startswith("3.1")
    assert all(operation.get("deprecated") for path in first["paths"].values() for operation in path.values())
    assert not any(operation.get("deprecated") for path in second["paths"].values() for operation in path.values())
    page = api.get("/docs")
    assets = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text)
    assert assets
    for asset in assets:
        assert "//" not in asset
        assert api.get(httpx.URL(f"{api.base_url}/docs").join(asset)).status_code == 200


def test_large_answers_are_compressed(api: httpx.Client) -> None:
    """gzip arrives as gzip through the gateway's base64, and the ETag tells the two forms apart."""
    plain = api.get("/v2/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = api.get("/v2/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    again = api.get("/v2/openapi.json", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_everything_and_a_second_start_works() -> None:
    """No process is left behind, the exit is clean, and it starts again at once."""
    for _ in range(2):
        running = Dev()
        assert httpx.get(f"{running.url}/v2/users", timeout=30).status_code == 200
        below = running.children()
        assert below
        assert running.stop() == 0
        assert [pid for pid in below if _alive(pid)] == []


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
