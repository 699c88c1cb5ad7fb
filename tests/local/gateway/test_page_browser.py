"""The page in a real browser: headless Chromium, driven by the WebDriver protocol through chromedriver.

Without the two programs it is skipped on a laptop and fails in CI.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.gateway.gateway_cloud import Serve, cloud, ok, rest_api, route
from tests.local.gateway.test_page import FixedInspector

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the WebDriver standard's name for an element reference
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


@dataclass
class Browser:
    """One WebDriver session."""

    client: httpx.Client
    session: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/session/{self.session}{path}", json=body if method == "POST" else None)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def open(self, url: str) -> None:
        self.call("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def until(self, script: str, seconds: float = 15) -> Any:
        """Wait until a script returns something true, with a deadline."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, (
                f"never true: {script}; page: {self.run('return document.body.innerText')}"
            )
        return value

    def click(self, selector: str) -> None:
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{found[_ELEMENT]}/click", {})

    def text(self, selector: str) -> str:
        return str(self.run(f"return document.querySelector({selector!r}).innerText"))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not driver or not chromium:
        if os.environ.get("CI") == "true":
            pytest.fail("this test needs chromium and chromedriver: apt-get install chromium chromium-driver")
        pytest.skip("chromium and chromedriver are not installed")
    process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = next(
            found[1] for line in process.stdout if (found := re.search(r"started successfully on port (\d+)", line))
        )
        options = {"binary": chromium, "args": [*_ARGUMENTS, f"--user-data-dir={tmp_path / 'profile'}"]}
        wanted = {
            "capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        }
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            answer = client.post("/session", json=wanted).json()["value"]
            assert "sessionId" in answer, answer
            session = Browser(client, answer["sessionId"])
            yield session
            session.call("DELETE", "")
    finally:
        process.terminate()
        process.wait(10)


def test_the_page_shows_a_request_and_replays_it(serve: Serve, browser: Browser) -> None:
    """A request appears by itself, opens with its event and answer, and a click runs it once more."""
    served = serve(cloud(rest_api(route("GET /users/{id}"))), {"Fn": ok("<b>hi</b>")}, inspector=FixedInspector())
    browser.open(f"{served.url}/_local")
    browser.until("return document.getElementById('state').textContent === 'live'")
    assert "No request yet" in browser.text("#empty")
    assert browser.text("#stack") == "shop"

    served.get("/prod/users/7?x=<img src=x onerror=alert(1)>")
    browser.until("return document.querySelectorAll('#rows tr').length === 1")
    row = browser.text("#rows tr")
    assert all(part in row for part in ("GET", "/prod/users/7", "200", "Fn", "cold"))

    browser.click("#rows tr")
    browser.until("return document.querySelectorAll('#details pre').length >= 2")
    assert '"resource": "/users/{id}"' in browser.text("#details")
    assert "<b>hi</b>" in browser.text("#details")
    assert browser.run("return document.querySelectorAll('main img, main b').length") == 0

    browser.click("#replay")
    browser.until("return document.querySelectorAll('#rows tr').length === 2")
    assert "replay of" in browser.text("#rows tr")
    assert len(served.invoker.calls) == 2


def test_every_view_opens_and_nothing_is_logged_as_an_error(serve: Serve, browser: Browser) -> None:
    """Functions, environments, routes, resources, mail, logs and findings, with their rows."""
    served = serve(cloud(rest_api(route("GET /users/{id}"))), {"Fn": ok()}, inspector=FixedInspector())
    browser.open(f"{served.url}/_local/")
    expected = {
        "functions": "app.handler",
        "environments": "idle",
        "routes": "/users/{id}",
        "resources": "AWS::DynamoDB::Table",
        "queues": "Jobs",
        "mail": "<b>Hi</b>",
        "logs": "line of 500",
    }
    browser.until("return document.getElementById('state').textContent === 'live'")
    for view, text in expected.items():
        browser.click(f"[data-view={view}]")
        browser.until(f"return document.getElementById('rows').innerText.includes({text!r})")
    browser.click("[data-view=findings]")
    browser.until("return !document.getElementById('empty').hidden")
    browser.click("[data-view=mail]")
    browser.until("return document.querySelector('#rows tr.choice') !== null")
    browser.click("#rows tr")
    browser.until("return document.getElementById('details').innerText.includes('Hello')")
    severe = [entry for entry in browser.call("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]
    assert severe == []


def test_the_filter_narrows_the_rows(serve: Serve, browser: Browser) -> None:
    """Typing keeps the rows that contain the text."""
    served = serve(cloud(rest_api(route("GET /{name}"))), {"Fn": ok()})
    for name in ("apple", "pear", "plum"):
        served.get(f"/prod/{name}")
    browser.open(f"{served.url}/_local/#requests")
    browser.until("return document.querySelectorAll('#rows tr').length === 3")
    found = browser.call("POST", "/element", {"using": "css selector", "value": "#filter"})
    browser.call("POST", f"/element/{found[_ELEMENT]}/value", {"text": "pear"})
    browser.until("return document.querySelectorAll('#rows tr').length === 1")
    assert "/prod/pear" in browser.text("#rows")
