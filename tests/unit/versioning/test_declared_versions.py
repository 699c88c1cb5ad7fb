"""The versions that this API declares: what the issue promised, and that everything they name exists."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from domain.versions import REGISTRY
from lanner.versioning.changelog import changelog
from lanner.versioning.changes import migrate
from lanner.versioning.instants import epoch

RESOURCES = {"users", "categories", "translations", "settings", "notifications", "files", "reports"}
DAY = 86_400.0
HOUR = 3_600.0
PAGE = Path(__file__).parents[3] / "docs" / "VERSIONS.md"
WRITE = (
    'PYTHONPATH=shared .venv/bin/python -c "from domain.versions import REGISTRY; '
    "from lanner.versioning.changelog import changelog; print(changelog(REGISTRY), end='')\" > docs/VERSIONS.md"
)


def test_v1_ends_as_announced() -> None:
    """v1 is deprecated on 2026-09-01 with its sunset on 2027-09-01; v2 is the default and the latest."""
    v1, v2 = REGISTRY["v1"], REGISTRY["v2"]
    assert (v1.deprecated_at, v1.sunset_at) == (epoch("2026-09-01"), epoch("2027-09-01"))
    assert REGISTRY.names == ("v1", "v2")
    assert (REGISTRY.default, REGISTRY.latest, REGISTRY.successor(v1)) == (v2, v2, v2)
    assert not v2.has_lifecycle


def test_brownouts_grow_over_the_last_eight_weeks() -> None:
    """1 h, 4 h, 8 h and 24 h, on weekdays, within eight weeks of the sunset, beginning at hours of work in UTC."""
    v1 = REGISTRY["v1"]
    assert v1.sunset_at is not None
    assert [window.end - window.start for window in v1.brownouts] == [HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR]
    for window in v1.brownouts:
        assert v1.sunset_at - 56 * DAY <= window.start
        begins = time.gmtime(window.start)
        assert begins.tm_wday < 4  # Monday to Thursday: the longest ends on a weekday too
        assert 8 <= begins.tm_hour <= 16


def test_every_change_has_a_sentence() -> None:
    """A person who reads a change learns what to do: whole sentences about named resources."""
    changes = [change for version in REGISTRY for change in version.changes]
    assert changes
    for change in changes:
        assert change.description.endswith(".")
        assert set(change.resources) <= RESOURCES


USER_V1 = {"id": "1", "name": "Ada Lovelace", "email": "ada@example.com", "created_at": "2026-01-01T00:00:00.000Z"}
TREE_V1 = {"data": [{"id": "1", "name": "Books", "children": [{"id": "2", "name": "New ones", "children": []}]}]}


@pytest.mark.parametrize(
    ("resource", "document", "added"),
    [
        ("users", USER_V1, {"given_name", "family_name", "locale", "updated_at"}),
        ("categories", TREE_V1, {"updated_at"}),
        ("translations", {"locale": "en", "messages": {"a": "b"}}, {"updated_at"}),
        ("settings", {"settings": {"a": 1}}, {"updated_at"}),
    ],
)
def test_documents_go_up_and_come_back(resource: str, document: dict[str, object], added: set[str]) -> None:
    """The declared functions exist, add what v2 has, and give v1 back what v1 wrote."""
    up = migrate(REGISTRY, document, resource, "v1", "v2")
    assert set(up) - set(document) == added
    assert migrate(REGISTRY, up, resource, "v2", "v1") == document


def test_the_page_for_people_is_current() -> None:
    """docs/VERSIONS.md is what the registry says, to the letter."""
    assert PAGE.read_text() == changelog(REGISTRY), f"docs/VERSIONS.md is out of date; run: {WRITE}"
