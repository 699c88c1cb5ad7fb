"""Programs in virtual environments of their own: absent on a laptop they skip a test, absent in CI they fail it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT


def program(environment: str, name: str, target: str) -> Path:
    """The program in `.venv-...`; where it is not there the test is skipped, or fails in CI."""
    found = ROOT / environment / "bin" / name
    if not found.is_file():
        missing = f"{environment}/bin/{name} is not there: make {target}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def clean_environment(**more: str) -> dict[str, str]:
    """An environment without credentials or AWS settings, for programs that would pick them up."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true", **more}
