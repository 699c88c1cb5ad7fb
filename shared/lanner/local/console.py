"""What a developer reads while the local cloud runs: findings, routes, one line per request, what functions print.

Colour only on a terminal, and never with NO_COLOR set (no-color.org). Lines that are metrics (EMF documents) and the
platform's own START/END/REPORT lines appear with `verbose` only; an error's traceback always does.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from lanner.local.gateway.record import RequestRecord
from lanner.local.plan import Finding
from lanner.local.runtime.logbook import LogLine

_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}
_ADVICE = "LAMBDA_WARNING: Unhandled exception."  # half a screen about updates of Lambda's managed runtimes
_SOON = 0.02  # seconds that a request's line may wait
_MAX_EVENT = 4000  # characters of an event that `verbose` shows


def wants_colour(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether `stream` is a terminal whose user has nothing against colour."""
    environ = os.environ if environ is None else environ
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class Console:
    """Writes to `stream`, whole lines at a time, so that those of different functions never mix."""

    def __init__(self, stream: TextIO | None = None, *, verbose: bool = False, colour: bool | None = None) -> None:
        self._stream = stream or sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 (as long as we live)
        self._verbose = verbose
        self._colour = wants_colour(self._stream) if colour is None else colour
        self._second, self._clock = 0, ""
        self._waiting: list[str] = []

    def paint(self, text: str, *styles: str) -> str:
        """`text` in colour where that is wanted."""
        if not self._colour or not styles or not text:
            return text
        codes = ";".join(str(_CODES[style]) for style in styles)
        return f"\033[{codes}m{text}\033[0m"

    def say(self, text: str = "") -> None:
        """Write one line, or several."""
        self._waiting.append(text + "\n")
        self.flush()

    def _say_soon(self, text: str) -> None:
        """A line that may wait for others that come at the same time: under load one write serves many of them."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.say(text)
            return
        self._waiting.append(text + "\n")
        if len(self._waiting) == 1:
            loop.call_later(_SOON, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        lines, self._waiting = self._waiting, []
        if not lines:
            return  # something else was said meanwhile
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except OSError:
            return  # whoever read our output has left, or its disk is full; serving goes on

    def _time(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second, self._clock = now, time.strftime("%H:%M:%S", time.localtime(now))
        return self._clock

    def problem(self, text: str) -> None:
        self.say(self.paint(text, "red"))

    def note(self, text: str) -> None:
        self.say(self.paint(text, "dim"))

    def findings(self, findings: Iterable[Finding]) -> None:
        """One line per finding: place, level, resource, what is wrong."""
        styles = {"error": "red", "unsupported": "yellow", "ignored": "dim"}
        for finding in findings:
            if finding.level == "ignored" and not self._verbose:
                continue
            resource = f" {finding.resource}:" if finding.resource else ""
            level = self.paint(finding.level, styles[finding.level])
            self.say(f"{finding.where}: {level}:{resource} {finding.message}")

    def request(self, record: RequestRecord) -> None:
        """One line: time, method, path, version, status, duration, cold or warm, cache outcome, function."""
        clock = self._time()
        status = self.paint(str(record.status), _status_style(record.status))
        parts = [
            self.paint(clock, "dim"),
            self.paint(f"{record.method:<6}", "bold"),
            _printable(record.path),
            record.version or "-",
            status,
            f"{record.duration_ms:.1f} ms",
        ]
        if record.function:
            parts.append(self.paint("cold", "cyan") if record.cold else "warm")
        parts += [part for part in (cache_outcome(record.cache), self.paint(record.function, "dim")) if part]
        if record.note:
            parts.append(self.paint(f"gateway: {_printable(record.note)}", "yellow"))
        self._say_soon("  ".join(parts))
        if self._verbose and record.event:
            self.note("  event " + record.event[:_MAX_EVENT].decode("utf-8", "replace"))

    def log(self, line: LogLine) -> None:
        """What a function or the platform wrote."""
        if line.platform and not self._verbose:
            return
        text = line.text.rstrip()
        document = _metrics_document(text)
        if document is not None and not self._verbose:
            text = error_of(document)  # a request line is data for CloudWatch; what went wrong is for the developer
        if not text or (_ADVICE in text and not self._verbose):
            return
        name = self.paint(f"{line.function} |", "magenta")
        style = ("red",) if text.startswith("[ERROR]") else ("dim",) if line.platform else ()
        self.say("\n".join(f"{name} {self.paint(_printable(part), *style)}" for part in text.split("\n")))

    def table(self, rows: Sequence[Sequence[str]], indent: str = "  ") -> None:
        """Rows in columns as wide as they need to be."""
        if not rows:
            return
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.say((indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip())


def cache_outcome(header: str) -> str:
    """`hit`, `stale`, `miss` and their kin from the last cache of a Cache-Status (RFC 9211), the one nearest to us.

    A hit whose freshness is over (`ttl` below zero) is `stale`; a forwarded request is named by its reason, and
    `stored` where the answer was kept.
    """
    entry = re.sub(r'"[^"]*"', "", header).rpartition(",")[2]  # a key in quotes may hold commas
    name, *given = [part.strip() for part in entry.split(";")]
    if not name:
        return ""
    parameters = {key.strip().lower(): value.strip() for key, _, value in (part.partition("=") for part in given)}
    if "hit" in parameters:
        return "stale" if parameters.get("ttl", "").startswith("-") else "hit"
    reason = parameters.get("fwd", "")
    outcome = {"uri-miss": "miss", "vary-miss": "miss", "stale": "revalidated"}.get(reason, reason)
    return f"{outcome} stored" if outcome and "stored" in parameters else outcome


def _status_style(status: int) -> str:
    return "green" if status < 300 else "cyan" if status < 400 else "yellow" if status < 500 else "red"


def _printable(text: str) -> str:
    """Without control characters: what a client or a function sends must not drive the terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\t" else repr(each)[1:-1] for each in text)


def _metrics_document(text: str) -> dict[str, Any] | None:
    """An embedded metric format document (EMF), or None for any other line."""
    if not (text.startswith("{") and '"_aws"' in text):
        return None
    try:
        document = json.loads(text)
        return document if "CloudWatchMetrics" in document["_aws"] else None
    except (ValueError, KeyError, TypeError):
        return None


def error_of(document: Mapping[str, Any]) -> str:
    """The `error` of a request line as a traceback: type, message, frames innermost last, then its causes."""
    error, lines = document.get("error"), []
    while isinstance(error, dict):
        lines.append(f"[ERROR] {error.get('type', 'error')}: {error.get('message', '')}")
        lines += [f"    {frame}" for frame in error.get("stack") or []]
        error = error.get("cause")
        if isinstance(error, dict):
            lines.append("caused by")
    return "\n".join(lines)
