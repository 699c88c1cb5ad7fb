"""GET /users/statistics through the real handler: numbers over all users, kept for a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.users.edge import _statistics
from lanner.cache import default
from tests.functions.api_client import Client


@pytest.fixture
def fresh(client: Client) -> Iterator[Client]:
    """The API with nothing computed yet."""
    default.close()
    yield client
    default.close()


def test_growth_and_locales_over_all_users(fresh: Client) -> None:
    """Every user counts once, in the month of creation and under the locale as stored."""
    for number, locale in enumerate(("en", "en", "pt-BR", "de")):
        user = {"given_name": "Ana", "email": f"ana{number}@example.com", "locale": locale}
        assert fresh.post("/v2/users", user).status == 201
    answer = fresh.get("/v2/users/statistics")
    assert answer.status == 200
    found = answer.json()
    assert found["total_users"] == 4
    assert found["locales"][0] == {"locale": "en", "users": 2, "share": 0.5}
    assert sum(month["new_users"] for month in found["growth"]) == 4
    assert found["growth"][-1]["total_users"] == 4
    assert answer.headers["cache-control"].startswith("public, max-age=60")


def test_it_is_computed_once(fresh: Client) -> None:
    """The second read shows what the first one computed, until it is made anew."""
    before = fresh.get("/v2/users/statistics").json()
    fresh.post("/v2/users", {"given_name": "Ana", "email": "ana@example.com"})
    assert fresh.get("/users/statistics").json() == before
    _statistics.refresh()
    assert fresh.get("/v2/users/statistics").json()["total_users"] == before["total_users"] + 1


def test_it_is_no_user_and_takes_no_parameters(fresh: Client) -> None:
    """The literal wins over `/users/{id}`; v1 has none; what is unknown is refused."""
    assert fresh("DELETE", "/v2/users/statistics").status == 405
    assert fresh.get("/v1/users/statistics").status == 404
    assert fresh.get("/v2/users/statistics?month=1").status == 400
