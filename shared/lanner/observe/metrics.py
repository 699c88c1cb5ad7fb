"""Powertools' Metrics for code in routes and jobs, flushed by the edge when the request ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.observe.correlation import AFTER_REQUEST, current
from lanner.settings import setting

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics

_METRICS: list[Metrics] = []


def metrics() -> Metrics:
    """The service's Powertools Metrics, with the version of the request being served as a dimension.

    Add to it as often as you like: one document is written at the end of the request.
    """
    if not _METRICS:
        from aws_lambda_powertools import Metrics

        made = Metrics(
            namespace=setting("LANNER_METRICS_NAMESPACE", "Lanner"), service=setting("LANNER_SERVICE", "lanner")
        )
        _METRICS.append(made)
        AFTER_REQUEST.append(flush)
    found = _METRICS[0]
    request = current()
    if request is not None:
        found.add_metadata("request_id", request.request_id)
        if request.version is not None:
            found.add_dimension("version", request.version.name)
    return found


def flush() -> None:
    """Write what has been added, and forget it; nothing where nothing was added."""
    for each in _METRICS:
        if each.metric_set:
            each.flush_metrics()
        each.clear_metrics()
