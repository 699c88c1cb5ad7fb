"""Console sessions of the documentation: commands run by bash, what they print held against the page.

A ```console block holds commands on lines that start with `$ ` (a backslash at the end continues on the next line),
each followed by what it prints. There, a line `...` stands for any number of lines, and `...` inside a line for any
text: ids, times and tags differ from run to run. All blocks of a page are one session, so variables last.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import Page

PROMPT = "$ "
ANYTHING = "..."
MARK = "\x1e"
"""Separates the outputs of commands; no command prints it."""

TIMEOUT = 120.0  # seconds for all commands of a page


@dataclass(frozen=True)
class Exchange:
    """One command, the lines that it should print, and where it stands."""

    place: str
    command: str
    expected: tuple[str, ...]


def exchanges(page: Page) -> list[Exchange]:
    """The commands of a page in order. Raises `ValueError` for a block that does not begin with one."""
    found: list[Exchange] = []
    for block in page.of("console"):
        lines = block.text.splitlines()
        if not lines or not lines[0].startswith(PROMPT):
            raise ValueError(f"{block.place}: a console block begins with a command, `$ ...`")
        number = 0
        while number < len(lines):
            start = number
            command = lines[number].removeprefix(PROMPT)
            while command.endswith("\\"):
                number += 1
                command = f"{command}\n{lines[number]}"
            number += 1
            printed = number
            while number < len(lines) and not lines[number].startswith(PROMPT):
                number += 1
            place = f"{page.name}:{block.line + start}"
            found.append(Exchange(place, command, tuple(lines[printed:number])))
    return found


def run(commands: Sequence[str], folder: Path, environment: Mapping[str, str], scratch: Path) -> list[str]:
    """What each command printed, on either output, in one bash. Raises `TimeoutError` after `TIMEOUT`."""
    script = scratch / "session.sh"
    script.write_text("".join(f"printf '\\n{MARK}'\n{command}\n" for command in commands))
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", str(script)],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise TimeoutError(f"the session took more than {TIMEOUT:g} s") from None
    return [part.strip("\n") for part in output.decode("utf-8", "replace").replace("\r", "").split(MARK)[1:]]


def matches(expected: Sequence[str], printed: str) -> bool:
    """Whether a command printed what the page says."""
    lines = []
    for line in expected:
        if line.strip() == ANYTHING:
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split(ANYTHING)) + r"[ \t]*\n")
    return re.fullmatch("".join(lines), f"{printed}\n" if printed else "") is not None
