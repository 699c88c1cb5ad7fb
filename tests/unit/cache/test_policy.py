"""What a route declares about caching, and what clients, CDNs and the edge's own cache are told."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.cache.errors import CacheConfigError
from lanner.cache.policy import LONGEST_TTL, TARGET, CachePolicy
from lanner.http.message import Response


@pytest.mark.parametrize(
    ("policy", "client"),
    [
        (CachePolicy(300), "public, max-age=300"),
        (CachePolicy(3600, client_ttl=60), "public, max-age=60, s-maxage=3600"),
        (CachePolicy(3600, client_ttl=0), "public, no-cache"),
        (CachePolicy(60, (), 30, 90), "public, max-age=60, stale-while-revalidate=30, stale-if-error=90"),
        (CachePolicy(5, client_ttl=0, stale_if_error=9, scope="principal"), "private, no-cache"),
        (CachePolicy(5, scope="private"), "private, max-age=5"),
    ],
)
def test_clients_are_told_what_the_policy_says(policy: CachePolicy, client: str) -> None:
    """`Cache-Control` follows from the declaration; a shared cache never hears of a private answer's edge lifetime."""
    response = Response(200)
    policy.mark(response)
    assert response.headers["cache-control"] == policy.cache_control == client


def test_the_edge_is_told_apart() -> None:
    """The targeted field has the edge's own lifetime, and says public because the key has the principal."""
    response = Response(200)
    CachePolicy(5, client_ttl=0, stale_if_error=9, scope="principal").mark(response)
    assert response.headers[TARGET] == "public, max-age=5, stale-if-error=9"


@pytest.mark.parametrize("status", [201, 204, 304, 404, 500])
def test_only_a_200_is_marked(status: int) -> None:
    """Errors and answers to writes keep what they say themselves."""
    response = Response(status)
    CachePolicy(60).mark(response)
    assert response.headers == {}


def test_a_404_is_marked_where_the_policy_remembers_it() -> None:
    """Negative answers have a time of their own, which a problem's no-store does not stand against."""
    response = Response(404, {"cache-control": "no-store"})
    CachePolicy(60, negative_ttl=10).mark(response)
    assert response.headers["cache-control"] == "public, max-age=10"
    assert response.headers[TARGET] == "public, max-age=10"


def test_what_a_route_says_itself_stands() -> None:
    """`no-store` keeps one answer of a cached route out."""
    response = Response(200, {"cache-control": "no-store"})
    CachePolicy(60, vary=("Accept-Language",)).mark(response)
    assert response.headers == {"cache-control": "no-store", "vary": "Accept-Language"}


def test_tags_take_parameters_of_the_path() -> None:
    """Percent-encoded; a long one by its digest, so that it still is a tag; a missing one is a mistake."""
    policy = CachePolicy(60, tags=("users", "user:{id}"))
    assert policy.tags_for({"id": "7"}) == ["users", "user:7"]
    assert policy.tags_for({"id": 'a b/ü,"'}) == ["users", "user:a%20b%2F%C3%BC%2C%22"]
    long = policy.tags_for({"id": "x" * 1000})[1]
    assert len(long) < 64
    assert long != policy.tags_for({"id": "x" * 999})[1]
    with pytest.raises(CacheConfigError, match="'id'"):
        policy.tags_for({})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ttl": -1}, "ttl is a whole number of seconds"),
        ({"ttl": LONGEST_TTL + 1}, "ttl is a whole number of seconds"),
        ({"ttl": 1.5}, "ttl is a whole number of seconds"),
        ({"ttl": True}, "ttl is a whole number of seconds"),
        ({"ttl": 1, "client_ttl": "1"}, "client_ttl is a whole number of seconds"),
        ({"ttl": 1, "stale_if_error": -1}, "stale_if_error is a whole number of seconds"),
        ({"ttl": 1, "scope": "shared"}, "'public' or 'principal'"),
        ({"ttl": 1, "tags": "users"}, "a sequence of names"),
        ({"ttl": 1, "tags": ("a b",)}, "printable ASCII"),
        ({"ttl": 1, "tags": ("user:{id",)}, "braces"),
        ({"ttl": 1, "tags": ("user:id}",)}, "braces"),
        ({"ttl": 1, "tags": ("user:{}",)}, "braces"),
        ({"ttl": 1, "tags": ("user:{0}",)}, "braces"),
        ({"ttl": 1, "tags": ("user:{id!r}",)}, "braces"),
        ({"ttl": 1, "tags": ("user:{id.x}",)}, "braces"),
        ({"ttl": 1, "vary": ("Accept,",)}, "printable ASCII"),
    ],
)
def test_a_declaration_that_cannot_work_fails_at_import(arguments: dict[str, Any], said: str) -> None:
    """The message names the part and what would be right."""
    with pytest.raises(CacheConfigError, match=said):
        CachePolicy(**arguments)


@pytest.mark.parametrize(
    ("policy", "age", "expected"),
    [
        (CachePolicy(3600, client_ttl=60), "0", "public, max-age=60, s-maxage=3600"),
        (CachePolicy(3600, client_ttl=60), "726", "public, max-age=786, s-maxage=3600"),
        (CachePolicy(3600, client_ttl=60), "3590", "public, max-age=3600, s-maxage=3600"),
        (CachePolicy(3600, client_ttl=60), "3600", "public, max-age=60, s-maxage=3600"),
    ],
)
def test_what_a_client_may_keep_counts_from_when_it_gets_it(policy: CachePolicy, age: str, expected: str) -> None:
    """Age is part of `max-age` for clients; the policy's `ttl` bounds both, and what is stale is not made fresh."""
    headers = {"cache-control": policy.cache_control, "age": age}
    assert policy.renews
    policy.renew(headers)
    assert headers["cache-control"] == expected


@pytest.mark.parametrize("said", ["public, max-age=60", "no-store", "private, max-age=60, s-maxage=3600"])
def test_what_a_route_says_itself_is_not_renewed(said: str) -> None:
    """Only the policy's own words are."""
    headers = {"cache-control": said, "age": "7"}
    CachePolicy(3600, client_ttl=60).renew(headers)
    assert headers["cache-control"] == said


@pytest.mark.parametrize(
    "policy", [CachePolicy(60), CachePolicy(60, client_ttl=0), CachePolicy(60, client_ttl=5, scope="principal")]
)
def test_other_policies_renew_nothing(policy: CachePolicy) -> None:
    """Without a lifetime of their own for clients, or for one caller alone."""
    assert not policy.renews
