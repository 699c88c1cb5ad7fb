"""Seed files: what they may say, and what is said about those that are wrong."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading

import pytest

from lanner.local.seeding import SeedError, SeedRequest, read_seed, send_seed


def seed(tmp_path, content):
    file = tmp_path / "seed.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_seed(file)


def test_method_and_content_type_follow_from_the_body(tmp_path):
    """GET without a body, POST with one; JSON values are encoded and say so, text is sent as it is."""
    requests = seed(
        tmp_path,
        [
            {"path": "/a"},
            {"path": "/a", "body": {"x": "é"}},
            {"path": "/a", "body": [], "headers": {"content-type": "application/merge-patch+json"}, "method": "patch"},
            {"path": "/a", "body": "text"},
        ],
    )
    assert requests == [
        SeedRequest("GET", "/a"),
        SeedRequest("POST", "/a", {"Content-Type": "application/json"}, json.dumps({"x": "é"}).encode()),
        SeedRequest("PATCH", "/a", {"content-type": "application/merge-patch+json"}, b"[]"),
        SeedRequest("POST", "/a", {}, b"text"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{nope", "is not JSON"),
        ({"path": "/"}, "a list of"),
        ([1], "entry 1: an object is expected, not int"),
        ([{"path": "/"}, {"path": "users"}], "entry 2: `path` must be a string that begins with /"),
        ([{"path": "/", "heders": {}}], "entry 1: unknown field 'heders'"),
        ([{"path": "/", "example": "yes"}], "entry 1: `example` must be true or false, not 'yes'"),
        ([{"path": "/", "headers": {"x": 1}}], "entry 1: `headers` must be an object of strings"),
    ],
)
def test_a_wrong_file_names_the_entry(tmp_path, content, words):
    """And what would be right."""
    with pytest.raises(SeedError) as caught:
        seed(tmp_path, content)
    assert str(caught.value).startswith(f"{tmp_path / 'seed.json'}")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "group"), [("/users/1?x=/y", "users"), ("/v2/users/1", "v2/users"), ("/", ""), ("/v2", "v2")]
)
def test_what_belongs_together(path, group):
    """The first segment; a version and the segment after it."""
    assert SeedRequest("GET", path).group == group


def test_requests_of_a_group_keep_their_order_and_failures_are_returned():
    """Each group over one connection; 4xx and a closed connection are failures, and the rest goes on."""
    arrived: dict[str, list[str]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            group = self.path.split("/")[1]
            arrived.setdefault(group, []).append(self.path)
            if self.path.endswith("hangs-up"):
                self.connection.close()
                return
            status = 404 if self.path.endswith("missing") else 204
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    paths = ["/a/1", "/b/1", "/a/missing", "/b/hangs-up", "/a/2", "/b/2"]
    try:
        requests = [SeedRequest("GET", path) for path in paths]
        failures = asyncio.run(send_seed(requests, "127.0.0.1", server.server_address[1]))
    finally:
        server.shutdown()
        server.server_close()
    assert arrived["a"] == ["/a/1", "/a/missing", "/a/2"]
    assert arrived["b"] == ["/b/1", "/b/hangs-up", "/b/2"]
    assert {(failure.request.path, failure.status) for failure in failures} == {("/a/missing", 404), ("/b/hangs-up", 0)}
