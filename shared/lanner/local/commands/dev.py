"""`lanner dev`: serve a SAM template on this machine until Ctrl-C."""

from __future__ import annotations

import argparse
from pathlib import Path

from lanner.local.commands.arguments import (
    add_runtime_arguments,
    add_template_arguments,
    count,
    port,
    template_options,
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_template_arguments(parser)
    add_runtime_arguments(parser)
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", "-p", type=port, default=3000, help="default: 3000; 0 chooses a free one")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="JSON list of requests to send before ready")
    parser.add_argument("--snapstart", action="store_true", help="run snapshot hooks and fork environments")
    parser.add_argument("--environments", type=count, default=10, metavar="N", help="most environments per function")
    parser.add_argument("--no-watch", action="store_true", help="do not reload when files are saved")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--strict", action="store_true", help="refuse a template with findings")
    choice.add_argument("--skip-unsupported", action="store_true", help="serve the rest (the default)")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from lanner.local.console import Console
    from lanner.local.dev import run as run_server

    options = template_options(
        args,
        host=args.host,
        port=args.port,
        seed=args.seed,
        snapstart=args.snapstart,
        strict=args.strict,
        watch=not args.no_watch,
        cap=args.environments,
    )
    console = Console(verbose=args.verbose)
    return asyncio.run(run_server(options, console))
