"""Answers from memory: ours through the whole edge, the caches that one would use instead, and what a hit saves.

Every peer has its fastest storage, a dictionary in the process, and is asked once before anything is measured, so that
all that is compared are hits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.measure import Bar, in_turns, silent, table, verdicts
from bench.storage import stored_user
from bench.user import ETAG, USER, Context, event

HIT = "ours: hit in memory, every step on"
HIT_304 = "ours: 304 from what is kept"
FULL = "ours: not kept, through FastAPI to DynamoDB"
POWERTOOLS = "Powertools resolver, nothing cached"
PEERS = {
    "hishel (ASGI) under Mangum": "bench.peers.hishel_mangum",
    "fastapi-cache2 under Mangum": "bench.peers.fastapi_cache",
    "cashews' decorator under Mangum": "bench.peers.cashews_route",
}
BEST = "the best of them"

BARS = (
    Bar("hit through the whole edge against Powertools' bare resolver", HIT, POWERTOOLS, 0.7),
    Bar("hit against the full path to FastAPI and DynamoDB", HIT, FULL, 0.1),
    Bar("hit against the best of the peers' hits", HIT, BEST, 0.2),
)

Answer = Callable[[], Any]


def _calls() -> dict[str, Answer]:
    context = Context()
    ours: Callable[..., Any] = import_module("bench.peers.lanner_cache").handler
    powertools: Callable[..., Any] = import_module("bench.peers.powertools").handler
    full: Callable[..., Any] = import_module("bench.peers.lanner_full").handler
    read, conditional, plain, far = event(), event(**{"If-None-Match": ETAG}), event(), event()
    calls: dict[str, Answer] = {
        HIT: lambda: ours(read, context),
        HIT_304: lambda: ours(conditional, context),
        FULL: lambda: full(far, context),
        POWERTOOLS: lambda: powertools(plain, context),
    }
    for name, module in PEERS.items():
        handler: Callable[..., Any] = import_module(module).handler
        calls[name] = _bound(handler, event(), context)
    return calls


def _bound(handler: Callable[..., Any], sent: Any, context: Context) -> Answer:
    return lambda: handler(sent, context)


def _check(calls: dict[str, Answer]) -> None:
    for name, call in calls.items():
        call()
        answer = call()
        if name == HIT_304:
            if answer["statusCode"] != 304:
                raise RuntimeError(f"{name} answered {answer['statusCode']}")
        elif json.loads(answer["body"]) != USER:
            raise RuntimeError(f"{name} answered another user: {answer['body']}")
    if "; hit;" not in calls[HIT]()["headers"]["cache-status"]:
        raise RuntimeError("ours is no hit")


def caching(rounds: int = 80, calls_a_round: int = 40) -> list[str]:
    """The table of hits and its bars, as lines of Markdown."""
    with silent(), stored_user():
        calls = _calls()
        _check(calls)
        values = in_turns(calls, rounds, calls_a_round)
    lines = table("one GET of one user, from memory", "CPU us", values, POWERTOOLS)
    best = min(values[name] for name in PEERS)
    return [*lines, *verdicts(BARS, {**values, BEST: best})]
