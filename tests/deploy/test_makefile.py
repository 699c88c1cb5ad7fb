"""The Makefile's own promises: which Python it takes, what it says when there is none, that nothing is done twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT
from tests.deploy.tools import clean_environment

TARGETS = {"dev", "test", "test-all", "check", "bench", "build", "install", "lock", "clean", "help"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which nothing is installed, as far as make looks at it."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def command(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    file.chmod(0o755)


def test_help_names_every_target(clone: Path) -> None:
    """`make` alone says what there is."""
    listed = set(re.findall(r"^make ([a-z-]+)", make(clone).stdout, flags=re.MULTILINE))
    assert listed >= TARGETS


def test_a_shim_that_fails_is_passed_over(clone: Path, tmp_path: Path) -> None:
    """pyenv leaves a `python3.13` on PATH that only says how to install it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command(programs / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    command(programs / "python3.12", f'exec "{sys.executable}" "$@"')
    done = make(clone, "--dry-run", "install", PATH=f"{programs}:/usr/bin:/bin", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f'"{programs}/python3.12" -m venv ".venv"' in done.stdout


def test_no_python_is_a_clear_error(clone: Path) -> None:
    """It says what is missing and how to name it, and leaves nothing half made."""
    done = make(clone, "install", "PYTHON=")
    assert done.returncode != 0
    assert "No Python 3.11 to 3.14" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("wrong", ["/bin/false", "/nowhere/python3"])
def test_a_python_that_will_not_do_is_named(clone: Path, wrong: str) -> None:
    """The one that was asked for is not replaced by another in silence."""
    done = make(clone, "install", f"PYTHON={wrong}")
    assert done.returncode != 0
    assert f"{wrong} is no Python 3.11 to 3.14" in done.stderr


def test_what_is_installed_is_known_by_its_locks(clone: Path) -> None:
    """With the stamp of these locks nothing is installed; another lock is another stamp."""
    stamp = re.search(r"touch (\.venv/\S+)", make(clone, "--dry-run", "install", f"PYTHON={sys.executable}").stdout)
    assert stamp
    (clone / stamp[1]).parent.mkdir()
    (clone / stamp[1]).touch()
    assert "pip" not in make(clone, "--dry-run", "install").stdout
    with (clone / "requirements" / "dev.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    assert "pip" in make(clone, "--dry-run", "install", f"PYTHON={sys.executable}").stdout


def test_ci_runs_tests_and_checks() -> None:
    """.ci/run is a program, fails on the first failure, and runs what a developer is told to run."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text("utf-8")
    assert "set -euo pipefail" in text
    assert text.index("make test") < text.index("make check")
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
