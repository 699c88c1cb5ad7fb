"""The warming plan: what most callers ask for first, rendered after a deployment, after a purge, and on a schedule.

Each step invokes the function that serves it, `LANNER_WARM_<FUNCTION>` (its name and alias). A step whose function is
not named fails by saying so, and the others run.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from domain.rendering.events import render, render_event
from domain.versions import REGISTRY
from lanner.cache.warming import WarmPlan
from lanner.settings import setting

TIMEOUT_MS = 20_000.0
"""For one answer; a cold function that walks all users is slow."""

CATALOG, USERS_V2 = "LANNER_WARM_CATALOG", "LANNER_WARM_USERS_V2"
SETTINGS = (CATALOG, USERS_V2)


def _get(function: str, path: str) -> Any:  # Any: the answer's JSON
    return render(setting(function), render_event(path), timeout_ms=TIMEOUT_MS)


def _in_every_version(path: str) -> int:
    for version in REGISTRY.names:
        _get(CATALOG, f"/{version}{path}")
    return len(REGISTRY.names)


def _translations() -> int:
    """The list of locales, and the texts of each."""
    _in_every_version("/catalog/translations")
    newest = REGISTRY.default.name
    for entry in _get(CATALOG, f"/{newest}/catalog/translations")["data"]:
        _in_every_version(f"/catalog/translations/{entry['locale']}")
    return 1


PLAN = WarmPlan(
    {
        "categories": partial(_in_every_version, "/catalog/categories"),
        "settings": partial(_in_every_version, "/catalog/settings"),
        "translations": _translations,
        "statistics": partial(_get, USERS_V2, "/v2/users/statistics"),
        "first page of users": partial(_get, USERS_V2, "/v2/users"),
    }
)
