"""Who still calls a version: request lines (`lanner.observe.line`) read back from logs and counted by caller.

Contract: text comes in line by line, from a file, `lanner logs` or CloudWatch; a line's document may stand behind a
prefix (a function's name, a timestamp, a stream). What is not a request line (platform lines, the metrics of routes,
tracebacks, lines cut off) is skipped, never an error: logs hold anything. Callers are told apart by version and
consumer as the edge recorded them; memory grows with callers and routes, not with lines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MEMBERS = ("version", "consumer", "method", "route")
"""Text that every request line has, besides the moment and the status."""

MAX_ATTEMPTS = 8
"""Opening braces tried in a line: a prefix has a few at most, and a hostile line has thousands."""

LATEST = 253_402_300_799_999
"""The end of the year 9999 in epoch milliseconds: beyond it there is no RFC 3339 time."""

Record = Mapping[str, Any]  # Any: one request line, JSON
_DECODER = json.JSONDecoder()


class Caller:
    """One consumer of one version: how often, on which routes, with what outcome, since when and until when.

    `routes` and `statuses` (`"2xx"`) count requests; `first` and `last` are epoch milliseconds; `refused` counts those
    that a brownout or the sunset turned away.
    """

    __slots__ = ("consumer", "first", "last", "refused", "requests", "routes", "statuses", "version")

    def __init__(self, version: str, consumer: str, timestamp: int) -> None:
        self.version = version
        self.consumer = consumer
        self.requests = 0
        self.refused = 0
        self.routes: dict[str, int] = {}
        self.statuses: dict[str, int] = {}
        self.first = self.last = timestamp

    def add(self, record: Record) -> None:
        """Count one request line of this caller."""
        timestamp: int = record["_aws"]["Timestamp"]
        route = f"{record['method']} {record['route']}"
        status = f"{record['status'] // 100}xx"
        self.requests += 1
        self.refused += "refused" in record
        self.routes[route] = self.routes.get(route, 0) + 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.first = min(self.first, timestamp)
        self.last = max(self.last, timestamp)

    def document(self) -> dict[str, Any]:  # Any: JSON
        """The caller as JSON; times are RFC 3339 UTC, routes and statuses the most frequent first."""
        return {
            "version": self.version,
            "consumer": self.consumer,
            "requests": self.requests,
            "refused": self.refused,
            "statuses": _by_count(self.statuses),
            "routes": _by_count(self.routes),
            "first": rfc3339(self.first),
            "last": rfc3339(self.last),
        }


def request_lines(lines: Iterable[str]) -> Iterator[Record]:
    """The request lines among `lines`, parsed."""
    for line in lines:
        record = _record(line)
        if record is not None:
            yield record


def count(records: Iterable[Record], version: str | None = None) -> list[Caller]:
    """Callers of `version`, or of every version; the busiest first, equally busy ones by name."""
    found: dict[tuple[str, str], Caller] = {}
    for record in records:
        if version is not None and record["version"] != version:
            continue
        key = (record["version"], record["consumer"])
        caller = found.get(key)
        if caller is None:
            caller = found[key] = Caller(*key, record["_aws"]["Timestamp"])
        caller.add(record)
    return sorted(found.values(), key=lambda each: (-each.requests, each.version, each.consumer))


def rfc3339(milliseconds: int) -> str:
    """Epoch milliseconds as `2026-11-23T04:36:36Z`, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def _record(line: str) -> Record | None:
    start = line.find("{")
    for _ in range(MAX_ATTEMPTS):
        if start < 0:
            return None
        try:
            document, end = _DECODER.raw_decode(line, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if _is_request_line(document):
                return document  # type: ignore[no-any-return]
        start = line.find("{", end)
    return None


def _is_request_line(document: Any) -> bool:  # Any: JSON
    emf = document.get("_aws")
    return (
        isinstance(emf, dict)
        and _is_number(emf.get("Timestamp"), 0, LATEST)
        and _is_number(document.get("status"), 100, 599)
        and all(isinstance(document.get(name), str) for name in MEMBERS)
    )


def _is_number(value: Any, least: int, most: int) -> bool:  # Any: JSON, where true is no number
    return type(value) is int and least <= value <= most


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
