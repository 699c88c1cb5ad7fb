"""The request path against its peers: one `GET` of one user, in one process, in turns; and the import of each.

Ours runs with every step on and writes its request line (to a descriptor that goes nowhere). Every answer is checked
once before anything is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.measure import Bar, cold, in_turns, silent, table, verdicts
from bench.user import ETAG, USER, Context, event

EDGE_304 = "ours: 304 at the edge"
EDGE_410 = "ours: 410 of a retired version"
EDGE_HEALTH = "ours: health"
FULL = "ours: through FastAPI, every step on"
POWERTOOLS = "Powertools resolver"
FASTAPI = "FastAPI + Mangum, async route"
FASTAPI_DEF = "FastAPI + Mangum, def route, CORS + gzip"

PEERS = {
    POWERTOOLS: "bench.peers.powertools",
    "Powertools resolver, validation": "bench.peers.powertools_validation",
    "Starlette + Mangum": "bench.peers.starlette_mangum",
    FASTAPI: "bench.peers.fastapi_async",
    FASTAPI_DEF: "bench.peers.fastapi_def",
    "Flask + apig-wsgi": "bench.peers.flask_wsgi",
    "Chalice": "bench.peers.chalice_app",
}
OURS = "bench.peers.lanner_edge"

BARS = (
    Bar("edge 304 against Powertools' resolver", EDGE_304, POWERTOOLS, 1.0),
    Bar("edge 410 against Powertools' resolver", EDGE_410, POWERTOOLS, 1.0),
    Bar("edge health against Powertools' resolver", EDGE_HEALTH, POWERTOOLS, 1.0),
    Bar("full path against bare FastAPI + Mangum", FULL, FASTAPI, 0.8),
    Bar("full path against FastAPI + Mangum with def, CORS, gzip", FULL, FASTAPI_DEF, 0.25),
)
IMPORT_BARS = (Bar("import of the function's module against FastAPI + Mangum", "users_v2.app", FASTAPI, 0.15),)

Answer = Callable[[], Any]


def _calls() -> dict[str, Answer]:
    context = Context()
    ours: Callable[..., Any] = import_module(OURS).handler
    not_modified = event(**{"If-None-Match": ETAG})
    health, retired, read = event("/health"), event(stage="v1"), event()
    calls: dict[str, Answer] = {
        EDGE_304: lambda: ours(not_modified, context),
        EDGE_410: lambda: ours(retired, context),
        EDGE_HEALTH: lambda: ours(health, context),
        FULL: lambda: ours(read, context),
    }
    for name, module in PEERS.items():
        handler: Callable[..., Any] = import_module(module).handler
        calls[name] = _bound(handler, event(), context)
    return calls


def _bound(handler: Callable[..., Any], sent: Any, context: Context) -> Answer:
    return lambda: handler(sent, context)


def _check(calls: dict[str, Answer]) -> None:
    expected = {EDGE_304: 304, EDGE_410: 410}
    for name, call in calls.items():
        answer = call()
        status = expected.get(name, 200)
        if answer["statusCode"] != status:
            raise RuntimeError(f"{name} answered {answer['statusCode']} and not {status}: {answer}")
        if status == 200 and name != EDGE_HEALTH and json.loads(answer["body"]) != USER:
            raise RuntimeError(f"{name} answered another user: {answer['body']}")


def requests(rounds: int = 80, calls_a_round: int = 40) -> list[str]:
    """The table of one request and its bars, as lines of Markdown."""
    with silent():
        calls = _calls()
        _check(calls)
        values = in_turns(calls, rounds, calls_a_round)
    return [*table("one GET of one user", "CPU us", values, FASTAPI), *verdicts(BARS, values)]


def imports(runs: int = 7) -> list[str]:
    """The table of cold imports and its bar, as lines of Markdown."""
    programs = {"users_v2.app": "import users_v2.app", "health.app": "import health.app"}
    programs |= {name: f"import {module}" for name, module in PEERS.items()}
    values = cold(programs, runs, {"LANNER_USERS_TABLE": "users", "LANNER_CURSOR_KEYS": "bench"})
    return [*table("import in a fresh interpreter", "CPU ms", values, FASTAPI), *verdicts(IMPORT_BARS, values)]
