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

Output = Callable[[bytes], None]


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
    its version is no reason to count its callers."""

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

    def write(self, request: Request, status: int, cold: bool, error: BaseException | None, cache: str | None) -> None:
        """Write the line of a request that was answered with `status`."""
        duration = perf_counter() - request.started
        now = self._now()
        version = request.version
        who = consumer(request)
        # A brownout's 503 is what was announced; counted as a fault it would fire alarms and roll deployments back.
        refused = request.state.get("refused")
        failed = status >= 500 and refused is None
        record: dict[str, Any] = {
            "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": self._plain},
            "level": "ERROR" if failed else "INFO",
            "service": self._service,
            "version": version.name if version is not None else "none",
            "function": getattr(request.context, "function_name", None) or "local",
            "function_version": getattr(request.context, "function_version", None) or "local",
            "method": request.method,
            "route": request.route or "unmatched",
            "status": status,
            "Latency": round(duration * 1000, 3),
            "Requests": 1,
            "ClientErrors": 1 if 400 <= status < 500 else 0,
            "ServerErrors": 1 if failed else 0,
            "ColdStarts": 1 if cold else 0,
            "cold_start": cold,
            "consumer": who,
            "request_id": request.request_id,
            "trace_id": trace_id(request),
            "version_by": request.version_by,
        }
        if self._lifecycle and version is not None and version.is_deprecated(now):
            record["_aws"]["CloudWatchMetrics"] = self._deprecated
            record["consumer"] = self._bounded(who)
            record["DeprecatedRequests"] = 1
        if refused is not None:
            record["refused"] = refused
        if cache is not None:
            record["cache"] = cache
        if error is not None:
            from lanner.observe.redaction import describe

            record["error"] = describe(error)
        self._output(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def _bounded(self, who: str) -> str:
        kind = who.partition(":")[0]
        if kind not in ("ua", "principal") or who in self._unbounded:
            return who
        if len(self._unbounded) >= MAX_UNBOUNDED:
            return f"{kind}:other"
        self._unbounded.add(who)
        return who
