"""The documentation as data: pages, their fenced blocks, headings and links.

A page is README.md, CHANGELOG.md or any Markdown file under docs/. Fences are three backquotes at the start of a line
(or indented, in a list), with the language behind the opening ones; what they hold is never read as prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^( *)(`{3,})[ ]*(\S*)")
_HEADING = re.compile(r"^#{1,6}[ ]+(.+?)[ ]*#*$")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^()\s]+)\)")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its first line of content, counted from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for messages: `docs/errors.md:12`."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file: its blocks, and the lines of prose by number."""

    path: Path
    blocks: tuple[Block, ...]
    prose: tuple[tuple[int, str], ...]

    @property
    def name(self) -> str:
        """The path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    def of(self, language: str) -> tuple[Block, ...]:
        """The blocks in one language."""
        return tuple(block for block in self.blocks if block.language == language)

    def anchors(self) -> set[str]:
        """What `page.md#...` can name, as GitHub makes it from headings: equal ones get -1, -2, ..."""
        found: set[str] = set()
        for _, line in self.prose:
            heading = _HEADING.match(line)
            if heading:
                text = heading.group(1).replace("`", "").strip().lower()
                anchor = _NOT_IN_ANCHORS.sub("", text).replace(" ", "-")
                number = 0
                while (candidate := f"{anchor}-{number}" if number else anchor) in found:
                    number += 1
                found.add(candidate)
        return found

    def links(self) -> list[tuple[int, str]]:
        """Line and target of every inline link."""
        return [
            (number, target) for number, line in self.prose for target in _LINK.findall(_INLINE_CODE.sub("code", line))
        ]

    def inline_code(self) -> list[tuple[int, str]]:
        """Line and text of everything between single backquotes."""
        return [(number, code.strip("`")) for number, line in self.prose for code in _INLINE_CODE.findall(line)]


@cache
def pages() -> tuple[Page, ...]:
    """Every page, README first."""
    files = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(read(file) for file in files)


def read(file: Path) -> Page:
    """One page. Raises `ValueError` for a fence that is not closed."""
    blocks: list[Block] = []
    prose: list[tuple[int, str]] = []
    indent, fence, language, start = "", "", "", 0
    content: list[str] = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        found = _FENCE.match(line)
        if fence:
            if line.strip() == fence:
                blocks.append(Block(file, start, language, "".join(f"{each}\n" for each in content)))
                fence = ""
            else:
                content.append(line.removeprefix(indent))
        elif found:
            indent, fence, language = found.groups()
            start, content = number + 1, []
        else:
            prose.append((number, line))
    if fence:
        raise ValueError(f"{file}:{start - 1}: the block is not closed")
    return Page(file, tuple(blocks), tuple(prose))
