"""Commands that the documentation names and no test runs, held against the Makefile and the CLI."""

from __future__ import annotations

import contextlib
import io
import re
import shlex

from lanner.cli import COMMANDS, build_parser
from tests.docs.pages import ROOT

_TARGET = re.compile(r"^([a-z][\w.%-]*):", re.MULTILINE)


def make_targets() -> set[str]:
    """Every target of the Makefile that a person may name."""
    return set(_TARGET.findall((ROOT / "Makefile").read_text("utf-8")))


def commands(line: str) -> list[list[str]]:
    """The words of each command of a shell line: comments, variables in front and redirections do not count."""
    found: list[list[str]] = []
    for part in re.split(r"\|\||\||&&|;", line):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words.pop(0)
        words = words[: next((at for at, word in enumerate(words) if word.startswith(("<", ">"))), len(words))]
        if words:
            found.append(words)
    return found


def problem(words: list[str]) -> str:
    """What is wrong with a command of ours: no such target, no such option; "" where it is right."""
    if words[0] == "make":
        targets = make_targets()
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"the Makefile has no target {unknown[0]}" if unknown else ""
    if words[0] == "lanner":
        return cli_problem(words[1:])
    return ""


def cli_problem(words: list[str]) -> str:
    """Why `lanner WORDS` would be refused; "" where it would not be."""
    if not words or words[0] not in COMMANDS:
        return f"lanner has no command {words[0] if words else ''!r}"
    if {"-h", "--help"} & set(words):
        return ""
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            build_parser(words[0]).parse_args(words)
    except SystemExit:
        return errors.getvalue().strip().splitlines()[-1]
    return ""


def options(command: str) -> set[str]:
    """The long options of `lanner COMMAND`, as its help names them."""
    help_text = io.StringIO()
    with contextlib.redirect_stdout(help_text), contextlib.suppress(SystemExit):
        build_parser(command).parse_args([command, "--help"])
    return set(re.findall(r"--[a-z][a-z-]*", help_text.getvalue()))
