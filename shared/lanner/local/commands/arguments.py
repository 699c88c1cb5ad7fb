"""Arguments that several commands share, and how they become `DevOptions`.

The local cloud itself is imported by `run` functions only: `--help` needs none of it, and Ctrl-C while it is read ends
the program without a traceback.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lanner.local.commands import CommandError

if TYPE_CHECKING:
    from lanner.local.dev import DevOptions


def add_template_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides how a template is read."""
    add_template_argument(parser)
    parser.add_argument(
        "--parameter-overrides",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="values of template parameters, as sam takes them",
    )
    parser.add_argument("--config-env", default="default", help="environment of samconfig.toml (default: default)")
    parser.add_argument("--stack-name", default="lanner-local")
    parser.add_argument("--region", help="default: samconfig's, else eu-west-1")
    parser.add_argument("--secrets", type=Path, help="JSON or TOML file with SSM parameters and secrets")
    parser.add_argument(
        "--jwks", action="append", default=[], metavar="ISSUER=FILE", help="an issuer's key set, for JWT authorizers"
    )
    parser.add_argument("--built", action="store_true", help="serve what `sam build` made")


def add_template_argument(parser: argparse.ArgumentParser) -> None:
    """Which template: a file, or a folder that has a template.yaml, template.yml or template.json."""
    parser.add_argument("--template", "-t", type=Path, default=Path(), help="default: the one in this folder")


def add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides how functions run."""
    parser.add_argument("--python", type=Path, help="interpreter with the project's dependencies")
    parser.add_argument(
        "--runtime-client",
        choices=("auto", "ric", "python"),
        default="auto",
        help="awslambdaric, or our own client in plain Python",
    )
    parser.add_argument("--engine-url", help="use this AWS engine; default: one of our own")
    parser.add_argument("--persist", type=Path, metavar="DIR", help="keep tables, buckets and queues there")
    parser.add_argument(
        "--share", type=Path, action="append", default=[], metavar="PATH", help="of /tmp, for functions to see as it is"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show events, metrics and platform lines")


def parse_overrides(words: list[str]) -> dict[str, str]:
    """`A=1 B=2`, also in one word, also in SAM's long form. Raises `CommandError` naming the word."""
    overrides: dict[str, str] = {}
    pending = ""
    for word in [part for each in words for part in shlex.split(each)]:
        if word.startswith("ParameterKey="):
            key, comma, value = word.removeprefix("ParameterKey=").partition(",ParameterValue=")
            if not comma:
                pending = key
                continue
            overrides[key] = value
        elif word.startswith("ParameterValue=") and pending:
            overrides[pending], pending = word.removeprefix("ParameterValue="), ""
        elif "=" in word:
            key, _, value = word.partition("=")
            overrides[key] = value
        else:
            raise CommandError(f"--parameter-overrides takes NAME=VALUE, not {word!r}")
    return overrides


def parse_key_sets(words: list[str]) -> dict[str, Path]:
    """`ISSUER=FILE` by issuer (its URL, or its host name alone). Raises `CommandError` naming the word."""
    files = {}
    for word in words:
        issuer, equals, file = word.rpartition("=")
        if not equals or not issuer or not file:
            raise CommandError(f"--jwks takes ISSUER=FILE, not {word!r}")
        if not Path(file).is_file():
            raise CommandError(f"--jwks {word}: there is no file {file}")
        files[issuer] = Path(file)
    return files


def port(text: str) -> int:
    """A TCP port, 0 for any that is free."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """A number of things of which there has to be one at least."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def template_options(args: argparse.Namespace, **more: object) -> DevOptions:
    """Options from parsed arguments; what a command does not have keeps its default."""
    from lanner.local.dev import DevOptions

    names = ("template", "config_env", "stack_name", "region", "secrets", "built", "python", "engine_url", "persist")
    given = {name: getattr(args, name) for name in (*names, "verbose") if hasattr(args, name)}
    if hasattr(args, "runtime_client"):
        given["client"] = args.runtime_client
    given["shared"] = tuple(getattr(args, "share", ()))
    given["jwks"] = parse_key_sets(args.jwks)
    return DevOptions(**given, overrides=parse_overrides(args.parameter_overrides), **more)  # type: ignore[arg-type]
