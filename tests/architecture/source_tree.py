"""What the architecture tests look at: the repository's Python modules and what they import, read with `ast`."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SOURCE_FOLDERS = (ROOT / "shared", ROOT / "functions")


class Import(NamedTuple):
    """One imported module. `at_start` is True where importing the file imports it (not in a function, not typing)."""

    module: str
    line: int
    at_start: bool


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that is in git or would be added, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, for everything in shared/ and functions/."""
    found = {}
    for folder in SOURCE_FOLDERS:
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def function_packages() -> tuple[str, ...]:
    """The folders in functions/, one Lambda each."""
    return tuple(sorted(path.name for path in (ROOT / "functions").iterdir() if any(path.glob("*.py"))))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """What a module imports anywhere, relative imports made absolute; `from a import b` counts as `a` and as `a.b`."""
    file = modules()[module]
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(file.read_text("utf-8"), filename=str(file))
    return tuple(_walk(tree, package, at_start=True))


def _walk(node: ast.AST, package: str, *, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_start) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from _from(child, package, at_start)
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            yield from _walk(ast.Module(child.body, []), package, at_start=False)
            yield from _walk(ast.Module(child.orelse, []), package, at_start=at_start)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(child, package, at_start=at_start and not inside)


def _from(node: ast.ImportFrom, package: str, at_start: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parents, *([base] if base else [])])
    yield Import(base, node.lineno, at_start)
    for alias in node.names:
        if f"{base}.{alias.name}" in modules():
            yield Import(f"{base}.{alias.name}", node.lineno, at_start)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"
