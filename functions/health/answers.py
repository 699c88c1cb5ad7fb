"""Liveness answers for this process alone; readiness asks each dependency, within a budget.

Ready means: what requests need answers as requests need it. So a table is asked for an item (a key that no request
can make, and the only one that this function's policy lets it read), not for its description, which is another
service's limit and says nothing about reads.

States of readiness: 200 when every check is up; 503 `application/problem+json` with the member `checks` otherwise,
where the detail names what is down and never what a driver said (host names, request ids).
"""

from __future__ import annotations

import orjson

from lanner.clock import SystemClock
from lanner.health.checks import Check, run
from lanner.http.message import Request, Response
from lanner.http.problems import Unavailable
from lanner.settings import setting

BUDGET_MS = 250
NO_KEY = {"S": "HEALTH"}  # the policy's dynamodb:LeadingKeys in template.yaml

_LIVE = b'{"status":"OK"}'
_CLOCK = SystemClock()


def live(_request: Request) -> Response:
    """200 as long as this process answers; calls nobody."""
    return Response(200, {"content-type": "application/json", "cache-control": "no-store"}, _LIVE)


def ready(_request: Request) -> Response:
    """200 when every dependency answers within its budget. Raises `Unavailable` naming those that do not."""
    healthy, document = run(CHECKS, _CLOCK)
    if not healthy:
        down = [name for name, result in document["checks"].items() if result["status"] != "OK"]
        raise Unavailable(f"Not ready: {', '.join(down)} did not answer", retry_after=1, checks=document["checks"])
    return Response(200, {"content-type": "application/json", "cache-control": "no-store"}, orjson.dumps(document))


def _users_table(budget_ms: int) -> None:
    _read_nothing(setting("LANNER_USERS_TABLE"), {"pk": NO_KEY}, budget_ms)


def _catalog_table(budget_ms: int) -> None:
    _read_nothing(setting("LANNER_CATALOG_TABLE"), {"pk": NO_KEY, "sk": NO_KEY}, budget_ms)


def _read_nothing(table: str, key: dict[str, dict[str, str]], budget_ms: int) -> None:
    from lanner.aws import wire

    wire.dynamodb().call("GetItem", {"TableName": table, "Key": key}, budget_ms=budget_ms)


CHECKS = (
    Check("users table", _users_table, BUDGET_MS),
    Check("catalog table", _catalog_table, BUDGET_MS),
)
