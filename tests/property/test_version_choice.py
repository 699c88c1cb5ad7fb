"""Properties of choosing a version: whatever a client sends has an answer, and the ways agree."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.versions import REGISTRY
from lanner.clock import ManualClock
from lanner.group import RouteGroup
from lanner.http.events import read
from lanner.http.message import Request, Response
from lanner.versioning.instants import epoch
from lanner.versioning.step import version

Query = list[tuple[str, str]]
NOW = epoch("2026-11-23T04:00:00Z")
MOMENTS = [NOW, epoch("2026-08-01"), epoch("2027-07-13T14:30:00Z"), epoch("2027-09-01"), epoch("2020-01-01")]
FOREIGN = [
    "*/*",
    "application/json",
    "text/html;q=0.9",
    "application/vnd.other.v1+json",
    "a/b;v=b3",
    'x/y;z="a,b"',
    ";",
]

anything = st.text(st.characters(), max_size=12)  # every code point, lone surrogates included
almost = st.sampled_from(
    ["v1", "v2", "V2", "1", "2", "v3", "v0", "v02", "2.0", "", " v1 ", "v1,v2", "v1, 1", "v²", "two", "\x00", "\ud800"]
)
value = almost | anything
ours = st.builds(
    lambda name, suffix, param, q: f"application/vnd.lanner{name}{suffix}{param}{q}",
    st.just("") | almost.map(lambda text: f".{text}"),
    st.sampled_from(["+json", "+xml", "", "+"]),
    st.just("") | value.map(lambda text: f";version={text}") | value.map(lambda text: f';version="{text}"'),
    st.sampled_from(["", ";q=0", ";q=0.5", ";q=1", ";q=x", ";q="]),
)
accepts = st.lists(ours | st.sampled_from(FOREIGN) | anything, max_size=4).map(",".join)
versions = st.sampled_from(list(REGISTRY))


def request(path: str = "/users", headers: dict[str, str] | None = None, query: Query | None = None) -> Request:
    values: dict[str, list[str]] = {}
    for name, text in query or []:
        values.setdefault(name, []).append(text)
    event: dict[str, Any] = {
        "httpMethod": "GET",
        "path": path,
        "requestContext": {"path": path, "stage": "", "requestId": "r"},
        "headers": headers or {},
        "multiValueHeaders": {name: [text] for name, text in (headers or {}).items()},
        "queryStringParameters": {name: each[-1] for name, each in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
    }
    return read(event)


def answer(asked: Request, now: float = NOW) -> Response:
    group = RouteGroup("users", registry=REGISTRY, paths={"/users": "GET"}, clock=ManualClock(now))

    def app(request: Request) -> Response:
        assert request.version is not None
        return Response(200, {"served-by": request.version.name})

    return version(group, app)(asked)


@given(
    path=st.sampled_from(["/users", "/v1/users", "/v9/users", "/v1"]) | value.map(lambda text: f"/v{text}/users"),
    headers=st.fixed_dictionaries(
        {}, optional={"Accept": accepts, "X-API-Version": value, "X-Brownout-Opt-Out": value}
    ),
    query=st.lists(st.tuples(st.sampled_from(["version", "Version", "limit", ""]), value), max_size=3),
    now=st.sampled_from(MOMENTS),
)
def test_any_soup_of_choices_has_an_answer(path: str, headers: dict[str, str], query: Query, now: float) -> None:
    """No header, path or query makes anything but an answer that names a version, varies, and can be sent."""
    response = answer(request(path, headers, query), now)
    assert response.status in (200, 400, 404, 406, 410, 503)
    assert response.headers["x-api-version"] in REGISTRY
    assert response.headers["vary"].startswith("Accept, X-API-Version")
    for text in response.headers.values():
        assert "\n" not in text
        assert "\r" not in text
        assert text.encode("latin-1") is not None


@given(
    chosen=versions,
    spelling=st.sampled_from(["{name}", "{number}", "V{number}"]),
    quality=st.sampled_from(["", ";q=0.1"]),
    form=st.booleans(),
    now=st.sampled_from(MOMENTS),
)
def test_the_ways_agree(chosen: Any, spelling: str, quality: str, form: bool, now: float) -> None:
    """Path, media type, header and query give the same answer for the same version, headers and body alike."""
    text = spelling.format(name=chosen.name, number=chosen.number)
    accept = REGISTRY.media_type(chosen) if form else f"application/vnd.lanner+json;version={text}"
    answers = [
        answer(request(f"/{chosen.name}/users"), now),
        answer(request("/users", {"Accept": accept + quality}), now),
        answer(request("/users", {"X-API-Version": text}), now),
        answer(request("/users", {}, [("version", text)]), now),
    ]
    first = answers[0]
    assert first.headers["x-api-version"] == chosen.name
    for other in answers[1:]:
        assert (other.status, other.headers, other.body) == (first.status, first.headers, first.body)


@given(by=st.lists(st.tuples(st.sampled_from(["path", "accept", "header", "query"]), versions), max_size=6))
def test_two_choices_are_refused_exactly_when_they_differ(by: list[tuple[str, Any]]) -> None:
    """Any number of mentions of one version is that version; two versions are a 400."""
    ways = dict(by)
    headers = {}
    if "accept" in ways:
        headers["Accept"] = REGISTRY.media_type(ways["accept"])
    if "header" in ways:
        headers["X-API-Version"] = ways["header"].number
    path = f"/{ways['path'].name}/users" if "path" in ways else "/users"
    response = answer(request(path, headers, [("version", ways["query"].name)] if "query" in ways else []))
    wanted = set(ways.values()) or {REGISTRY.default}
    if len(wanted) == 1:
        assert (response.status, response.headers["served-by"]) == (200, wanted.pop().name)
    else:
        assert (response.status, "served-by" in response.headers) == (400, False)


@given(ranges=st.lists(ours, max_size=3), foreign=st.lists(st.sampled_from(FOREIGN), max_size=3), data=st.data())
def test_other_media_types_change_nothing(ranges: list[str], foreign: list[str], data: st.DataObject) -> None:
    """Ranges of other types have no say in the version, wherever they stand."""
    mixed = data.draw(st.permutations([*ranges, *foreign]))
    kept = [entry for entry in mixed if entry in ranges]
    alone, together = (answer(request("/users", {"Accept": ",".join(each)})) for each in (kept, mixed))
    assert (alone.status, alone.headers, alone.body) == (together.status, together.headers, together.body)
