"""The reference page in a real browser: Swagger UI runs under the page's Content-Security-Policy, from our own host.

The function is served at the root of a host, as behind the custom domain, by a server that does nothing but make
events of requests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from docs.app import lambda_handler
from tests.functions.gateway_events import Answer, rest_event
from tests.local.gateway.test_page_browser import Browser, browser  # noqa: F401 (a fixture)


@pytest.fixture
def site() -> Iterator[str]:
    """The documentation over HTTP; its URL."""

    class Documentation(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = Answer(lambda_handler(rest_event(path, full_path=path, headers=dict(self.headers)), None))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Documentation)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("path", "version"), [("/docs", "v2"), ("/v1/docs", "v1")])
def test_the_reference_shows_its_version(site: str, browser: Browser, path: str, version: str) -> None:  # noqa: F811
    """Every operation is there, and the browser refused nothing."""
    browser.open(site + path)
    browser.until("return document.querySelectorAll('.opblock').length > 10")
    assert version in browser.text(".info .title")
    assert bool(browser.run("return document.querySelectorAll('.opblock-deprecated').length")) is (version == "v1")
    browser.click(".opblock .opblock-summary-control")
    browser.until("return document.querySelector('.opblock-body') !== null")
    severe = [entry for entry in browser.call("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]
    assert severe == []
