"""The version step in the pipeline: every answer names its version, and what has ended is refused."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from lanner.clock import ManualClock
from lanner.group import RouteGroup
from lanner.http.message import Request, Response
from lanner.http.problems import NotFound
from lanner.versioning.instants import epoch
from lanner.versioning.registry import VersionRegistry
from lanner.versioning.step import version

Serve = Callable[..., Response]
MakeRequest = Callable[..., Request]
LIFECYCLE = ("deprecation", "sunset", "link", "x-api-warn")


def never(request: Request) -> Response:
    raise AssertionError(f"{request} reached the application")


@pytest.mark.parametrize(
    ("path", "headers", "query"),
    [
        ("/v3/users", {}, []),
        ("/users", {}, []),
        ("/users", {}, [("limit", "2")]),
        ("/users", {"Accept": "application/vnd.lanner.v3+json"}, []),
        ("/users", {"X-API-Version": "3"}, []),
        ("/users", {}, [("version", "v3")]),
    ],
)
def test_every_answer_names_its_version_and_varies(
    serve: Serve, path: str, headers: dict[str, str], query: list[tuple[str, str]]
) -> None:
    """Whichever way it was chosen, the answer is the same; a version without an end has nothing more to say."""
    response = serve(path, headers, query)
    assert response.status == 200
    assert response.headers == {
        "content-type": "application/json",
        "x-api-version": "v3",
        "vary": "Accept, X-API-Version",
    }


@pytest.mark.parametrize(
    ("stage", "headers", "served"),
    [
        ("v2", {}, "v2"),
        ("v2", {"X-API-Version": "v3"}, "v3"),
        ("v2", {"Accept": "application/json, application/vnd.lanner+json"}, "v2"),
        ("prod", {}, "v3"),
        ("v9", {}, "v3"),
    ],
)
def test_a_stage_that_is_a_version_is_the_default_of_its_address(
    make_group: Callable[..., RouteGroup],
    make_request: MakeRequest,
    stage: str,
    headers: dict[str, str],
    served: str,
) -> None:
    """A domain mapped to one version's stage serves that version where nothing else is asked for."""
    request = make_request("/users", headers)
    request.stage = stage
    response = version(make_group(), lambda _: Response(200))(request)
    assert (response.headers["x-api-version"], request.version and request.version.name) == (served, served)


def test_vary_is_appended_to_and_never_repeated(serve: Serve) -> None:
    """What the application varies by stays, in its place."""
    response = serve("/users", app=lambda request: Response(304, {"vary": "accept, Origin"}))
    assert response.headers["vary"] == "accept, Origin, X-API-Version"
    assert serve("/v1/users", app=lambda request: Response(304, {"vary": "*"})).headers["vary"] == "*"


def test_the_request_knows_its_version(make_group: Callable[..., RouteGroup], make_request: MakeRequest) -> None:
    """Whatever stands further in sees the version and the way it was chosen."""
    seen: list[tuple[str, str]] = []

    def app(request: Request) -> Response:
        assert request.version is not None
        seen.append((request.version.name, request.version_by))
        return Response(204)

    handle = version(make_group(), app)
    handle(make_request("/v1/users"))
    handle(make_request("/users"))
    handle(make_request("/users", {"X-API-Version": "2"}))
    handle(make_request("/v3/users", {}, [("version", "3")]))
    assert seen == [("v1", "path"), ("v3", "default"), ("v2", "header"), ("v3", "path")]


@pytest.mark.parametrize(
    ("path", "headers", "query", "status"),
    [
        ("/v9/users", {}, [], 404),
        ("/users", {"X-API-Version": "9"}, [], 400),
        ("/users", {}, [("version", "x")], 400),
        ("/users", {"Accept": "application/vnd.lanner.v9+json"}, [], 406),
        ("/v1/users", {"X-API-Version": "2"}, [], 400),
    ],
)
def test_a_failed_choice_is_answered_by_the_default(
    serve: Serve, path: str, headers: dict[str, str], query: list[tuple[str, str]], status: int
) -> None:
    """The error is a problem document that names the default version, varies, and never reaches the application."""
    response = serve(path, headers, query, app=never)
    assert response.status == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-api-version"] == "v3"
    assert response.headers["vary"] == "Accept, X-API-Version"
    assert orjson.loads(response.body)["instance"] == "request-1"


@pytest.mark.parametrize("path", ["/v3/users", "/v1/users"])
def test_errors_from_further_in_are_decorated(serve: Serve, path: str) -> None:
    """An `ApiError` becomes its problem document here, so that it carries the version's headers."""

    def app(request: Request) -> Response:
        raise NotFound("There is no such user", headers={"x-extra": "1"})

    response = serve(path, app=app)
    assert response.status == 404
    assert response.headers["x-api-version"] == path[1:3]
    assert response.headers["vary"] == "Accept, X-API-Version"
    assert response.headers["x-extra"] == "1"
    assert ("deprecation" in response.headers) is (path == "/v1/users")


@pytest.mark.parametrize("name", ["v1", "v3"])
def test_unexpected_errors_pass_with_the_version_set(
    make_group: Callable[..., RouteGroup], make_request: MakeRequest, name: str
) -> None:
    """The step outside makes the 500; it finds the version, and the headers of one that is ending."""

    def app(request: Request) -> Response:
        raise ZeroDivisionError

    request = make_request(f"/{name}/users")
    with pytest.raises(ZeroDivisionError):
        version(make_group(), app)(request)
    assert request.version is not None
    assert request.version.name == name
    left = request.state.get("version_headers", {})
    assert set(LIFECYCLE) <= set(left) if name == "v1" else left == {}


def test_a_deprecated_version_says_so(serve: Serve) -> None:
    """All the headers of a version's end, and the same resource in its successor."""
    response = serve("/v1/users/7")
    assert response.status == 200
    assert response.headers["deprecation"] == "@1788220800"
    assert response.headers["sunset"] == "Wed, 01 Sep 2027 00:00:00 GMT"
    assert response.headers["x-api-warn"].startswith("Version v1 is deprecated since 2026-09-01")
    assert response.headers["link"].startswith('</v2/users/7>; rel="successor-version"')


def test_links_of_the_application_come_first(serve: Serve) -> None:
    """A page's own links are kept."""
    response = serve("/v1/users", app=lambda request: Response(200, {"link": '<?offset=2>; rel="next"'}))
    assert response.headers["link"].startswith('<?offset=2>; rel="next", </v2/users>; rel="successor-version"')


def test_the_successor_link_is_right_however_v1_was_chosen(serve: Serve) -> None:
    """A version chosen by header has no version in its path; the link has one."""
    response = serve("/users/7", {"X-API-Version": "1"})
    assert response.headers["link"].startswith('</v2/users/7>; rel="successor-version"')


def test_the_life_of_v1_as_its_clients_see_it(
    make_group: Callable[..., RouteGroup], make_request: MakeRequest, clock: ManualClock
) -> None:
    """One group, one clock that moves: announced, deprecated, browned out, served again, retired."""
    handle = version(make_group(), lambda request: Response(200))

    def at(moment: str, headers: dict[str, str] | None = None) -> Response:
        clock.set(epoch(moment))
        return handle(make_request("/v1/users", headers))

    assert at("2026-08-31").headers["x-api-warn"].startswith("Version v1 will be deprecated on 2026-09-01")
    assert at("2026-09-01").headers["x-api-warn"].startswith("Version v1 is deprecated since 2026-09-01")
    brownout = at("2027-07-13T14:45:00Z")
    assert (brownout.status, brownout.headers["retry-after"]) == (503, "900")
    assert brownout.headers["vary"] == "Accept, X-API-Version, X-Brownout-Opt-Out"
    assert brownout.headers["cache-control"] == "no-store"
    assert orjson.loads(brownout.body)["opt_out"] == "X-Brownout-Opt-Out: 1"
    opted_out = at("2027-07-13T14:45:00Z", {"X-Brownout-Opt-Out": "testing"})
    assert (opted_out.status, opted_out.headers["vary"]) == (200, "Accept, X-API-Version, X-Brownout-Opt-Out")
    assert at("2027-07-13T15:00:00Z").status == 200
    gone = at("2027-09-01")
    assert gone.status == 410
    assert orjson.loads(gone.body)["migration"] == "/v2/docs/changes#v2"
    assert orjson.loads(gone.body)["successor"] == "/v2/users"
    for response in (brownout, opted_out, gone):
        assert response.headers["x-api-version"] == "v1"
        assert set(LIFECYCLE) <= set(response.headers)
    assert at("2026-08-31").status == 200  # a clock that goes back is believed


@pytest.mark.parametrize("moment", ["2027-07-13T14:45:00Z", "2027-09-01"])
def test_refusals_never_reach_the_application_or_a_sibling(serve: Serve, clock: ManualClock, moment: str) -> None:
    """Brownout and sunset cost an edge answer, also where the version lives elsewhere."""
    clock.set(epoch(moment))
    assert serve("/v1/users", app=never).status in (503, 410)
    assert serve("/v1/users", app=never, versions=("v3",), forward=lambda request, name: never(request)).status >= 410


@pytest.mark.parametrize(
    ("moment", "refused"),
    [("2027-07-13T14:45:00Z", "brownout"), ("2027-09-01", "retired"), ("2027-07-13T15:00:00Z", None)],
)
def test_a_refusal_on_schedule_can_be_told_from_a_fault(
    make_group: Callable[..., RouteGroup],
    make_request: MakeRequest,
    clock: ManualClock,
    moment: str,
    refused: str | None,
) -> None:
    """The request's state names the reason, so that a brownout's 503s are no server errors in metrics and alarms."""
    clock.set(epoch(moment))
    request = make_request("/v1/users")
    version(make_group(), lambda request: Response(200))(request)
    assert request.state.get("refused") == refused


def test_a_group_that_outlives_its_versions_is_not_touched(serve: Serve, clock: ManualClock) -> None:
    """Health and the list of versions answer under a retired version too, without warnings."""
    clock.set(epoch("2027-09-02"))
    response = serve("/v1/users", lifecycle=False)
    assert response.status == 200
    assert response.headers["x-api-version"] == "v1"
    assert not set(LIFECYCLE) & set(response.headers)


def test_a_version_that_lives_elsewhere_is_forwarded_as_it_is(serve: Serve) -> None:
    """The sibling's answer is passed on untouched: it was decorated there."""
    asked: list[str] = []

    def forward(request: Request, name: str) -> Response:
        asked.append(name)
        return Response(200, {"x-api-version": name, "vary": "Accept", "link": "<x>"})

    response = serve("/users", {"X-API-Version": "1"}, app=never, versions=("v3",), forward=forward)
    assert asked == ["v1"]
    assert response.headers == {"x-api-version": "v1", "vary": "Accept", "link": "<x>"}


@pytest.mark.parametrize("forward", [None, lambda request, name: None])
def test_a_version_that_is_nowhere_here_is_a_404(serve: Serve, forward: Callable[..., Response | None] | None) -> None:
    """The error lists what the address serves and where to ask; the version's own headers are on it."""
    response = serve("/users/7", {"X-API-Version": "1"}, app=never, versions=("v2", "v3"), forward=forward)
    document = orjson.loads(response.body)
    assert (response.status, document["type"]) == (404, "/problems/version-not-here")
    assert document["supported"] == ["v2", "v3"]
    assert "ask for /v1/users/7" in document["detail"]
    assert response.headers["x-api-version"] == "v1"
    assert "deprecation" in response.headers


def test_the_clock_is_not_read_for_a_version_without_dates(
    registry: VersionRegistry, make_request: MakeRequest
) -> None:
    """A request for a version that has no end costs no look at the time."""

    class StoppedClock(ManualClock):
        def now(self) -> float:
            raise AssertionError("the clock was read")

    group = RouteGroup("users", registry=registry, paths={"/users": "GET"}, clock=StoppedClock())
    handle = version(group, lambda request: Response(200))
    assert handle(make_request("/v3/users")).status == 200
    assert handle(make_request("/users", {"X-API-Version": "3"})).status == 200
