"""CORS policies: which origins they allow, what they grant, and which they refuse to be."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.http.cors import CorsPolicy


@pytest.mark.parametrize(
    ("declared", "origin", "allowed"),
    [
        ("https://app.example.com", "https://app.example.com", True),
        ("https://APP.example.com", "https://app.example.com", True),
        ("https://app.example.com", "http://app.example.com", False),
        ("https://app.example.com", "https://app.example.com:8443", False),
        ("https://app.example.com", "https://app.example.com.evil.com", False),
        ("http://localhost:5173", "http://localhost:5173", True),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://a..example.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com", "https://evil.com/.example.com", False),
        ("https://*.example.com", "https://user@a.example.com", False),
        ("https://*.example.com", "https://evil.com:1.example.com", False),
        ("https://*.example.com", "https://aexample.com", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("https://*.example.com:8443", "https://a.example.com", False),
        ("http://*.localhost", "http://a.localhost", True),
        ("*", "https://anything.example", True),
        ("*", "null", True),
        ("https://app.example.com", "null", False),
        ("https://app.example.com", "", False),
    ],
)
def test_an_origin_is_allowed_or_not(declared: str, origin: str, allowed: bool) -> None:
    """Exact origins, wildcards for whole labels, `null` by `*` alone."""
    assert CorsPolicy([declared]).allows(origin) is allowed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"origins": []}, "empty"),
        ({"origins": "https://a.example"}, "list of strings"),
        ({"origins": ["*"], "credentials": True}, "together with credentials"),
        ({"origins": ["https://a.example"], "headers": ["*"], "credentials": True}, "headers cannot be"),
        ({"origins": ["https://a.example"], "methods": ["*"], "credentials": True}, "methods cannot be"),
        ({"origins": ["https://a.example"], "expose": ["*"], "credentials": True}, "expose cannot be"),
        ({"origins": ["*", "https://a.example"]}, "beside others"),
        ({"origins": ["null"]}, "scheme://host"),
        ({"origins": ["a.example.com"]}, "scheme://host"),
        ({"origins": ["https://a.example.com/"]}, "scheme://host"),
        ({"origins": ["https://a.example.com:port"]}, "scheme://host"),
        ({"origins": ["https://a.*.com"]}, "first labels"),
        ({"origins": ["https://*"]}, "first labels"),
        ({"origins": ["https://*.com"]}, "domain of its own"),
        ({"origins": ["https://a.example"], "headers": ["X Y"]}, "'X Y'"),
        ({"origins": ["https://a.example"], "max_age": -1}, "max_age"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(arguments: dict[str, Any], message: str) -> None:
    """At declaration, and in words that say what would be right."""
    with pytest.raises(ValueError, match=message):
        CorsPolicy(**arguments)


def test_credentials_name_the_origin() -> None:
    """The Fetch standard refuses `*` there."""
    policy = CorsPolicy(["https://a.example"], credentials=True, expose=())
    assert policy.response_headers("https://a.example") == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-credentials": "true",
    }
    assert policy.varies


def test_an_open_policy_does_not_vary() -> None:
    """One answer for everybody can be cached for everybody."""
    policy = CorsPolicy(["*"], expose=["ETag"])
    assert policy.response_headers("https://a.example") == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "ETag",
    }
    assert not policy.varies


def test_a_preflight_grants_what_was_declared() -> None:
    """Methods, headers and for how long; exposed headers belong to actual answers."""
    policy = CorsPolicy(["https://a.example"], methods=["GET", "PUT"], headers=["If-Match"], max_age=60)
    assert policy.preflight_headers("https://a.example") == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "If-Match",
        "access-control-max-age": "60",
    }


def test_headers_can_be_changed_by_their_receiver() -> None:
    """Responses own their headers: changing them changes no policy."""
    policy = CorsPolicy(["*"])
    policy.response_headers("x")["access-control-allow-origin"] = "changed"
    assert policy.response_headers("x")["access-control-allow-origin"] == "*"
