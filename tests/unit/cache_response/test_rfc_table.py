"""docs/rfc9111.md is true: every requirement has a test, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "rfc9111.md"
SECTIONS = [
    *("3", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "4.1", "4.2", "4.2.1", "4.2.2", "4.2.3", "4.2.4"),
    *("4.3.1", "4.3.2", "4.3.3", "4.3.4", "4.3.5", "4.4", "5.1", "5.2", "5.2.3", "5.3", "5.4", "5.5"),
    *(f"5.2.1.{number}" for number in range(1, 8)),
    *(f"5.2.2.{number}" for number in range(1, 11)),
]
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "deprecated", "obsolete"}


def rows() -> list[list[str]]:
    """The cells of every row of the table."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


@cache
def names_in(path: str) -> set[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]}-{row[2][:40]}")
def test_a_requirement_is_held_by_tests_that_exist(row: list[str]) -> None:
    """Four cells, a known section and level, and at least one test, each of which is there."""
    section, level, text, held = row
    assert section in SECTIONS
    assert level in LEVELS
    assert text
    named = re.findall(r"`([^`]+)::(test_\w+)`", held)
    assert named, f"no test holds {section}: {text}"
    missing = [f"{path}::{name}" for path, name in named if name not in names_in(path)]
    assert not missing


def test_no_section_is_left_out() -> None:
    """Sections 3, 4 and 5 with all of their parts that require something."""
    assert {row[0] for row in rows()} == set(SECTIONS)
