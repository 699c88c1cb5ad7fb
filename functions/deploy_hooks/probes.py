"""The requests that a hook sends: those in events/<group>/ that read and do not write, or an empty batch.

The hooks' artifact has events/ in it (functions/Makefile), beside this package; `LANNER_EVENTS` names another folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lanner.settings import setting

# RFC 9110 section 9.2.1.
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Probe(NamedTuple):
    """One request: its name, and the event as it is sent."""

    name: str
    event: bytes


def probes(group: str) -> list[Probe]:
    """The safe requests of a group, by name. Empty where the group has none."""
    found = [(file.stem, orjson.loads(file.read_bytes())) for file in _files(group)]
    return [Probe(name, orjson.dumps(event)) for name, event in found if _method(event) in SAFE_METHODS]


EMPTY_BATCH = b'{"Records":[]}'
"""What any function of a queue, a bucket or a stream can be given: it loads everything and does nothing."""


def takes_batches(group: str) -> bool:
    """Whether a group's events are batches of records, and not requests."""
    return any("Records" in orjson.loads(file.read_bytes()) for file in _files(group))


def _files(group: str) -> list[Path]:
    folder = Path(setting("LANNER_EVENTS", str(Path(__file__).resolve().parents[1] / "events"))) / group
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _method(event: Any) -> str:  # Any: JSON
    """The method of an event of any kind, "" where it is no HTTP request."""
    if not isinstance(event, dict):
        return ""
    method = event.get("httpMethod") or event.get("requestContext", {}).get("http", {}).get("method", "")
    return str(method).upper()
