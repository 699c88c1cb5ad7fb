"""Other people's projects, served unchanged: `lanner dev` in a copy of each, and an ordinary HTTP client."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PROJECTS = Path(__file__).resolve().parents[1] / "projects"


@pytest.fixture
def served(tmp_path: Path, project) -> Iterator[Any]:
    """Serve a copy of a project of `tests/local/projects`; returns a client for one of its host names."""
    clients: list[httpx.Client] = []

    def serve(name: str, *arguments: str) -> Callable[..., httpx.Client]:
        project.folder = tmp_path / name
        shutil.copytree(PROJECTS / name, project.folder, ignore=shutil.ignore_patterns("__pycache__"))
        server = project.start("--no-watch", *arguments)
        port = server.url.rpartition(":")[2]

        def client(host: str = "127.0.0.1") -> httpx.Client:
            made = httpx.Client(base_url=server.url, headers={"Host": f"{host}:{port}"}, timeout=20)
            clients.append(made)
            return made

        client.server = server  # type: ignore[attr-defined]
        return client

    yield serve
    for each in clients:
        each.close()


def eventually(check: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 15
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_an_http_api_with_layers_nested_folders_and_a_nested_application(served):
    """Layers on the path, the table and queue of the template, the nested worker fed by its queue, both payloads."""
    http = served("notes_http")()
    created = http.post("/notes", json={"text": "buy milk"})
    assert created.status_code == 201
    assert created.headers["location"] == f"/notes/{created.json()['id']}"
    assert created.headers.get_list("set-cookie") == [f"last={created.json()['id']}; Path=/; HttpOnly", "seen=yes"]
    assert http.get(created.headers["location"]).json()["text"] == "buy milk"
    assert http.put(created.headers["location"]).status_code == 405
    # The nested application's function has written its line beside the note.
    assert eventually(lambda: len(http.get("/notes").json()["notes"]) == 2)
    found = http.get("/search", params=[("q", "a"), ("q", "b")])
    assert found.json()["version"] == "1.0"
    assert found.json()["q"] == {"q": ["a", "b"]}
    assert found.headers.get_list("x-many") == ["a", "b"]
    shown = http.get("/files/a%20b/c%2Fd?x=%2F", headers={"Cookie": "k=v; l=w"}).json()
    assert (shown["routeKey"], shown["rawQueryString"], shown["cookies"]) == (
        "GET /files/{path+}",
        "x=%2F",
        ["k=v", "l=w"],
    )
    assert http.get("/elsewhere").json()["routeKey"] == "$default"
    preflight = http.options(
        "/notes", headers={"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    )
    assert (preflight.status_code, preflight.headers["access-control-max-age"]) == (204, "600")


def test_parameters_come_from_samconfig_and_the_command_line(served):
    """The environment `test` of samconfig.toml sets the stage, and with it the page size; an override wins."""
    http = served("notes_http", "--config-env", "test")()
    for number in range(4):
        http.post("/notes", json={"text": str(number)})
    assert len(http.get("/notes").json()["notes"]) == 2


def test_a_rest_api_with_stages_authorizers_keys_and_binary_bodies(served):
    """Each API under its stage and on its own host; authorizers run as functions; pictures are bytes both ways."""
    client = served("gallery_rest")
    http = client()
    assert http.get("/prod/health").text == "OK"
    assert client("publicapi.localhost").get("/prod/health").text == "OK"
    assert http.get("/admin/stats").status_code == 403  # no API key
    assert http.get("/admin/open").status_code == 200
    picture = bytes(range(256))
    headers = {"Authorization": "Bearer allow-ada", "Content-Type": "image/png"}
    stored = http.put("/prod/images/x", content=picture, headers=headers)
    assert (stored.status_code, stored.json()) == (201, {"bytes": 256, "owner": "ada"})
    denied = http.put("/prod/images/x", content=picture, headers={**headers, "Authorization": "Bearer deny"})
    assert denied.status_code == 403
    visitor = {"x-visitor": "eve", "Accept": "image/png"}
    assert http.get("/prod/images/x?ticket=valid", headers=visitor).content == picture
    assert http.get("/prod/images/x?ticket=old", headers=visitor).status_code == 403
    assert http.get("/prod/search").status_code == 400  # a required parameter
    missing = http.get("/prod/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    echoed = http.get("/prod/echo/a/b?c=1", headers={"X-Mixed-Case": "yes"}).json()
    assert echoed["pathParameters"] == {"proxy": "a/b"}
    assert echoed["requestContext"]["path"] == "/prod/echo/a/b"
    assert echoed["stageVariables"] == {"colour": "blue"}


def test_a_rest_api_described_by_an_openapi_document(served):
    """Integrations, a stage variable that names the function, an authorizer, a validator, and what is skipped."""
    client = served("orders_openapi")
    http = client()
    assert any("GET /legacy" in line and "openapi.yaml:" in line for line in client.server.lines)
    assert http.delete("/v1/orders/7").json() == {"id": "7", "method": "DELETE"}
    allowed = http.get("/v1/orders", params={"state": "open"}, headers={"x-order-key": "open"})
    assert allowed.json() == {"state": "open", "user": "keeper", "stage": {"FunctionName": "lanner-local-list"}}
    refused = http.get("/v1/orders", params={"state": "open"})
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    assert http.get("/live/status").json() == {"ok": True, "stage": "live"}


def test_apis_that_are_deployed_to_two_stages(served):
    """Each stage on the main host and on the API's own, with its variables, functions, throttle, authorizer and key."""
    client = served("two_stages")
    http = client()
    lines = client.server.text
    assert ": unsupported: " not in lines
    assert ": error: " not in lines
    for host in ("127.0.0.1", "shop.localhost"):
        for stage, table in (("prod", "live"), ("trial", "trial")):
            shown = client(host).get(f"/{stage}/open").json()
            assert (shown["stage"], shown["variables"], shown["path"]) == (stage, {"table": table}, f"/{stage}/open")
            assert f"{client.server.url}/{stage}/open" in lines
    assert client("shop.localhost").get("/open").status_code == 403
    assert [http.get(f"/{stage}").json()["price"] for stage in ("old", "new")] == [10, 7]
    for host in ("127.0.0.1", "site.localhost"):
        plain, bright = (client(host).get(f"{prefix}/page").json() for prefix in ("", "/next"))
        assert (plain["stage"], plain["variables"], plain["path"]) == ("$default", {"mode": "plain"}, "/page")
        assert (bright["stage"], bright["variables"], bright["path"]) == ("next", {"mode": "bright"}, "/next/page")
    assert [http.get(path).status_code for path in ("/next/page", "/page")] == [429, 200]  # two of next were its burst
    statuses = [http.get(f"/{stage}/limited").status_code for stage in ("trial", "trial", "prod", "prod")]
    assert statuses == [200, 429, 200, 200]
    token = {"Authorization": "anything"}
    assert [http.get(f"/{stage}/guarded", headers=token).json()["guard"] for stage in ("prod", "trial", "prod")] == [
        "prod",
        "trial",
        "prod",
    ]
    key = {"x-api-key": "key-of-those-who-try"}
    assert [http.get(f"/{stage}/keyed", headers=key).status_code for stage in ("prod", "trial")] == [403, 200]
    for host in ("shop.example", "127.0.0.1"):
        assert client(host).get("/try/open").json()["stage"] == "trial"


def test_function_urls_with_powertools_and_inline_code(served):
    """Each function with a URL on its own host; JSON template; inline code; IAM is required where it says so."""
    client = served("hooks_urls")
    hooks = client("hooks.localhost")
    sent = hooks.post("/hooks/github", json={"n": 1})
    assert (sent.status_code, sent.json()) == (202, {"source": "github"})
    assert hooks.get("/hooks").json() == {"count": 1}
    assert hooks.get("/nothing").status_code == 404
    assert client("private.localhost").get("/").status_code == 403


def test_a_template_that_is_wrong_in_ways_is_listed_and_the_rest_is_served(served):
    """Findings by file and line before ready; what is sound answers."""
    client = served("ten_mistakes")
    listed = [
        line
        for line in client.server.lines
        if "template.yaml:" in line and (": error: " in line or ": unsupported: " in line)
    ]
    assert len(listed) >= 10
    assert all(line.split(": ")[0].rpartition(":")[2].isdigit() for line in listed)
    assert client().get("/Prod/here").status_code in (200, 502)
