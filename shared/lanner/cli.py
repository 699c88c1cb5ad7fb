"""`lanner COMMAND`: one line per command here, one module per command elsewhere.

A command's module has `configure(parser)`, which adds its arguments, and `run(args)`, which returns the exit code.
Only the module of the command that was given is imported, so that `lanner --help` is quick and no command needs
another's dependencies. An exception named in `CLEAR` ends the program with its message; any other is a bug and
shows its traceback.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    module: str
    help: str


COMMANDS = {
    "dev": Command("lanner.local.commands.dev", "serve a SAM template on this machine"),
    "invoke": Command("lanner.local.commands.invoke", "run one function with an event"),
    "logs": Command("lanner.local.commands.logs", "show what the functions of a running `lanner dev` write"),
    "jobs": Command("lanner.local.commands.jobs", "list, show, cancel and redrive jobs"),
    "routes": Command("lanner.local.commands.routes", "list the routes and functions of a template"),
    "callers": Command("lanner.local.commands.callers", "count who called which version, from request lines in logs"),
    "cache": Command("lanner.local.commands.cache", "look into a cache, purge and warm it"),
    "openapi": Command("lanner.export.commands.openapi", "write OpenAPI documents from the route groups"),
}

CLEAR = ("StartError", "CommandError")
"""Exceptions whose message is all that the user needs; by name, so that nothing is imported for them."""


class _Version(argparse.Action):
    """Looks the version up when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"lanner {version('lanner')}")
        parser.exit()


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser; arguments are there only for the command that was `chosen`."""
    parser = argparse.ArgumentParser(prog="lanner", description="The toolkit of a versioned, serverless HTTP API.")
    parser.add_argument("--version", action=_Version, help="show the version of lanner and exit")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=command.help, description=command.help)
        if name == chosen:
            module = importlib.import_module(command.module)
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    chosen = next((word for word in words if not word.startswith("-")), None)
    try:
        args = build_parser(chosen).parse_args(words)  # imports the command, which takes its time too
        code = int(args.run(args))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `lanner callers | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does the flush at exit complain
        return 1
    except Exception as error:  # boundary of the program: expected errors are sentences, the others tracebacks
        if type(error).__name__ in CLEAR:
            return _fail(str(error))
        raise


def _fail(message: str) -> int:
    print(f"lanner: error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
