"""A registry with every kind of version, a clock to move, and requests as a REST API sends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.clock import ManualClock
from lanner.group import RouteGroup
from lanner.http.events import read
from lanner.http.message import Handler, Request, Response
from lanner.versioning.changes import VersionChange
from lanner.versioning.instants import epoch
from lanner.versioning.registry import ApiVersion, Brownout, VersionRegistry
from lanner.versioning.step import version

MakeRequest = Callable[..., Request]
Serve = Callable[..., Response]


def rename(old: str, new: str) -> Callable[[dict[str, object]], dict[str, object]]:
    return lambda document: {(new if key == old else key): value for key, value in document.items()}


@pytest.fixture
def registry() -> VersionRegistry:
    """v1 retires in 2027 after two brownouts, v2 is deprecated without an end, v3 the default, v4 a preview."""
    return VersionRegistry(
        (
            ApiVersion(
                "v1",
                released_at="2024-03-01",
                deprecated_at="2026-09-01",
                sunset_at="2027-09-01",
                brownouts=(
                    Brownout("2027-08-10T09:00:00Z", "2027-08-10T17:00:00Z"),
                    Brownout("2027-07-13T14:00:00Z", "2027-07-13T15:00:00Z"),
                ),
                migration="/v2/docs/changes#v2",
            ),
            ApiVersion(
                "v2",
                released_at="2026-03-01",
                deprecated_at="2027-01-01T12:00:00Z",
                changes=(
                    VersionChange(
                        version="v2",
                        title="Name became title",
                        description="`name` is called `title`.",
                        resources=("books",),
                        upgrade=rename("name", "title"),
                        downgrade=rename("title", "name"),
                    ),
                ),
            ),
            ApiVersion(
                "v3",
                released_at="2026-10-01",
                changes=(
                    VersionChange(
                        version="v3",
                        title="Title became heading",
                        description="`title` is called `heading`.",
                        resources=("books",),
                        upgrade=rename("title", "heading"),
                        downgrade=rename("heading", "title"),
                    ),
                    VersionChange(
                        version="v3", title="Lists are sorted", description="By heading.", resources=("books", "films")
                    ),
                ),
            ),
            ApiVersion("v4", released_at=None),
        ),
        default="v3",
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(epoch("2026-11-23T04:00:00Z"))


@pytest.fixture
def make_request() -> MakeRequest:
    """Builds the request of a REST API event: path, headers, query as a list of pairs."""

    def make(
        path: str = "/users", headers: dict[str, str] | None = None, query: list[tuple[str, str]] | None = None
    ) -> Request:
        values: dict[str, list[str]] = {}
        for name, value in query or []:
            values.setdefault(name, []).append(value)
        return read(
            {
                "httpMethod": "GET",
                "path": path,
                "requestContext": {"path": path, "stage": "", "requestId": "request-1"},
                "headers": headers or {},
                "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
                "queryStringParameters": {name: each[-1] for name, each in values.items()} or None,
                "multiValueQueryStringParameters": values or None,
            }
        )

    return make


@pytest.fixture
def make_group(registry: VersionRegistry, clock: ManualClock) -> Callable[..., RouteGroup]:
    """Builds a real route group over `registry` that serves every version, unless told otherwise."""

    def make(**declared: object) -> RouteGroup:
        options: dict[str, object] = {"registry": registry, "paths": {"/users": "GET"}, "clock": clock, **declared}
        return RouteGroup("users", **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def serve(make_group: Callable[..., RouteGroup], make_request: MakeRequest) -> Serve:
    """One request through the version step of a group, to an application that answers 200 or as given."""

    def run(
        path: str = "/users",
        headers: dict[str, str] | None = None,
        query: list[tuple[str, str]] | None = None,
        app: Handler | None = None,
        **declared: object,
    ) -> Response:
        handler = app or (lambda request: Response(200, {"content-type": "application/json"}, b"{}"))
        return version(make_group(**declared), handler)(make_request(path, headers, query))

    return run
