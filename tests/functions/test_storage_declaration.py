"""The tables of the tests are those of template.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.conftest import CATALOG_DEFINITION, IDEMPOTENCY_DEFINITION, JOBS_DEFINITION, USERS_DEFINITION

TEMPLATE: dict[str, Any] = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("resource", "definition"),
    [
        ("UsersTable", USERS_DEFINITION),
        ("CatalogTable", CATALOG_DEFINITION),
        ("IdempotencyTable", IDEMPOTENCY_DEFINITION),
        ("JobsTable", JOBS_DEFINITION),
    ],
)
def test_tests_use_the_tables_that_are_deployed(resource: str, definition: dict[str, Any]) -> None:
    """Keys and indexes of a test's table are those of the template's."""
    properties = TEMPLATE["Resources"][resource]["Properties"]
    assert {name: properties[name] for name in definition} == definition
    assert "GlobalSecondaryIndexes" in definition or "GlobalSecondaryIndexes" not in properties
