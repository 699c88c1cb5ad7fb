"""How a request chooses a version: four ways, one error model."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from lanner.clock import ManualClock
from lanner.http.message import Request
from lanner.http.problems import ApiError
from lanner.versioning.instants import epoch
from lanner.versioning.readers import choose
from lanner.versioning.registry import VersionRegistry

MakeRequest = Callable[..., Request]
VENDOR = "application/vnd.lanner"


@pytest.fixture
def chosen(registry: VersionRegistry, clock: ManualClock, make_request: MakeRequest) -> Callable[..., tuple[str, str]]:
    def run(*args: object, **options: object) -> tuple[str, str]:
        version, by = choose(make_request(*args, **options), registry, clock.now)
        return version.name, by

    return run


Chosen = Callable[..., tuple[str, str]]


@pytest.mark.parametrize(
    ("path", "headers", "query", "expected"),
    [
        ("/v1/users", {}, [], ("v1", "path")),
        ("/users", {"Accept": f"{VENDOR}.v1+json"}, [], ("v1", "media_type")),
        ("/users", {"X-API-Version": "v1"}, [], ("v1", "header")),
        ("/users", {"X-API-Version": "1"}, [], ("v1", "header")),
        ("/users", {"X-API-Version": "V1"}, [], ("v1", "header")),
        ("/users", {"X-API-Version": " v1 , 1"}, [], ("v1", "header")),
        ("/users", {}, [("version", "v1")], ("v1", "query")),
        ("/users", {}, [("version", "1")], ("v1", "query")),
        ("/users", {}, [("version", "1"), ("version", "v1")], ("v1", "query")),
        ("/users", {}, [], ("v3", "default")),
        ("/users", {}, [("limit", "20")], ("v3", "default")),
        ("/users", {}, [("Version", "1")], ("v3", "default")),
        ("/versions/x", {}, [], ("v3", "default")),
        ("/v4/users", {}, [], ("v4", "path")),
        ("/v1/users", {"X-API-Version": "v1", "Accept": f"{VENDOR}.v1+json"}, [("version", "1")], ("v1", "path")),
    ],
)
def test_each_way_chooses(
    chosen: Chosen, path: str, headers: dict[str, str], query: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    """A version is found wherever it is named, the same twice is fine, and nothing named is the default."""
    assert chosen(path, headers, query) == expected


@pytest.mark.parametrize(
    "accept",
    [
        f"{VENDOR}.v1+json",
        f"{VENDOR}.V1+json",
        "Application/VND.Lanner.v1+JSON",
        f"{VENDOR}.v1",
        f"{VENDOR}+json; version=1",
        f"{VENDOR}+json;version=v1",
        f'{VENDOR}+json; version="1"',
        f"{VENDOR}+json; Version=1",
        f"{VENDOR}.v1+json; version=1",
        f"{VENDOR}.v1+json, application/json;q=0.9, */*;q=0.1",
        f"{VENDOR}.v1+json, {VENDOR}.v2+json;q=0.5",
        f"{VENDOR}.v2+json;q=0.5, {VENDOR}.v1+json;q=0.8",
        f"{VENDOR}.v2+json;q=0, {VENDOR}.v1+json",
        f"{VENDOR}.v99+json, {VENDOR}.v1+json;q=0.1",
        f"{VENDOR}+json, {VENDOR}.v1+json;q=0.1",
        f"application/signed-exchange;v=b3, {VENDOR}.v1+json",
        f"application/vnd.lanners.v2+json, {VENDOR}.v1+json",
        f"application/vnd.github.v3+json, {VENDOR}.v1+json",
        f'application/json;profile="a,{VENDOR}.v2+json", {VENDOR}.v1+json',
    ],
)
def test_media_types_that_ask_for_v1(chosen: Chosen, accept: str) -> None:
    """Both forms, any case, the best by quality among those that we have; other vendors' types do not count."""
    assert chosen("/users", {"Accept": accept}) == ("v1", "media_type")


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/json",
        "image/png",
        f"{VENDOR}+json",
        f"{VENDOR}.v1+json;q=0",
        f"{VENDOR}.v99+json;q=0.000",
        "application/vnd.lannerette.v1+json",
        "text/vnd.lanner.v1+json",
        "application/signed-exchange;v=b3;q=0.7, application/vnd.ms-excel;version=1",
        "application/json;version=1",
    ],
)
def test_media_types_that_say_nothing(chosen: Chosen, accept: str) -> None:
    """What is not our vendor type with a version leaves the default."""
    assert chosen("/users", {"Accept": accept}) == ("v3", "default")


def test_equal_qualities_choose_the_newer(chosen: Chosen) -> None:
    """The order in Accept means nothing (RFC 9110 section 12.5.1), so the newer version decides."""
    assert chosen("/users", {"Accept": f"{VENDOR}.v2+json, {VENDOR}.v1+json"}) == ("v2", "media_type")
    assert chosen("/users", {"Accept": f"{VENDOR}.v1+json, {VENDOR}.v2+json"}) == ("v2", "media_type")


def test_a_retired_version_yields_to_one_that_serves(chosen: Chosen, clock: ManualClock) -> None:
    """A client that also takes v2 gets v2 once v1 is gone, and v1 alone still means v1."""
    clock.set(epoch("2027-09-01"))
    assert chosen("/users", {"Accept": f"{VENDOR}.v1+json, {VENDOR}.v2+json;q=0.1"}) == ("v2", "media_type")
    assert chosen("/users", {"Accept": f"{VENDOR}.v1+json"}) == ("v1", "media_type")


@pytest.mark.parametrize(
    ("path", "headers", "query", "status", "slug", "named"),
    [
        ("/v9/users", {}, [], 404, "unsupported-version", "'v9' in the path"),
        ("/V1/users", {}, [], 404, "unsupported-version", "'V1' in the path"),
        ("/v01/users", {}, [], 404, "invalid-version", "'v01' in the path"),
        ("/v0/users", {}, [], 404, "invalid-version", "'v0' in the path"),
        ("/users", {"X-API-Version": "v9"}, [], 400, "unsupported-version", "'v9' in the header"),
        ("/users", {"X-API-Version": "9"}, [], 400, "unsupported-version", "'9' in the header"),
        ("/users", {"X-API-Version": "two"}, [], 400, "invalid-version", "'two' in the header"),
        ("/users", {"X-API-Version": "2.0"}, [], 400, "invalid-version", "'2.0' in the header"),
        ("/users", {"X-API-Version": "²"}, [], 400, "invalid-version", r"'\xb2' in the header"),
        ("/users", {"X-API-Version": ""}, [], 400, "invalid-version", "in the header X-API-Version is empty"),
        ("/users", {"X-API-Version": "v1,"}, [], 400, "invalid-version", "is empty"),
        ("/users", {"X-API-Version": "v" + "9" * 99}, [], 400, "unsupported-version", "999...' in the header"),
        ("/users", {}, [("version", "9")], 400, "unsupported-version", "'9' in the query"),
        ("/users", {}, [("version", "")], 400, "invalid-version", "in the query parameter version is empty"),
        ("/users", {}, [("version", "1"), ("version", "x")], 400, "invalid-version", "'x' in the query"),
        ("/users", {"Accept": f"{VENDOR}.v9+json"}, [], 406, "unsupported-version", "'v9' in the header Accept"),
        ("/users", {"Accept": f"{VENDOR}.v9+json, */*"}, [], 406, "unsupported-version", "'v9'"),
        ("/users", {"Accept": f"{VENDOR}+json;version=9"}, [], 406, "unsupported-version", "'9'"),
        ("/users", {"Accept": f'{VENDOR}+json;version=""'}, [], 406, "invalid-version", "is empty"),
        ("/users", {"Accept": f"{VENDOR}.v1+xml"}, [], 406, "invalid-version", "'application/vnd.lanner.v1+xml'"),
        ("/users", {"Accept": f"{VENDOR}.users.v1+json"}, [], 406, "invalid-version", "vnd.lanner.users.v1+json'"),
        ("/users", {"Accept": f"{VENDOR}.vx+json"}, [], 406, "invalid-version", "'vx'"),
        ("/users", {"X-API-Version": "v1, v2"}, [], 400, "ambiguous-version", "v1 and v2 in the header"),
        ("/users", {}, [("version", "1"), ("version", "2")], 400, "ambiguous-version", "v1 and v2 in the query"),
        ("/users", {"Accept": f"{VENDOR}.v1+json;version=2"}, [], 400, "ambiguous-version", "one media range"),
        ("/v1/users", {"X-API-Version": "2"}, [], 400, "ambiguous-version", "the path asks for v1, the header X-API"),
        ("/v1/users", {}, [("version", "2")], 400, "ambiguous-version", "the query parameter version for v2"),
        ("/v1/users", {"Accept": f"{VENDOR}.v2+json"}, [], 400, "ambiguous-version", "the header Accept for v2"),
        ("/users", {"X-API-Version": "1"}, [("version", "2")], 400, "ambiguous-version", "for v2"),
        ("/v9/users", {"X-API-Version": "1"}, [], 404, "unsupported-version", "in the path"),
    ],
)
def test_errors_say_what_was_wrong_and_what_is_right(
    chosen: Chosen,
    make_request: MakeRequest,
    path: str,
    headers: dict[str, str],
    query: list[tuple[str, str]],
    status: int,
    slug: str,
    named: str,
) -> None:
    """Each way has its status, each kind its slug; all list the supported versions, for people and for programs."""
    with pytest.raises(ApiError) as caught:
        chosen(path, headers, query)
    document = orjson.loads(caught.value.response(make_request(path)).body)
    assert (document["status"], document["type"]) == (status, f"/problems/{slug}")
    assert named in document["detail"]
    assert "v1, v2, v3, v4" in document["detail"]
    assert document["supported"] == ["v1", "v2", "v3", "v4"]


@pytest.mark.parametrize(
    ("headers", "query", "pointer"),
    [
        ({"X-API-Version": "x"}, [], "header X-API-Version"),
        ({}, [("version", "x")], "?version"),
        ({"Accept": f"{VENDOR}.vx+json"}, [], "header Accept"),
    ],
)
def test_errors_point_at_the_input(
    chosen: Chosen, headers: dict[str, str], query: list[tuple[str, str]], pointer: str
) -> None:
    """`errors` has one entry that names the header or parameter."""
    with pytest.raises(ApiError) as caught:
        chosen("/users", headers, query)
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


def test_a_retired_version_is_no_longer_listed(chosen: Chosen, clock: ManualClock) -> None:
    """After its sunset a version is not among the supported ones of an error."""
    clock.set(epoch("2027-09-01"))
    with pytest.raises(ApiError) as caught:
        chosen("/users", {"X-API-Version": "9"})
    assert caught.value.extensions["supported"] == ["v2", "v3", "v4"]
