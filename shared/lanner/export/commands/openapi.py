"""`lanner openapi`: write OpenAPI documents of every version, or check that those written are current."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

import orjson

from lanner.export.openapi import OpenApiError, document
from lanner.group import RouteGroup
from lanner.versioning.registry import VersionRegistry


class CommandError(Exception):
    """The command cannot do what was asked; the message says why."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--functions", type=Path, default=Path("functions"), help="the folder of the functions")
    parser.add_argument("--out", type=Path, default=Path("functions/docs/openapi"), help="where <version>.json goes")
    parser.add_argument("--title", default="Lanner API", help="the title of the documents")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a document is not current")


def run(args: argparse.Namespace) -> int:
    """Write or check. Exit code 1 when `--check` finds a difference. Raises `CommandError`."""
    try:
        made = documents(args.functions, args.title)
    except OpenApiError as error:
        raise CommandError(str(error)) from error
    stale = []
    for name, content in made.items():
        file: Path = args.out / f"{name}.json"
        if args.check:
            if not file.is_file() or file.read_bytes() != content:
                stale.append(file)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        print(f"{file}: {len(content)} bytes")
    for file in stale:
        print(f"{file} is not what the code says: run `make openapi`", file=sys.stderr)
    return 1 if stale else 0


def documents(functions: Path, title: str) -> dict[str, bytes]:
    """Version -> its document as JSON, from every `<group>/app.py`. Raises `CommandError`, `OpenApiError`."""
    groups = _groups(functions)
    registry: VersionRegistry = groups[0].registry
    return {
        version.name: orjson.dumps(document(registry, version, groups, title), option=orjson.OPT_INDENT_2) + b"\n"
        for version in registry
    }


def _groups(functions: Path) -> list[RouteGroup]:
    names = sorted(file.parent.name for file in functions.glob("*/app.py"))
    if not names:
        raise CommandError(f"{functions} has no function: <name>/app.py with GROUP is expected in it")
    folder = str(functions.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = [getattr(import_module(f"{name}.app"), "GROUP", None) for name in names]
    groups = [group for group in found if isinstance(group, RouteGroup)]
    if not groups:
        raise CommandError(f"no app.py in {functions} has a GROUP")
    return groups
