"""Differences between versions as data: migrating documents, and the page for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.versioning.changelog import changelog
from lanner.versioning.changes import VersionChange, migrate, path
from lanner.versioning.registry import RegistryError, VersionRegistry


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "upgraded": True}


def downgraded(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "upgraded"}


def declare(**more: Any) -> VersionChange:
    return VersionChange(**{"version": "v2", "title": "T", "description": "D.", "resources": ("users",), **more})


@pytest.mark.parametrize(
    ("from_", "to", "before", "after"),
    [
        ("v1", "v2", "name", "title"),
        ("v1", "v3", "name", "heading"),
        ("v2", "v3", "title", "heading"),
        ("v3", "v2", "heading", "title"),
        ("v3", "v1", "heading", "name"),
        ("v1", "v4", "name", "heading"),
        ("v2", "v2", "title", "title"),
    ],
)
def test_documents_migrate_through_every_version_between(
    registry: VersionRegistry, from_: str, to: str, before: str, after: str
) -> None:
    """Up through each change in order, down through them in reverse; the given document stays as it was."""
    document = {before: "Dune", "id": "1"}
    assert migrate(registry, document, "books", from_, to) == {after: "Dune", "id": "1"}
    assert document == {before: "Dune", "id": "1"}


def test_other_resources_are_left_alone(registry: VersionRegistry) -> None:
    """A change applies to the resources that it names."""
    assert migrate(registry, {"name": "Alien"}, "films", "v1", "v3") == {"name": "Alien"}
    assert [change.title for change, _ in path(registry, "films", "v1", "v3")] == ["Lists are sorted"]


def test_the_way_down_is_the_way_up_reversed(registry: VersionRegistry) -> None:
    """The same changes, in the opposite order and direction."""
    up, down = path(registry, "books", "v1", "v3"), path(registry, "books", "v3", "v1")
    assert [change for change, _ in up] == [change for change, _ in reversed(down)]
    assert {direction for _, direction in up} == {True}
    assert {direction for _, direction in down} == {False}


def test_an_unknown_version_is_named(registry: VersionRegistry) -> None:
    """Migrating to a version that does not exist says which do."""
    with pytest.raises(LookupError, match="no version 'v9': the registry has v1, v2, v3, v4"):
        migrate(registry, {}, "books", "v1", "v9")


def test_functions_may_be_named_and_are_found_on_first_use() -> None:
    """A name costs no import until a document migrates."""
    change = declare(upgrade="copy:copy", downgrade="copy:deepcopy")
    assert change.migrates
    document = {"a": 1}
    assert change.upgrade(document) == document
    assert change.upgrade(document) is not document
    assert change.downgrade(document) == document


def test_functions_may_be_given() -> None:
    """Callables are used as they are, and no functions leave the document as it is."""
    change = declare(upgrade=upgraded, downgrade=downgraded)
    assert change.downgrade(change.upgrade({"a": 1})) == {"a": 1}
    document = {"a": 1}
    assert declare().upgrade(document) is document
    assert declare().downgrade(document) is document
    assert not declare().migrates


@pytest.mark.parametrize("target", ["lanner.nowhere:function", "copy:nothing"])
def test_a_name_that_leads_nowhere_is_an_error_on_use(target: str) -> None:
    """The error repeats the name."""
    change = declare(upgrade=target, downgrade=target)
    with pytest.raises(LookupError, match=target):
        change.upgrade({})


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "half a pair": (lambda: declare(upgrade=upgraded), "give both, or neither"),
    "other half": (lambda: declare(downgrade=downgraded), "give both, or neither"),
    "no colon": (lambda: declare(upgrade="copy.copy", downgrade="copy:copy"), "'copy.copy' of 'T'"),
    "no title": (lambda: declare(title=""), "needs title"),
    "no description": (lambda: declare(description=""), "needs title, description"),
    "no resources": (lambda: declare(resources=()), "and resources"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_incomplete_change_is_refused(case: str) -> None:
    """A declaration that could not be applied or read raises `RegistryError`."""
    make, message = WRONG[case]
    with pytest.raises(RegistryError) as caught:
        make()
    assert message in str(caught.value)


def test_one_resource_may_be_a_string() -> None:
    """`resources="users"` is not five one-letter resources."""
    assert declare(resources="users").resources == ("users",)


def test_the_page_lists_versions_changes_and_brownouts(registry: VersionRegistry) -> None:
    """Everything declared is on the page, the newest version first, each under its own anchor."""
    page = changelog(registry)
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## v4", "## v3", "## v2", "## v1"]
    assert "| v1 | 2024-03-01 | 2026-09-01 | 2027-09-01 | v2 |" in page
    assert "| v4 | preview |  |  |  |" in page
    assert "- **Name became title** (books). `name` is called `title`." in page
    assert "- **Lists are sorted** (books, films). By heading." in page
    assert "- 2027-07-13T14:00:00Z to 2027-07-13T15:00:00Z" in page
    assert "Answers 410 from 2027-09-01 (UTC) on." in page
    assert page.endswith("\n")
    assert "\n\n\n" not in page
