"""Powertools' Tracer (X-Ray) for the whole path, when `LANNER_TRACING` is on, and for code in routes.

Off, it costs nothing: this module is not imported. On, every request is a subsegment annotated with version, route
and status, and calls made through boto3 are patched in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import Handler, Request, Response
from lanner.settings import flag, setting

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

_TRACERS: list[Tracer] = []


def tracer() -> Tracer:
    """The service's Powertools Tracer; it does nothing where tracing is off, so code may always use it."""
    if not _TRACERS:
        from aws_lambda_powertools import Tracer

        on = flag("LANNER_TRACING")
        _TRACERS.append(Tracer(service=setting("LANNER_SERVICE", "lanner"), disabled=not on, auto_patch=on))
    return _TRACERS[0]


def traced(name: str, handler: Handler) -> Handler:
    """`handler` inside a subsegment of its own for every request."""

    def handle(request: Request) -> Response:
        provider = tracer().provider
        with provider.in_subsegment(name=f"## {name}") as subsegment:
            try:
                response = handler(request)
            except Exception as error:
                subsegment.put_annotation("error", type(error).__name__)
                raise
            subsegment.put_annotation("version", request.version.name if request.version is not None else "none")
            subsegment.put_annotation("route", request.route or "unmatched")
            subsegment.put_annotation("status", str(response.status))
            return response

    return handle
