"""Paths are split before they are decoded, and matched without regular expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.http.paths import PathTable, split_version, without_base, without_stage
from lanner.http.problems import BadRequest

TABLE = PathTable(
    {
        "/users": "GET POST",
        "/users/{id}": "GET PUT",
        "/users/me": "GET",
        "/files/{name+}": "GET",
        "/files/{name}/meta": "GET",
        "/": "GET",
    }
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/users", ("/users", {})),
        ("/users/", ("/users", {})),
        ("/users/1", ("/users/{id}", {"id": "1"})),
        ("/users/me", ("/users/me", {})),
        ("/users/a%2Fb", ("/users/{id}", {"id": "a/b"})),
        ("/users/..%2f..%2fetc", ("/users/{id}", {"id": "../../etc"})),
        ("/files/a/b/c", ("/files/{name+}", {"name": "a/b/c"})),
        ("/files/a/meta", ("/files/{name}/meta", {"name": "a"})),
        ("/", ("/", {})),
        ("/users//", None),
        ("/users/1/x", None),
        ("/Users", None),
        ("/nothing", None),
    ],
)
def test_paths_match_templates(path: str, expected: object) -> None:
    """Literals before parameters, a parameter is exactly one segment, one trailing slash does not matter."""
    assert TABLE.match(path) == expected


def test_a_segment_that_is_not_utf8_is_the_clients_error() -> None:
    """Bytes that are no text are a 400 and not a guess."""
    with pytest.raises(BadRequest, match="UTF-8"):
        TABLE.match("/users/%ff")


def test_methods_are_completed() -> None:
    """HEAD follows GET, OPTIONS is always there, and Allow is in a stable order."""
    assert TABLE.allow["/users"] == "GET, HEAD, OPTIONS, POST"
    assert TABLE.methods["/users/{id}"] == {"GET", "HEAD", "OPTIONS", "PUT"}


@pytest.mark.parametrize(
    ("template", "methods", "message"),
    [("users", "GET", "slash"), ("/u/{id}x", "GET", "whole segment"), ("/u", "get", "upper case"), ("/u", "", "name")],
)
def test_a_template_that_cannot_work_is_refused(template: str, methods: str, message: str) -> None:
    """The declaration fails at import and says what would be right."""
    with pytest.raises(ValueError, match=message):
        PathTable({template: methods})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/users", ("v2", "/users")),
        ("/v10", ("v10", "/")),
        ("/V1/users", ("V1", "/users")),
        ("/vendors/1", (None, "/vendors/1")),
        ("/v/users", (None, "/v/users")),
        ("/v٢/users", (None, "/v٢/users")),
        ("/", (None, "/")),
        ("", (None, "")),
    ],
)
def test_versions_are_split_off(path: str, expected: object) -> None:
    """Only a first segment of `v` and ASCII digits is a version; `/v1` does not eat into `/v10`."""
    assert split_version(path) == expected


@given(st.text(max_size=40), st.text(max_size=8))
def test_taking_off_prefixes_never_invents_anything(path: str, prefix: str) -> None:
    """What remains of a path is always its own end, or the root."""
    for taken in (without_stage("/" + path, prefix), without_base("/" + path, "/" + prefix)):
        assert taken == "/" or ("/" + path).endswith(taken)


@given(st.text(alphabet="abv12/%{}+.", max_size=30))
def test_matching_never_fails_in_another_way(path: str) -> None:
    """Any path is a match, no match, or a client's error."""
    try:
        found = TABLE.match("/" + path)
    except BadRequest:
        return
    assert found is None or found[0] in TABLE.methods
