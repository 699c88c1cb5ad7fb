"""What a version says about its end, phase by phase."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.http.dates import parse_http_date
from lanner.http.message import Request
from lanner.http.problems import ApiError
from lanner.versioning.instants import epoch
from lanner.versioning.lifecycle import Phase, phase, reference
from lanner.versioning.registry import ApiVersion, VersionRegistry

GUIDE = "/v2/docs/changes#v2"


def at(registry: VersionRegistry, moment: str, name: str = "v1") -> Phase:
    return phase(registry, registry[name], epoch(moment))


def refused(registry: VersionRegistry, moment: str, headers: dict[str, str] | None = None) -> ApiError | None:
    return at(registry, moment).refusal("/users/1", headers or {}, epoch(moment))


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (
            "2026-08-31T23:59:59Z",
            f"Version v1 will be deprecated on 2026-09-01 and retired on 2027-09-01. Use v2 instead: see {GUIDE}.",
        ),
        (
            "2026-09-01",
            "Version v1 is deprecated since 2026-09-01 and will be retired on 2027-09-01. Next brownout: "
            f"2027-07-13T14:00:00Z to 2027-07-13T15:00:00Z. Use v2 instead: see {GUIDE}.",
        ),
        (
            "2027-07-13T14:00:00Z",
            "Version v1 is in a scheduled brownout until 2027-07-13T15:00:00Z, so that its callers notice before it "
            f"is retired on 2027-09-01. Use v2 instead: see {GUIDE}. To go on while you test, send "
            "X-Brownout-Opt-Out: 1.",
        ),
        (
            "2027-08-10T17:00:00Z",
            "Version v1 is deprecated since 2026-09-01 and will be retired on 2027-09-01. "
            f"Use v2 instead: see {GUIDE}.",
        ),
        ("2027-09-01", f"Version v1 was retired on 2027-09-01. Use v2 instead: see {GUIDE}."),
    ],
)
def test_the_warning_is_a_sentence_with_dates_and_the_successor(
    registry: VersionRegistry, moment: str, sentence: str
) -> None:
    """X-API-Warn says what happens when, and where to go, in every phase."""
    assert at(registry, moment).headers["x-api-warn"] == sentence


@pytest.mark.parametrize("moment", ["2024-03-01", "2026-09-01", "2027-07-13T14:00:00Z", "2027-09-01"])
def test_the_dates_are_the_declared_ones_in_every_phase(registry: VersionRegistry, moment: str) -> None:
    """Deprecation is a structured-field Date (RFC 9745), Sunset an HTTP-date (RFC 8594), announced ahead of time."""
    headers = at(registry, moment).headers
    assert headers["deprecation"] == "@1788220800"
    assert headers["sunset"] == "Wed, 01 Sep 2027 00:00:00 GMT"
    assert parse_http_date(headers["sunset"]) == epoch("2027-09-01")


def test_links_lead_to_the_guide_and_to_the_same_resource(registry: VersionRegistry) -> None:
    """Link has the deprecation and sunset pages, the resource in the successor and in the latest, and the history."""
    assert at(registry, "2026-09-01").link("/users/1") == (
        '</v2/users/1>; rel="successor-version", </v3/users/1>; rel="latest-version", '
        f'<{GUIDE}>; rel="deprecation"; type="text/html", <{GUIDE}>; rel="sunset"; type="text/html", '
        '</v3/versions>; rel="version-history"'
    )


def test_a_version_without_sunset_or_guide_says_what_it_can(registry: VersionRegistry) -> None:
    """v2 is deprecated without an end: no Sunset, no made-up links."""
    now = at(registry, "2027-01-01T12:00:00Z", "v2")
    assert now.headers == {
        "deprecation": "@1798804800",
        "x-api-warn": "Version v2 is deprecated since 2027-01-01T12:00:00Z. Use v3 instead.",
    }
    assert "deprecation" not in now.link("/users")
    assert 'rel="successor-version"' in now.link("/users")


def test_a_retired_successor_is_passed_over() -> None:
    """Who comes late is sent to a version that still serves."""
    registry = VersionRegistry(
        (
            ApiVersion("v1", released_at="2020-01-01", deprecated_at="2021-01-01", sunset_at="2022-01-01"),
            ApiVersion("v2", released_at="2021-01-01", deprecated_at="2022-01-01", sunset_at="2023-01-01"),
            ApiVersion("v3", released_at="2022-01-01"),
        ),
        default="v3",
    )
    early = at(registry, "2022-06-01")
    assert early.until == epoch("2023-01-01")
    assert '</v2/users>; rel="successor-version"' in early.link("/users")
    later = at(registry, "2023-01-01")
    assert "Use v3 instead" in later.headers["x-api-warn"]
    assert '</v3/users>; rel="successor-version"' in later.link("/users")
    assert later.extensions["supported"] == ["v3"]


@pytest.mark.parametrize("path", ["/users/1", "/", "/a b/\u00e9", '/"quoted"', "/\ud800"])
@pytest.mark.parametrize("request_id", ["req-1", 'odd "id"', "\ud800"])
def test_the_prepared_410_is_the_refusal(
    registry: VersionRegistry, make_request: Callable[..., Request], path: str, request_id: str
) -> None:
    """What is put together in advance is to the byte what the error would have said."""
    now = at(registry, "2027-09-01")
    request = make_request(path)
    request.request_id = request_id
    prepared = now.answer(request, epoch("2027-09-01"))
    refusal = now.refusal(request.path, request.headers, epoch("2027-09-01"))
    assert prepared is not None
    assert refusal is not None
    said = refusal.response(request)
    assert (prepared.status, prepared.headers, prepared.body) == (said.status, said.headers, said.body)


def test_the_last_version_ends_without_a_successor() -> None:
    """An API that ends altogether links to nothing that is not there."""
    registry = VersionRegistry(
        (ApiVersion("v1", released_at="2020-01-01", deprecated_at="2021-01-01", sunset_at="2022-01-01"),), default="v1"
    )
    now = at(registry, "2022-01-01")
    assert now.link("/users") == '</v1/versions>; rel="version-history"'
    assert now.headers["x-api-warn"] == "Version v1 was retired on 2022-01-01."
    gone = now.refusal("/users", {}, epoch("2022-01-01"))
    assert gone is not None
    assert "successor" not in gone.extensions
    assert gone.extensions["supported"] == []


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/", "</v2/>"),
        ("/users/a%2Fb", "</v2/users/a%2Fb>"),
        ("/a>; rel=evil", "</v2/a%3E;%20rel=evil>"),
        ('/a"b', "</v2/a%22b>"),
        ("/é", "</v2/%C3%A9>"),
        ("/a\r\nset-cookie: x", "</v2/a%0D%0Aset-cookie:%20x>"),
        ("/\ud800", "</v2/?>"),
    ],
)
def test_a_path_cannot_break_out_of_its_link(registry: VersionRegistry, path: str, link: str) -> None:
    """Whatever cannot stand in a URI reference is percent-encoded, line breaks above all."""
    assert at(registry, "2026-09-01").link(path).startswith(f"{link};")
    assert reference(reference(path)) == reference(path)


def test_a_very_long_path_is_not_repeated(registry: VersionRegistry) -> None:
    """The links to resources are left out where they would fill the response's 10,240 bytes of headers."""
    assert "successor-version" not in at(registry, "2026-09-01").link("/" + "x" * 2000)


@pytest.mark.parametrize("moment", ["2024-03-01", "2026-09-01", "2027-07-13T13:59:59Z", "2027-07-13T15:00:00Z"])
def test_outside_brownouts_nothing_is_refused(registry: VersionRegistry, moment: str) -> None:
    """A deprecated version serves."""
    assert refused(registry, moment) is None


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [("2027-07-13T14:00:00Z", "3600"), ("2027-07-13T14:59:59Z", "1"), ("2027-07-13T14:59:59.75Z", "1")],
)
def test_a_brownout_refuses_until_its_end(registry: VersionRegistry, moment: str, seconds: str) -> None:
    """503 with Retry-After at the window's end, rounded up, and a body that says why and how to go on."""
    error = refused(registry, moment)
    assert error is not None
    assert (error.status, error.slug) == (503, "version-brownout")
    assert error.headers == {"retry-after": seconds}
    assert "scheduled brownout" in error.detail
    assert error.extensions == {
        "version": "v1",
        "supported": ["v1", "v2", "v3", "v4"],
        "sunset_at": "2027-09-01T00:00:00Z",
        "migration": GUIDE,
        "window": {"start": "2027-07-13T14:00:00Z", "end": "2027-07-13T15:00:00Z"},
        "next_windows": [{"start": "2027-08-10T09:00:00Z", "end": "2027-08-10T17:00:00Z"}],
        "opt_out": "X-Brownout-Opt-Out: 1",
        "successor": "/v2/users/1",
    }


@pytest.mark.parametrize(
    ("value", "served"),
    [("1", True), ("true", True), ("yes please", True), ("", False), ("0", False), ("False", False), (" no ", False)],
)
def test_testers_opt_out_of_a_brownout(registry: VersionRegistry, value: str, served: bool) -> None:
    """Any truthy X-Brownout-Opt-Out lets a request through."""
    error = refused(registry, "2027-07-13T14:30:00Z", {"x-brownout-opt-out": value})
    assert (error is None) is served


def test_after_the_sunset_there_is_no_opting_out(registry: VersionRegistry) -> None:
    """410 with the guide and the same resource in the successor, whatever the header says."""
    error = refused(registry, "2027-09-01", {"x-brownout-opt-out": "1"})
    assert error is not None
    assert (error.status, error.slug) == (410, "version-retired")
    assert error.extensions == {
        "version": "v1",
        "supported": ["v2", "v3", "v4"],
        "sunset_at": "2027-09-01T00:00:00Z",
        "migration": GUIDE,
        "successor": "/v2/users/1",
    }


def test_phases_meet_without_gap_or_overlap(registry: VersionRegistry) -> None:
    """Walking from boundary to boundary visits every phase once, and each is good for its whole span."""
    version, now = registry["v1"], float("-inf")
    statuses = []
    while now != float("inf"):
        current = phase(registry, version, now)
        assert current.since <= now < current.until
        statuses.append(current.status)
        now = current.until
    assert statuses == [
        "preview", "active", "deprecated", "brownout", "deprecated", "brownout", "deprecated", "retired",
    ]  # fmt: skip
