"""Pages of any origin can use the API: preflights are granted, answers and errors can be read."""

from __future__ import annotations

import pytest

from tests.functions.api_client import Client

PAGE = "https://app.example.com"


@pytest.mark.parametrize("path", ["/v1/users", "/v2/users/x", "/v2/catalog/settings"])
def test_a_preflight_grants_what_the_api_has(client: Client, path: str) -> None:
    """Every method and every request header that means something here, for the version's headers too."""
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    answer = client("OPTIONS", path, headers=asking)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")
    granted = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"content-type", "if-match", "if-none-match", "x-api-version", "x-brownout-opt-out"} <= set(granted)
    assert {"idempotency-key", "prefer", "cache-control", "range", "if-range"} <= set(granted)
    assert {"PUT", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))


@pytest.mark.parametrize("path", ["/v1/users", "/v2/users/nobody", "/v2/catalog/settings", "/v2/users?limit=0"])
@pytest.mark.parametrize("headers", [{}, {"Origin": PAGE}])
def test_answers_and_errors_can_be_read_by_a_page(client: Client, path: str, headers: dict[str, str]) -> None:
    """With the headers that tell of versions, tags and limits; also from a cache that no page asked before."""
    answer = client("GET", path, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "Location", "Deprecation", "Sunset", "X-API-Version", "X-API-Warn"} <= set(exposed)
    assert {"Age", "Cache-Status", "Content-Location", "Idempotency-Replayed", "Preference-Applied"} <= set(exposed)
    assert {"Accept-Patch", "Accept-Ranges", "Allow", "Content-Range"} <= set(exposed)
    assert "Origin" not in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
