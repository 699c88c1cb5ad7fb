"""The registry: what may be declared, and what it answers about versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest

from lanner.versioning.changes import VersionChange
from lanner.versioning.instants import epoch
from lanner.versioning.registry import ApiVersion, Brownout, RegistryError, VersionRegistry


def v(name: str, **more: object) -> ApiVersion:
    return ApiVersion(name, **{"released_at": "2024-01-01", **more})  # type: ignore[arg-type]


def ending(*brownouts: Brownout) -> ApiVersion:
    return v("v1", deprecated_at="2026-01-01", sunset_at="2027-01-01", brownouts=brownouts)


def change(version: str) -> VersionChange:
    return VersionChange(version=version, title="Odd change", description="A sentence.", resources=("users",))


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "no versions": (lambda: VersionRegistry((), "v1"), "at least one"),
    "declared twice": (lambda: VersionRegistry((v("v1"), v("v2"), v("v1")), "v1"), "more than once: v1"),
    "unknown default": (lambda: VersionRegistry((v("v1"),), "v2"), "'v2' is not declared; there are v1"),
    "preview as default": (lambda: VersionRegistry((v("v1", released_at=None),), "v1"), "v1 is a preview"),
    "vendor": (lambda: VersionRegistry((v("v1"),), "v1", vendor="My Vendor"), "'My Vendor' must be"),
    "change elsewhere": (lambda: VersionRegistry((v("v1"), v("v2", changes=[change("v3")])), "v1"), "'Odd change'"),
    "change of the first": (lambda: VersionRegistry((v("v1", changes=[change("v1")]),), "v1"), "v1 is the first"),
    "name without v": (lambda: v("2"), "'2' cannot name"),
    "name with zero": (lambda: v("v02"), "'v02' cannot name"),
    "name of a zero": (lambda: v("v0"), "'v0' cannot name"),
    "capital name": (lambda: v("V2"), "'V2' cannot name"),
    "name with a point": (lambda: v("v2.1"), "'v2.1' cannot name"),
    "name of a superscript": (lambda: v("v²"), "cannot name"),
    "empty name": (lambda: v(""), "'' cannot name"),
    "sunset first": (lambda: v("v1", deprecated_at="2026-02-01", sunset_at="2026-01-01"), "sunset on 2026-01-01"),
    "sunset alone": (lambda: v("v1", sunset_at="2026-01-01"), "declare deprecated_at"),
    "deprecated before release": (lambda: v("v1", deprecated_at="2023-01-01"), "deprecated before it is released"),
    "deprecated preview": (lambda: v("v1", released_at=None, deprecated_at="2023-01-01"), "declare released_at"),
    "no date": (lambda: v("v1", deprecated_at="soon"), "deprecated_at of v1: 'soon'"),
    "naive date": (lambda: v("v1", released_at=datetime(2024, 1, 1)), "released_at of v1"),  # noqa: DTZ001
    "brownout backwards": (lambda: Brownout("2026-02-01", "2026-01-01"), "ends before it starts"),
    "brownout of no length": (lambda: Brownout("2026-02-01", "2026-02-01"), "ends before it starts"),
    "brownout too early": (lambda: ending(Brownout("2025-12-31", "2026-01-02")), "is not within"),
    "brownout too late": (lambda: ending(Brownout("2026-12-31", "2027-01-02")), "is not within"),
    "brownouts overlap": (
        lambda: ending(Brownout("2026-03-01", "2026-03-03"), Brownout("2026-03-02", "2026-03-04")),
        "overlap",
    ),
    "brownout without sunset": (
        lambda: v("v1", deprecated_at="2026-01-01", brownouts=[Brownout("2026-03-01", "2026-03-02")]),
        "deprecated_at and sunset_at",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_contradiction_is_refused_at_declaration(case: str) -> None:
    """Every declaration that cannot be right raises `RegistryError` naming what is wrong."""
    declare, message = WRONG[case]
    with pytest.raises(RegistryError) as caught:
        declare()
    assert message in str(caught.value)


def test_boundaries_touch_without_overlap() -> None:
    """A brownout may fill the whole time from deprecation to sunset, and windows may touch."""
    version = ending(Brownout("2026-07-01", "2027-01-01"), Brownout("2026-01-01", "2026-07-01"))
    assert [window.start for window in version.brownouts] == [epoch("2026-01-01"), epoch("2026-07-01")]


def test_aware_datetimes_are_accepted() -> None:
    """Dates may be datetimes with a zone."""
    assert v("v1", released_at=datetime(2024, 1, 1, tzinfo=UTC)).released_at == epoch("2024-01-01")


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2024-02-29T23:59:59Z", "preview"),
        ("2024-03-01", "active"),
        ("2026-08-31T23:59:59Z", "active"),
        ("2026-09-01", "deprecated"),
        ("2027-07-13T13:59:59Z", "deprecated"),
        ("2027-07-13T14:00:00Z", "brownout"),
        ("2027-07-13T14:59:59Z", "brownout"),
        ("2027-07-13T15:00:00Z", "deprecated"),
        ("2027-08-31T23:59:59Z", "deprecated"),
        ("2027-09-01", "retired"),
        ("2099-01-01", "retired"),
    ],
)
def test_status_follows_the_calendar(registry: VersionRegistry, moment: str, status: str) -> None:
    """Each boundary belongs to the state that begins there."""
    now = epoch(moment)
    version = registry["v1"]
    assert registry.status(version, now) == status
    assert version.is_deprecated(now) is (status in ("deprecated", "brownout", "retired"))
    assert version.is_retired(now) is (status == "retired")
    assert (version in registry.supported(now)) is (status != "retired")


def test_order_is_that_of_declaration(registry: VersionRegistry) -> None:
    """Neighbours, the default and the latest follow the declared order; a preview is nobody's successor."""
    v1, v2, v3, _ = registry
    assert registry.names == ("v1", "v2", "v3", "v4")
    assert (registry.default, registry.latest) == (v3, v3)
    assert [registry.successor(each) for each in registry] == [v2, v3, None, None]
    assert [registry.predecessor(each) for each in registry] == [None, v1, v2, v3]
    assert len(registry) == 4
    assert "v4" in registry
    assert "v5" not in registry


@pytest.mark.parametrize(
    ("text", "name"),
    [("v1", "v1"), ("V1", "v1"), ("1", "v1"), ("v9", None), ("", None), ("01", None), ("v1 ", None), ("v²", None)],
)
def test_spellings(registry: VersionRegistry, text: str, name: str | None) -> None:
    """`v1`, `V1` and `1` mean v1; nothing else does."""
    found = registry.find(text)
    assert (found.name if found else None) == name


def test_get_takes_the_exact_name_only(registry: VersionRegistry) -> None:
    """What stands in a path has one spelling."""
    assert registry.get("v1") is registry["v1"]
    assert registry.get("V1") is None
    assert registry.get("1") is None


def test_the_document_lists_every_version(registry: VersionRegistry) -> None:
    """GET /versions: status, dates in RFC 3339, neighbours, links that begin with the base; all of it JSON."""
    document = registry.document(epoch("2027-07-13T14:30:00Z"), base="https://api.example")
    assert orjson.loads(orjson.dumps(document)) == document
    assert (document["default"], document["latest"]) == ("v3", "v3")
    assert [entry["status"] for entry in document["data"]] == ["brownout", "deprecated", "active", "preview"]
    first, second, _, last = document["data"]
    assert first["deprecated_at"] == "2026-09-01T00:00:00Z"
    assert first["sunset_at"] == "2027-09-01T00:00:00Z"
    assert first["brownouts"][0] == {"start": "2027-07-13T14:00:00Z", "end": "2027-07-13T15:00:00Z"}
    assert (first["predecessor"], first["successor"]) == (None, "v2")
    assert first["links"] == {
        "self": "https://api.example/v3/versions#v1",
        "docs": "https://api.example/v1/docs",
        "openapi": "https://api.example/v1/openapi.json",
        "changelog": "https://api.example/v3/docs/changes",
        "migration": "https://api.example/v2/docs/changes#v2",
    }
    assert second["changes"] == ["Name became title"]
    assert second["media_type"] == "application/vnd.lanner.v2+json"
    assert "migration" not in second["links"]
    assert (last["released_at"], last["sunset_at"]) == (None, None)


def test_representations_name_the_version() -> None:
    """What a debugger or an error shows can be read."""
    assert repr(v("v1")) == "ApiVersion('v1')"
    window = Brownout("2026-03-01", "2026-03-02")
    assert repr(window) == "Brownout('2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z')"
