"""The tables of the tests are those of template.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from lanner.cache.dynamodb import TABLE_DEFINITION as CACHE_DEFINITION
from lanner.cache.dynamodb import TTL_ATTRIBUTE
from tests.conftest import (
    CATALOG_DEFINITION,
    FILES_DEFINITION,
    IDEMPOTENCY_DEFINITION,
    JOBS_DEFINITION,
    USERS_DEFINITION,
)

TEMPLATE: dict[str, Any] = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("resource", "definition"),
    [
        ("UsersTable", USERS_DEFINITION),
        ("CatalogTable", CATALOG_DEFINITION),
        ("CacheTable", CACHE_DEFINITION),
        ("IdempotencyTable", IDEMPOTENCY_DEFINITION),
        ("JobsTable", JOBS_DEFINITION),
        ("FilesTable", FILES_DEFINITION),
    ],
)
def test_tests_use_the_tables_that_are_deployed(resource: str, definition: dict[str, Any]) -> None:
    """Keys and indexes of a test's table are those of the template's."""
    properties = TEMPLATE["Resources"][resource]["Properties"]
    assert {name: properties[name] for name in definition} == definition
    assert "GlobalSecondaryIndexes" in definition or "GlobalSecondaryIndexes" not in properties


def test_the_cache_forgets_by_itself() -> None:
    """The table's TTL attribute is the one that the backend writes."""
    properties = TEMPLATE["Resources"]["CacheTable"]["Properties"]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
