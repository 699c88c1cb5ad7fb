"""What is wrong with a template, or not done locally: collected while reading, reported by name and line.

Reading never stops at the first mistake. A `Finding` says what was found and what would be right; `TemplateError` is
raised only when nothing at all can be served (no file, no YAML, a cycle).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from lanner.local.plan import Finding, Where

Level = Literal["error", "unsupported", "ignored"]


class TemplateError(Exception):
    """A template that cannot be served at all; `findings` says why, by file and line."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{each.where}: {each.message}" for each in self.findings))


def fatal(message: str, where: Where, resource: str = "") -> TemplateError:
    """The error for one reason why nothing can be served."""
    return TemplateError([Finding("error", resource, message, where)])


class Findings:
    """Collects findings in the order found; the same finding twice is kept once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}

    def add(self, level: Level, resource: str, message: str, where: Where) -> None:
        self._found.setdefault(Finding(level, resource, message, where))

    def error(self, resource: str, message: str, where: Where) -> None:
        """The template is wrong: AWS would refuse it, or it would not work there either."""
        self.add("error", resource, message, where)

    def unsupported(self, resource: str, message: str, where: Where) -> None:
        """Right in AWS, not done by the local cloud: something will be missing."""
        self.add("unsupported", resource, message, where)

    def ignored(self, resource: str, message: str, where: Where) -> None:
        """Right in AWS, without effect locally; nothing will be missed."""
        self.add("ignored", resource, message, where)

    def sorted(self) -> tuple[Finding, ...]:
        """All findings by file and line."""
        return tuple(sorted(self._found, key=lambda each: (each.where.file, each.where.line)))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'X'?` for a near match of `name`, or an empty string."""
    candidates = list(known)
    near = get_close_matches(name, candidates, n=1, cutoff=0.65)
    if not near:  # difflib compares case-sensitively: `codeuri` shares few letters with `CodeUri`
        near = [each for each in candidates if each.lower() == name.lower()]
    return f"; did you mean '{near[0]}'?" if near else ""


def beside(template: Path, location: str) -> Path:
    """The path that `location` means in `template`: relative to the template's folder."""
    return (template.parent / location).resolve()
