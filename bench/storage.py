"""A read of one user from DynamoDB, everything included: the real `users_v2` function against FastAPI + Mangum + boto3.

A server in a process of its own answers with the stored item, so only the client's CPU is measured. Warm: in turns in
one process. Cold: fresh interpreters that import the function and answer one request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from bench.measure import Bar, cold, in_turns, silent, table, verdicts
from bench.user import USER, Context, event
from bench.wire import ENVIRONMENT, server
from lanner.aws import wire

OURS = "ours: users_v2"
PEER = "FastAPI + Mangum + boto3"
MODULES = {OURS: ("users_v2.app", "lambda_handler"), PEER: ("bench.peers.fastapi_boto3", "handler")}
ITEM = {
    "pk": {"S": f"U#{USER['id']}"},
    "shard": {"N": "1"},
    "revision": {"N": "7"},
    **{name: {"S": value} for name, value in USER.items()},
}
WARM = (Bar("read of one user, warm", OURS, PEER, 0.45),)
COLD = (Bar("read of one user, from a cold interpreter", OURS, PEER, 0.5),)


def _environment(url: str) -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "LANNER_USERS_TABLE": "users",
        "LANNER_CURSOR_KEYS": "k" * 32,
    }


def _program(module: str, handler: str) -> str:
    return (
        f"from bench.user import Context, event; from {module} import {handler} as handler\n"
        "answer = handler(event(), Context()); assert answer['statusCode'] == 200, answer"
    )


@contextmanager
def stored_user() -> Iterator[str]:
    """The URL of a DynamoDB that has the one user, and this process's environment pointing at it."""
    with server(json.dumps({"Item": ITEM}).encode()) as url:
        before = dict(os.environ)
        os.environ.update(_environment(url))
        wire.reset()  # another section's server is gone
        try:
            yield url
        finally:  # and the next section's is another one
            os.environ.clear()
            os.environ.update(before)
            wire.reset()


def storage(rounds: int = 60, calls_a_round: int = 20, runs: int = 7) -> list[str]:
    """Both tables and their bars, as lines of Markdown."""
    with stored_user() as url:
        with silent():
            calls = {}
            for name, (module, attribute) in MODULES.items():
                handler = getattr(import_module(module), attribute)
                found = json.loads(handler(event(), Context())["body"])
                if found != USER:
                    raise RuntimeError(f"{name} answered another user: {found}")
                calls[name] = lambda handler=handler: handler(event(), Context())
            warm = in_turns(calls, rounds, calls_a_round)
        programs = {name: _program(*each) for name, each in MODULES.items()}
        first = cold(programs, runs, _environment(url))
    return [
        *table("read of one user from DynamoDB, warm", "CPU us", warm, PEER),
        *verdicts(WARM, warm),
        *table("the same from a cold interpreter", "CPU ms", first, PEER),
        *verdicts(COLD, first),
    ]
