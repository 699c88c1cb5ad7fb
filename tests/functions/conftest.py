"""A client of the whole API with empty tables."""

from __future__ import annotations

import pytest

from tests.functions.api_client import Client


@pytest.fixture
def client(users_table: str, catalog_table: str) -> Client:
    """The API, storing in empty tables."""
    return Client()
