"""`lanner logs [FUNCTION] [-f]`: what the functions of a running `lanner dev` have written."""

from __future__ import annotations

import argparse
import http.client
import json
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from lanner.local import state
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import add_template_argument, count
from lanner.local.console import Console
from lanner.local.control import LOGS
from lanner.local.runtime.logbook import LogLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", nargs="?", help="logical id; default: all functions")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    add_template_argument(parser)
    parser.add_argument("--limit", type=count, default=1000, help="at most so many lines of the past (default: 1000)")


def run(args: argparse.Namespace) -> int:
    console = Console(verbose=True)
    cloud = running_cloud(args.template)
    if args.function:
        _known(cloud, args.function)
    for line in read_lines(cloud, args.function, follow=args.follow, limit=args.limit):
        console.log(line)
    return 0


def running_cloud(template: Path) -> state.RunningCloud:
    """The `lanner dev` of `template`; the only one that runs, where the template is another. Raises `CommandError`."""
    cloud = state.find(template)
    if cloud is not None:
        return cloud
    others = state.running()
    if len(others) == 1:
        return others[0]
    if others:
        templates = ", ".join(sorted({each.template for each in others}))
        raise CommandError(
            f"no `lanner dev` serves {template.resolve()}; running are those of {templates}: name one with -t"
        )
    raise CommandError("no `lanner dev` is running: start one first")


def _known(cloud: state.RunningCloud, function: str) -> None:
    """Raises `CommandError` for a function that the running cloud does not have: no lines would look like silence."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
    try:
        connection.request("GET", "/_local/api/functions")
        rows = json.loads(connection.getresponse().read())["rows"]
    except (OSError, ValueError, KeyError):
        return  # listening on another address than this machine's, say: the lines themselves will tell
    finally:
        connection.close()
    known = sorted(row["logical_id"] for row in rows)
    if function not in known:
        hint = "".join(f"; did you mean {near}?" for near in get_close_matches(function, known, n=1))
        raise CommandError(f"the template has no function {function!r}{hint}; it has: {', '.join(known) or 'none'}")


def read_lines(cloud: state.RunningCloud, function: str | None, *, follow: bool, limit: int) -> Iterator[LogLine]:
    """Lines of a running cloud, oldest first; with `follow` until it ends."""
    query = {"limit": str(limit), **({"function": function} if function else {}), **({"follow": "1"} if follow else {})}
    connection = http.client.HTTPConnection(urlsplit(cloud.control).netloc)
    try:
        connection.request("GET", f"{LOGS}?{urlencode(query)}")
        response = connection.getresponse()
        while raw := response.readline():
            yield LogLine(**json.loads(raw))
    except OSError as error:
        raise CommandError(f"the `lanner dev` at {cloud.url} does not answer: {error}") from None
    finally:
        connection.close()
