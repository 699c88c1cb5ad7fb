"""The `/_local` page's files and JSON, and who may read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lanner.local.gateway import page
from tests.local.gateway.gateway_cloud import Event, FunctionRaised, Serve, Served, cloud, http_api, ok, rest_api, route

Row = dict[str, Any]  # Any: one JSON object


class FixedInspector:
    """Implements `Inspector` with fixed rows."""

    async def functions(self) -> Sequence[Row]:
        return [{"logical_id": "Fn", "handler": "app.handler"}]

    async def environments(self) -> Sequence[Row]:
        return [{"id": "Fn-1", "function": "Fn", "state": "idle"}]

    async def resources(self) -> Sequence[Row]:
        return [{"logical_id": "Table", "type": "AWS::DynamoDB::Table", "physical_id": "table-1"}]

    async def queues(self) -> Sequence[Row]:
        return [{"logical_id": "Jobs", "visible": 3, "in_flight": 1, "delayed": 0, "dead_letters": "dead"}]

    async def mail(self) -> Sequence[Row]:
        return [{"id": "1", "from": "a@example.com", "to": ["b@example.com"], "subject": "<b>Hi</b>", "text": "Hello"}]

    async def logs(self, function: str | None, limit: int) -> Sequence[Row]:
        return [{"time": 1.0, "function": function or "Fn", "text": f"line of {limit}"}]


class BrokenInspector(FixedInspector):
    async def mail(self) -> Sequence[Row]:
        raise ConnectionError("the engine has gone")


def served_page(serve: Serve) -> Served:
    plan = cloud(rest_api(route("GET /x"), route("GET /y", None)))
    return serve(plan, {"Fn": ok("hi")}, inspector=FixedInspector())


def api(served: Served, path: str) -> Any:
    answer = served.get(f"/_local/api/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_is_static_and_loads_nothing_from_elsewhere(serve: Serve) -> None:
    """HTML, script and style from the gateway itself; no other host is named in any of them."""
    served = served_page(serve)
    assert served.get("/_local").headers["location"] == "/_local/"
    for name, content_type in (("", "text/html"), ("page.js", "text/javascript"), ("page.css", "text/css")):
        answer = served.get(f"/_local/{name}")
        assert answer.headers["content-type"].startswith(content_type)
        assert not re.search(r"https?://|//[a-z0-9.-]+\.[a-z]", re.sub(r"(?m)^\s*//.*$", "", answer.text))
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert served.get("/_local/../gateway.py").status_code != 200
    assert served.exchange("/_local/../gateway.py")[0] == 404
    assert served.exchange("/_local/__init__.py")[0] == 404


def test_the_script_never_makes_markup_of_data() -> None:
    """What functions and clients send is shown as text: no way to write HTML is used."""
    script = (Path(page.__file__).parent / "page.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


def test_requests_are_listed_and_shown_with_event_and_answer(serve: Serve) -> None:
    """Newest first without documents; one with them; the page's own requests are not among them."""
    served = served_page(serve)
    served.get("/prod/x?n=1")
    served.get("/prod/none")
    rows = api(served, "requests")["rows"]
    assert [(row["path"], row["status"]) for row in rows] == [("/prod/none", 403), ("/prod/x?n=1", 200)]
    assert "event" not in rows[1]
    shown = api(served, f"requests/{rows[1]['id']}")
    assert shown["event"]["queryStringParameters"] == {"n": "1"}
    assert shown["answer"] == {"statusCode": 200, "body": "hi"}
    assert shown["logs"] == "a log line\n"
    assert served.get("/_local/api/requests/unknown").status_code == 404


def test_a_replay_sends_the_same_event_again(serve: Serve) -> None:
    """The function sees the very event; the replay is a record of its own."""
    served = served_page(serve)
    served.get("/prod/x?n=1")
    [row] = api(served, "requests")["rows"]
    answer = served.request("POST", f"/_local/api/requests/{row['id']}/replay")
    assert answer.json()["answer"] == {"statusCode": 200, "body": "hi"}
    assert answer.json()["note"] == f"replay of {row['id']}"
    first, second = served.invoker.calls
    assert first == second
    assert len(api(served, "requests")["rows"]) == 2


def test_a_request_without_a_function_cannot_be_replayed(serve: Serve) -> None:
    """409, and a GET is no replay."""
    served = served_page(serve)
    served.get("/prod/none")
    [row] = api(served, "requests")["rows"]
    assert served.request("POST", f"/_local/api/requests/{row['id']}/replay").status_code == 409
    assert served.get(f"/_local/api/requests/{row['id']}/replay").status_code == 405


def test_a_replay_that_fails_says_so(serve: Serve) -> None:
    """The record of a failed replay is a 500 with the outcome."""

    def failing(event: Event) -> Event:
        raise FunctionRaised("crash")

    served = serve(cloud(rest_api(route("GET /x"))), {"Fn": failing})
    served.get("/prod/x")
    [row] = api(served, "requests")["rows"]
    answer = served.request("POST", f"/_local/api/requests/{row['id']}/replay").json()
    assert answer["status"] == 500
    assert answer["note"].endswith(": crash")


def test_the_inspectors_tables(serve: Serve) -> None:
    """Functions, environments, resources, queues, mail and logs as the inspector gives them."""
    served = served_page(serve)
    assert api(served, "functions")["rows"][0]["handler"] == "app.handler"
    assert api(served, "environments")["rows"][0]["state"] == "idle"
    assert api(served, "resources")["rows"][0]["physical_id"] == "table-1"
    assert api(served, "mail")["rows"][0]["to"] == ["b@example.com"]
    assert api(served, "queues")["rows"][0]["in_flight"] == 1
    assert served.get("/_local/mail").json() == api(served, "mail")
    browser = served.get("/_local/mail", headers={"Accept": "text/html,*/*"})
    assert (browser.status_code, browser.headers["location"]) == (302, "/_local/#mail")
    assert api(served, "logs?function=Other&limit=7")["rows"][0] == {
        "time": 1.0,
        "function": "Other",
        "text": "line of 7",
    }
    assert served.get("/_local/api/nothing").status_code == 404


def test_the_overview_lists_routes_and_findings(serve: Serve) -> None:
    """What the template deploys, and what clashes."""
    served = serve(cloud(http_api(route("GET /x"), name="A"), http_api(route("GET /x"), name="B")))
    overview = api(served, "overview")
    assert overview["apis"][0]["routes"] == [{"method": "GET", "path": "/x", "function": "Fn"}]
    assert overview["findings"][0]["resource"] == "B"
    assert api(served, "functions")["rows"] == []


def test_a_failing_inspector_is_shown_not_fatal(serve: Serve) -> None:
    """502 with the error's text."""
    served = serve(cloud(), {}, inspector=BrokenInspector())
    answer = served.get("/_local/api/mail")
    assert (answer.status_code, answer.json()) == (502, {"message": "ConnectionError: the engine has gone"})


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7:3000", "api.example.com"])
def test_other_host_names_see_nothing(serve: Serve, host: str) -> None:
    """A foreign name that points here (DNS rebinding) gets no page, no data."""
    served = served_page(serve)
    for path in ("/_local", "/_local/", "/_local/api/requests"):
        answer = served.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "this page answers on 127.0.0.1 and localhost only"},
        )
    assert served.get("/_local/", headers={"Host": "localhost:3000"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_posts_from_other_origins_are_refused(serve: Serve, headers: dict[str, str]) -> None:
    """No page on the web can make a developer's browser replay anything."""
    served = served_page(serve)
    served.get("/prod/x")
    [row] = api(served, "requests")["rows"]
    answer = served.request("POST", f"/_local/api/requests/{row['id']}/replay", headers=headers)
    assert answer.status_code == 403
    assert len(served.invoker.calls) == 1
    own = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    assert served.request("POST", f"/_local/api/requests/{row['id']}/replay", headers=own).status_code == 200


def test_an_apis_own_host_keeps_the_path(serve: Serve) -> None:
    """`/_local` belongs to the page on the main host only."""
    served = serve(cloud(http_api(route("GET /_local/x"), name="Web")), {"Fn": ok("mine")})
    assert served.get("/_local/x", headers={"Host": "Web.localhost"}).text == "mine"
    assert served.get("/_localx").status_code == 404
