"""A small API of two versions whose routes live in modules made for the test."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from lanner.group import RouteGroup
from lanner.versioning.registry import ApiVersion, VersionRegistry
from tests.builders import Context

REGISTRY = VersionRegistry(
    (ApiVersion("v1", released_at="2024-01-01T00:00:00Z"), ApiVersion("v2", released_at="2025-01-01T00:00:00Z")),
    default="v2",
)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes an importable module of the given attributes and gives its name."""

    def make(name: str, **attributes: Any) -> str:
        made = types.ModuleType(name)
        for key, value in attributes.items():
            setattr(made, key, value)
        monkeypatch.setitem(sys.modules, name, made)
        return name

    return make


class Api:
    """A group's handler, called with events, its lines captured."""

    def __init__(self, group: RouteGroup) -> None:
        self.group = group
        self.handler = group.handler()

    def __call__(self, event: Any) -> tuple[int, dict[str, str], Any]:
        answer = self.handler(event, Context())
        body = answer["body"]
        is_json = "json" in answer["headers"].get("content-type", "")
        return answer["statusCode"], answer["headers"], orjson.loads(body) if is_json and body else body


@pytest.fixture
def api() -> Callable[..., Api]:
    """Makes a group called `things` and its handler."""

    def make(**declaration: Any) -> Api:
        declaration.setdefault("registry", REGISTRY)
        return Api(RouteGroup("things", **declaration))

    return make


@pytest.fixture
def lines(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[[], list[dict[str, Any]]]:
    """The request lines written since the last call."""

    def read() -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines() if line.startswith(b"{")]

    return read
