"""Runs the Python blocks of one page: `python -m tests.docs.run_python PAGE FOLDER`.

- A block that begins with `# some/file.py` is that file: it is written under FOLDER, whose `functions` is importable.
  Where the file is a test, pytest runs it with the fixtures of tests/functions.
- A block with `>>> ` prompts is a session, held against what it says by doctest; `...` stands for any text.
- Any other block is executed. All share one namespace; tracebacks name the page and its lines.
"""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT, Block, read

FLAGS = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
FILE = re.compile(r"# ([\w/-]+\.py)\n")


def main() -> int:
    page, folder = read(Path(sys.argv[1])), Path(sys.argv[2])
    namespace: dict[str, Any] = {"__name__": "documentation"}  # Any: whatever the blocks define
    failures = 0
    for block in page.of("python"):
        file = FILE.match(block.text)
        if file:
            written = write(folder / file.group(1), block.text)
            failures += run_test(written) if written.name.startswith("test_") else 0
        elif ">>> " in block.text:
            failures += session(block, namespace)
        else:
            exec(compile("\n" * (block.line - 1) + block.text, str(block.page), "exec"), namespace)
    return 1 if failures else 0


def write(file: Path, text: str) -> Path:
    """A module, in a regular package."""
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / "__init__.py").touch()
    file.write_text(text)
    importlib.invalidate_caches()  # the folder may have been looked for before it was there
    return file


def run_test(file: Path) -> int:
    """pytest's exit code for one file."""
    fixtures = ("-p", "tests.conftest", "-p", "tests.functions.conftest")
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *fixtures, str(file)], cwd=ROOT, check=False).returncode


def session(block: Block, namespace: dict[str, Any]) -> int:  # Any: whatever the blocks define
    """The number of examples that print something else than the page says."""
    test = doctest.DocTestParser().get_doctest(block.text, namespace, block.place, str(block.page), block.line - 1)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    failed: int = runner.run(test, clear_globs=False).failed
    namespace.update(test.globs)
    return failed


if __name__ == "__main__":
    sys.exit(main())
