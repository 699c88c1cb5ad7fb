"""`docs.app`: versions, OpenAPI, pages with their files, and 404 for every path that nobody has."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

import docs.app
from docs.app import lambda_handler
from docs.problem_types import PROBLEM_TYPES
from domain.versions import REGISTRY
from lanner.clock import ManualClock
from lanner.versioning.instants import epoch
from tests.architecture.source_tree import ROOT
from tests.functions.gateway_events import Answer, rest_event


def get(path: str, **options: Any) -> Answer:  # Any: as rest_event
    return Answer(lambda_handler(rest_event(path, **options), None))


def follow(base: str, reference: str) -> Answer:
    """What a browser gets for a reference in the page at `base`, a path with its version or without."""
    path = urlsplit(urljoin(f"https://api.example.com{base}", reference)).path
    found = re.fullmatch(r"/(v[0-9]+)(/.*)", path)
    stage, rest = (found[1], found[2]) if found else ("v2", path)
    return get(rest, stage=stage, full_path=path)


class References(HTMLParser):
    """Every URL in a page, and whether anything in it is script or style of its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        for name, value in attrs:
            if name in ("href", "src", "data-document") and value:
                self.urls.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def test_versions_are_those_of_the_registry() -> None:
    """Every version with status, dates and links, and the default among them."""
    answer = get("/versions")
    assert answer.status == 200
    body = answer.json()
    assert [entry["name"] for entry in body["data"]] == list(REGISTRY.names)
    assert body["default"] == REGISTRY.default.name
    assert all(entry["links"]["openapi"] == f"/{entry['name']}/openapi.json" for entry in body["data"])


@pytest.mark.parametrize(
    ("moment", "status", "offered"),
    [
        ("2026-08-31T23:59:59Z", "active", ["v1", "v2"]),
        ("2026-09-01", "deprecated", ["v1", "v2"]),
        ("2027-07-13T14:00:00Z", "brownout", ["v1", "v2"]),
        ("2027-09-01", "retired", ["v2"]),
    ],
)
def test_what_is_said_of_a_version_follows_the_clock(
    monkeypatch: pytest.MonkeyPatch, moment: str, status: str, offered: list[str]
) -> None:
    """The list and the pages know what the edge does at the same moment."""
    monkeypatch.setattr(docs.app.GROUP, "clock", ManualClock(epoch(moment)))
    assert get("/versions").json()["data"][0]["status"] == status
    page = get("/docs").body.decode()
    assert re.findall(r'href="[^"]*/(v[0-9]+)/docs"', page) == offered


@pytest.mark.parametrize("name", REGISTRY.names)
def test_links_of_versions_lead_somewhere(name: str) -> None:
    """What GET /versions points at is served."""
    entry = next(entry for entry in get("/versions").json()["data"] if entry["name"] == name)
    for link in entry["links"].values():
        assert follow("/", link).status == 200, link


@pytest.mark.parametrize("name", REGISTRY.names)
def test_openapi_is_that_of_the_addressed_version(name: str) -> None:
    """By path, header and query; with a validator, so that asking again is cheap."""
    by_path = get("/openapi.json", stage=name)
    assert by_path.json()["info"]["version"] == name
    by_header = get("/openapi.json", full_path="/openapi.json", headers={"X-API-Version": name})
    by_query = get("/openapi.json", full_path="/openapi.json", query={"version": name})
    assert by_header.body == by_query.body == by_path.body
    again = get("/openapi.json", stage=name, headers={"If-None-Match": by_path.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("base", ["/docs", "/docs/", "/v1/docs", "/v2/docs", "/docs/changes", "/v1/docs/changes"])
def test_every_reference_of_a_page_is_served(base: str) -> None:
    """Files, documents and other pages, wherever the page was addressed."""
    page = follow("", base)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    references = References(page.body.decode())
    assert references.urls
    for url in references.urls:
        assert "//" not in url, f"{url} is on another host"
        assert follow(base, url).status == 200, f"{url} on {base}"


def test_pages_keep_to_their_content_security_policy() -> None:
    """No script or style stands in a page, and the policy allows none."""
    for path in ("/docs", "/docs/changes", "/problems", "/problems/not-found"):
        page = get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not References(page.body.decode()).inline, path


def test_the_reference_reads_its_own_version() -> None:
    """/v1/docs shows v1 and says that it ends; /docs shows the default."""
    old, current = follow("", "/v1/docs"), follow("", "/docs")
    assert b"v1 is deprecated" in old.body
    assert b"deprecated" not in current.body
    document = next(url for url in References(old.body.decode()).urls if url.endswith("openapi.json"))
    assert follow("/v1/docs", document).json()["info"]["version"] == "v1"


def test_files_are_kept_for_ever_under_their_tag() -> None:
    """The tag changes with the contents; an old one gets today's file, not to be kept."""
    url = next(url for url in References(get("/docs").body.decode()).urls if url.endswith("swagger-ui-bundle.js"))
    current = follow("/docs", url)
    assert current.status == 200
    assert "immutable" in current.headers["cache-control"]
    assert len(current.body) > 1_000_000, version("fastapi-swagger")
    packed = Answer(lambda_handler(rest_event(f"/{url[2:]}", headers={"Accept-Encoding": "gzip"}), None))
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(current.body) / 2
    outdated = get("/docs/assets/000000000000/start.js")
    assert (outdated.status, outdated.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["app.py", "..%2fapp.py", "%2e%2e%2fapp.py", "__init__.py", "nothing.js"])
def test_no_other_file_is_served(name: str) -> None:
    """Names come from a list, not from a folder."""
    assert get(f"/docs/assets/000000000000/{name}").status == 404


def test_changes_have_an_anchor_for_each_version() -> None:
    """Deprecation links point at `#v2`; the page says what every change is."""
    page = get("/docs/changes").body.decode()
    for each in REGISTRY:
        assert f'id="{each.name}"' in page
        for change in each.changes:
            assert change.title in page


@pytest.mark.parametrize(
    ("path", "options", "status", "slug"),
    [
        ("/nothing/here", {}, 404, "not-found"),
        ("/users/1/more", {}, 404, "not-found"),
        ("/v9/users", {"full_path": "/v9/users"}, 404, "unsupported-version"),
        ("/versions", {"headers": {"X-API-Version": "9"}, "full_path": "/versions"}, 400, "unsupported-version"),
        ("/versions", {"headers": {"X-API-Version": "1"}}, 400, "ambiguous-version"),
        ("/versions", {"method": "DELETE"}, 405, "method-not-allowed"),
        ("/problems/nothing", {}, 404, "not-found"),
    ],
)
def test_unknown_requests_are_problems(path: str, options: dict[str, Any], status: int, slug: str) -> None:
    """What nobody serves is our problem document, with the versions there are where the version was wrong."""
    answer = get(path, **options)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-api-version"]
    assert {"Accept", "X-API-Version"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    problem = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    if "version" in slug:
        assert problem["supported"] == list(REGISTRY.names)


def test_head_and_options_everywhere() -> None:
    """HEAD is GET without a body; OPTIONS says what there is."""
    head = get("/versions", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    options = get("/versions", method="OPTIONS")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_every_problem_that_is_raised_has_a_page() -> None:
    """A slug in the code without an entry would be a `type` that leads nowhere."""
    pattern = re.compile(r"""slug(?:, title)? ?= ?(?:[0-9]{3}, )?["']([a-z][a-z-]+)["']""")
    classes = re.compile(r"""status, slug, title = [0-9]{3}, ["']([a-z-]+)["']""")
    raised: dict[str, str] = {}
    for folder in ("shared/lanner", "shared/domain", "functions"):
        for file in (ROOT / folder).rglob("*.py"):
            if "local" in file.parts:
                continue
            text = file.read_text("utf-8")
            raised.update(
                {slug: str(file.relative_to(ROOT)) for slug in (*pattern.findall(text), *classes.findall(text))}
            )
    missing = {slug: file for slug, file in raised.items() if slug not in PROBLEM_TYPES}
    assert raised
    assert not missing, f"add these to docs/problem_types.py: {missing}"


@pytest.mark.parametrize("slug", sorted(PROBLEM_TYPES))
def test_every_problem_has_a_page(slug: str) -> None:
    """The `type` of a problem document can be opened."""
    page = get(f"/problems/{slug}")
    assert page.status == 200
    assert f"/problems/{slug}".encode() in page.body
