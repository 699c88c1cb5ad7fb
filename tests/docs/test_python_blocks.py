"""Every Python block of the documentation runs, all of a page in one namespace and an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, pages


@pytest.mark.parametrize("page", [page for page in pages() if page.of("python")], ids=lambda page: page.name)
def test_python_blocks_run(page: Page, users_table: str, catalog_table: str, tmp_path: Path) -> None:
    """Given a function's environment with empty tables, when the blocks run in order, then no line of them fails."""
    path = os.pathsep.join(
        str(folder) for folder in (tmp_path / "functions", ROOT / "functions", ROOT / "shared", ROOT)
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_python", str(page.path), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
