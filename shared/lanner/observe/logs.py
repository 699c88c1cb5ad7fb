"""Powertools' Logger for code in routes and jobs, with the request's correlation in every record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.observe.correlation import current, trace_id
from lanner.settings import setting

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_LOGGERS: dict[str, Logger] = {}


def logger() -> Logger:
    """The service's Powertools Logger, its keys set to those of the request being served.

    Ask for it where you log, not at module level: `logger().info("exported", extra={"rows": 10})`. The first call in
    an environment imports Powertools (90 ms); the edge never does.
    """
    service = setting("LANNER_SERVICE", "lanner")
    found = _LOGGERS.get(service)
    if found is None:
        from aws_lambda_powertools import Logger

        found = _LOGGERS[service] = Logger(service=service, utc=True, use_rfc3339=True)
    request = current()
    if request is not None:
        found.append_keys(
            request_id=request.request_id,
            trace_id=trace_id(request),
            version=request.version.name if request.version is not None else "none",
            route=request.route,
        )
    return found
