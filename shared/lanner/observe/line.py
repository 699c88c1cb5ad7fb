"""The one line of a request: an EMF document that is the log record and the metrics at once.

CloudWatch reads the metrics out of the log (Embedded Metric Format specification), so nothing is sent and nothing
waits. It is encoded by orjson in about a microsecond, where Powertools' Logger and Metrics take 150 (FACTS.md).

Metrics, in the namespace `LANNER_METRICS_NAMESPACE` (Lanner): `Requests`, `ClientErrors`, `ServerErrors`,
`ColdStarts` (counts), `Latency` (milliseconds), by (service, version), (service, version, route) and (function,
function_version), the last for the alarms of a canary: two functions of one service count versions of their own. A
deprecated version also counts `DeprecatedRequests` by (version, consumer): who still calls it. Consumers of which there
is no list (the product that a client calls itself, the principals of an authorizer) are limited to `MAX_UNBOUNDED` an
environment, then `ua:other`: a metric's dimension costs money, and a header is anybody's to write.

Never in the line: query, headers, bodies, addresses, the path itself (it holds ids), and messages of exceptions before
`redaction` has been over them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

import orjson

from lanner.http.message import Request
from lanner.observe.correlation import consumer, trace_id

MAX_UNBOUNDED = 50
MAX_SHAPES = 512  # kinds of lines remembered, half a kilobyte each; a group has few routes, statuses and callers

Output = Callable[[bytes], None]
Shape = tuple[str, str, str, str, str, int, bool, str, str, "str | None", bool]
"""Version, function, its version, method, route, status, cold, consumer, version_by, refused, deprecated."""


def to_stdout(line: bytes) -> None:
    """Write one whole line to file descriptor 1, which Lambda ships to CloudWatch."""
    written = os.write(1, line)
    while written < len(line):
        line = line[written:]
        written = os.write(1, line)


def _directives(namespace: str, deprecated: bool) -> orjson.Fragment:
    every: list[dict[str, Any]] = [
        {
            "Namespace": namespace,
            "Dimensions": [["service", "version"], ["service", "version", "route"], ["function", "function_version"]],
            "Metrics": [
                {"Name": "Requests", "Unit": "Count"},
                {"Name": "ClientErrors", "Unit": "Count"},
                {"Name": "ServerErrors", "Unit": "Count"},
                {"Name": "ColdStarts", "Unit": "Count"},
                {"Name": "Latency", "Unit": "Milliseconds"},
            ],
        }
    ]
    if deprecated:
        every.append(
            {
                "Namespace": namespace,
                "Dimensions": [["version", "consumer"]],
                "Metrics": [{"Name": "DeprecatedRequests", "Unit": "Count"}],
            }
        )
    return orjson.Fragment(orjson.dumps(every))


class RequestLine:
    """Writes the lines of one group. `now` gives epoch seconds; `lifecycle` as the group declares it: what outlives
    its version is no reason to count its callers.

    What two requests of a kind have in common (route, version, status, caller, …) is encoded once: `_shapes` keeps it,
    and a line is that and the few members that are each request's own.
    """

    def __init__(
        self,
        service: str,
        namespace: str,
        now: Callable[[], float],
        output: Output = to_stdout,
        *,
        lifecycle: bool = True,
    ) -> None:
        self._service = service
        self._now = now
        self._output = output
        self._plain = _directives(namespace, deprecated=False)
        self._deprecated = _directives(namespace, deprecated=True)
        self._lifecycle = lifecycle
        self._unbounded: set[str] = set()
        self._shapes: dict[Shape, bytes] = {}

    def write(self, request: Request, status: int, cold: bool, error: BaseException | None, cache: str | None) -> None:
        """Write the line of a request that was answered with `status`."""
        duration = perf_counter() - request.started
        now = self._now()
        version, context = request.version, request.context
        deprecated = self._lifecycle and version is not None and version.is_deprecated(now)
        shape: Shape = (
            version.name if version is not None else "none",
            getattr(context, "function_name", None) or "local",
            getattr(context, "function_version", None) or "local",
            request.method,
            request.route or "unmatched",
            status,
            cold,
            consumer(request),
            request.version_by,
            request.state.get("refused"),
            deprecated,
        )
        own: dict[str, Any] = {
            "Latency": int(duration * 1e6) / 1e3,  # a third of what round() takes
            "request_id": request.request_id,
            "trace_id": trace_id(request),
        }
        if cache is not None:
            own["cache"] = cache
        if error is not None:
            from lanner.observe.redaction import describe

            own["error"] = describe(error)
        common = self._shapes.get(shape) or self._encoded(shape)
        # Both are JSON objects: the first without its end, the second without its start.
        self._output(b"".join((common, str(int(now * 1000)).encode(), b"},", orjson.dumps(own)[1:], b"\n")))

    def _encoded(self, shape: Shape) -> bytes:
        """What the lines of a shape have in common, up to the timestamp, which ends it."""
        version, function, function_version, method, route, status, cold, who, version_by, refused, deprecated = shape
        # A brownout's 503 is what was announced; counted as a fault it would fire alarms and roll deployments back.
        failed = status >= 500 and refused is None
        record: dict[str, Any] = {
            "level": "ERROR" if failed else "INFO",
            "service": self._service,
            "version": version,
            "function": function,
            "function_version": function_version,
            "method": method,
            "route": route,
            "status": status,
            "Requests": 1,
            "ClientErrors": 1 if 400 <= status < 500 else 0,
            "ServerErrors": 1 if failed else 0,
            "ColdStarts": 1 if cold else 0,
            "cold_start": cold,
            "consumer": self._bounded(who) if deprecated else who,
            "version_by": version_by,
        }
        if deprecated:
            record["DeprecatedRequests"] = 1
        if refused is not None:
            record["refused"] = refused
        directives = orjson.dumps(self._deprecated if deprecated else self._plain)
        common = b'%b,"_aws":{"CloudWatchMetrics":%b,"Timestamp":' % (orjson.dumps(record)[:-1], directives)
        if len(self._shapes) >= MAX_SHAPES:
            self._shapes.clear()
        self._shapes[shape] = common
        return common

    def _bounded(self, who: str) -> str:
        kind = who.partition(":")[0]
        if kind not in ("ua", "principal") or who in self._unbounded:
            return who
        if len(self._unbounded) >= MAX_UNBOUNDED:
            return f"{kind}:other"
        self._unbounded.add(who)
        return who
