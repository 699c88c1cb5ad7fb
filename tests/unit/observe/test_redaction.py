"""Messages of exceptions lose what belongs to somebody before they are logged."""

from __future__ import annotations

import pytest

from lanner.observe.redaction import MAX_MESSAGE, describe, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("no user ada.lovelace+x@mail.example.org", "ada.lovelace"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJIUzI1NiJ9"),
        ("header was Bearer abc123.def", "abc123.def"),
        ("key AKIAIOSFODNN7EXAMPLE refused", "AKIAIOSFODNN7EXAMPLE"),
        ("password=hunter2, next", "hunter2"),
        ('{"api_key": "sk-live-1"}', "sk-live-1"),
        ("signed with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYXX", "wJalrXUtnFEMI"),
        ("from 198.51.100.4 refused", "198.51.100.4"),
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str, secret: str) -> None:
    """The kind stays, the value goes."""
    assert secret not in redact(text)
    assert "[" in redact(text)


def test_what_is_no_secret_stays() -> None:
    """A message is still worth reading afterwards."""
    text = "GET /users/{id}: 3 of 10 items, table users-dev, revision 7"
    assert redact(text) == text
    assert len(redact("ab " * 1000)) == MAX_MESSAGE + 1


def test_an_exception_is_described_with_its_cause() -> None:
    """Type, message, frames, and the same of what caused it."""
    try:
        try:
            int("x")
        except ValueError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError as error:
        found = describe(error)
    assert found["type"] == "builtins.RuntimeError"
    assert found["cause"]["type"] == "builtins.ValueError"
    assert found["stack"][-1].endswith("test_an_exception_is_described_with_its_cause")
