"""`lanner callers [--version v1] [FILE]`: who called which version, from request lines in logs.

Reads a file, or standard input: `lanner logs | lanner callers --version v1`. Lines that are no request lines are
skipped. Exit code 0, also when nobody called.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lanner.local.commands import CommandError
from lanner.observe.callers import Caller, count, request_lines

CLASSES = ("2xx", "3xx", "4xx", "5xx")
HEADINGS = ("VERSION", "CONSUMER", "REQUESTS", *CLASSES, "FIRST", "LAST", "ROUTES")
MAX_ROUTES = 5
"""Routes named in the table; `--json` has all of them."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="log lines; default: -, standard input")
    parser.add_argument("--version", metavar="NAME", help="only callers of this version, for example v1")
    parser.add_argument("--json", action="store_true", help="print JSON, with every route")


def run(args: argparse.Namespace) -> int:
    callers = _count(args.file, args.version)
    if args.json:
        print(json.dumps({"data": [caller.document() for caller in callers]}, indent=2))
    elif callers:
        print("\n".join(table(callers)))
    else:
        print(f"no requests for {args.version}" if args.version else "no requests")
    return 0


def table(callers: Sequence[Caller]) -> list[str]:
    """The callers in aligned columns under headings; numbers to the right."""
    rows = [HEADINGS, *(_row(caller) for caller in callers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    numbers = {HEADINGS.index(name) for name in ("REQUESTS", *CLASSES)}
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(caller: Caller) -> tuple[str, ...]:
    document = caller.document()
    routes = [f"{_printable(name)} {number}" for name, number in document["routes"].items()]
    more = [f"and {len(routes) - MAX_ROUTES} more"] if len(routes) > MAX_ROUTES else []
    return (
        _printable(caller.version),
        _printable(caller.consumer),
        str(caller.requests),
        *(str(caller.statuses.get(name, 0)) for name in CLASSES),
        document["first"],
        document["last"],
        ", ".join((*routes[:MAX_ROUTES], *more)),
    )


def _count(name: str, version: str | None) -> list[Caller]:
    if name == "-":
        if sys.stdin.isatty():
            raise CommandError("no log lines: name a FILE, or pipe some in (`lanner logs | lanner callers`)")
        return count(request_lines(_text(sys.stdin.buffer)), version)
    try:
        with Path(name).open("rb") as file:
            return count(request_lines(_text(file)), version)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None


def _text(lines: Iterable[bytes]) -> Iterable[str]:
    """Logs may hold bytes that are not UTF-8."""
    return (line.decode("utf-8", "replace") for line in lines)


def _printable(text: str) -> str:
    """Without control characters: what a log says must not drive the terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
