"""What each direct dependency costs to import, and its licence: `python -m bench.dependencies [--page FILE]`.

CPU milliseconds of fresh interpreters, an empty one's subtracted, the median of `RUNS`; bytecode is there, as a second
start has it. Licences are read from the packages' own metadata. A dependency whose environment is not installed on
this machine is left out, with a note on standard error. `--page` puts both columns into the rows of a Markdown table
whose first cell is the package's name in backquotes.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 7
NO_IMPORT = "-"

# Where the packages of a requirements file are: the first environment that is there.
ENVIRONMENTS: Mapping[str, tuple[str, ...]] = {
    "runtime": (".venv", ".venv-bench"),
    "dev": (".venv", ".venv-bench"),
    "docs": (".venv", ".venv-bench"),
    "bench": (".venv-bench",),
    "sam": (".venv-sam",),
    "scan": (".venv-scan",),
}

# The import that its user makes. "" for programs and for files that nobody imports.
IMPORTS: Mapping[str, str] = {
    "apig-wsgi": "import apig_wsgi",
    "aws-lambda-powertools": "from aws_lambda_powertools import Logger, Metrics, Tracer",
    "aws-sam-cli": "import samcli.cli.main",
    "aws-sam-translator": "import samtranslator.translator.translator",
    "aws-xray-sdk": "import aws_xray_sdk.core",
    "awslambdaric": "import awslambdaric.bootstrap",
    "boto3": "import boto3",
    "boto3-stubs": "",
    "cachetools": "import cachetools",
    "cashews": "import cashews",
    "celery": "from celery import Celery",
    "cfn-lint": "import cfnlint.api",
    "chalice": "import chalice",
    "checkov": "import checkov.main",
    "editables": "",
    "fastapi": "import fastapi",
    "fastapi-cache2": "import fastapi_cache.decorator",
    "fastapi-swagger": "",
    "flask": "import flask",
    "hatchling": "",
    "hishel": "import hishel.asgi",
    "httptools": "import httptools",
    "httpx": "import httpx",
    "hypothesis": "import hypothesis",
    "joserfc": "import joserfc.jwt",
    "mangum": "import mangum",
    "moto": "import moto.server",
    "mypy": "",
    "orjson": "import orjson",
    "pydantic": "from pydantic import BaseModel",
    "pytest": "import pytest",
    "pytest-xdist": "import xdist",
    "pyyaml": "import yaml",
    "rq": "import rq",
    "ruff": "",
    "theine": "import theine",
    "types-pyyaml": "",
    "uvicorn": "import uvicorn",
    "watchfiles": "import watchfiles",
}

LICENCE = """
import importlib.metadata, sys
about = importlib.metadata.metadata(sys.argv[1])
found = [each for each in about.get_all("Classifier") or () if each.startswith("License ::")]
classifiers = [each.rsplit(" :: ", 1)[-1] for each in found]
text = about.get("License-Expression") or ", ".join(classifiers) or (about.get("License") or "not said").splitlines()[0]
print(text)
"""
SHORTER = {
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def direct() -> dict[str, str]:
    """Package -> the requirements file that names it first, in the files' order."""
    found: dict[str, str] = {}
    for kind in ENVIRONMENTS:
        for line in (ROOT / "requirements" / f"{kind}.in").read_text("utf-8").splitlines():
            name = re.match(r"[A-Za-z0-9._-]+", line)
            if name and not line.startswith("-"):
                found.setdefault(name.group().lower(), kind)
    return found


def interpreter(kind: str) -> Path | None:
    """The Python of the first environment that is there."""
    return next((path for name in ENVIRONMENTS[kind] if (path := ROOT / name / "bin" / "python").exists()), None)


def import_ms(python: Path, program: str) -> float:
    """CPU milliseconds of a program above those of an empty one; the first, unmeasured run writes bytecode."""
    times: dict[str, list[float]] = {"pass": [], program: []}
    for turn in range(RUNS + 1):
        for each, measured in times.items():
            spent = _child(python, each)
            if turn:
                measured.append(spent)
    return statistics.median(times[program]) - statistics.median(times["pass"])


def licence(python: Path, package: str) -> str:
    """What the package's metadata says, in its short form."""
    done = subprocess.run([python, "-c", LICENCE, package], capture_output=True, text=True, check=True)
    text = done.stdout.strip()
    return SHORTER.get(text, text)


def rows() -> dict[str, tuple[str, str]]:
    """Package -> import cost and licence, as cells."""
    found = {}
    for package, kind in direct().items():
        python = interpreter(kind)
        if python is None:
            print(f"{package}: none of {', '.join(ENVIRONMENTS[kind])} is installed", file=sys.stderr)
            continue
        program = IMPORTS[package]
        found[package] = (f"{import_ms(python, program):.0f}" if program else NO_IMPORT, licence(python, package))
    return found


def fill(page: str, cells: Mapping[str, tuple[str, str]]) -> str:
    """The page with the second and third cell of each package's row replaced."""

    def row(match: re.Match[str]) -> str:
        measured = cells.get(match.group(1).lower())
        return f"| `{match.group(1)}` | {measured[0]} | {measured[1]} |" if measured else match.group(0)

    return re.sub(r"^\| `([A-Za-z0-9._-]+)` \|[^|\n]*\|[^|\n]*\|", row, page, flags=re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dependencies")
    parser.add_argument("--page", type=Path, help="a Markdown file whose table is filled in")
    page = parser.parse_args().page
    cells = rows()
    print("| package | import, ms | licence |\n|---|---:|---|")
    for package, (cost, says) in cells.items():
        print(f"| `{package}` | {cost} | {says} |")
    if page is not None:
        page.write_text(fill(page.read_text("utf-8"), cells), "utf-8")
    return 0


def _child(python: Path, program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([python, "-c", program], check=True, stdout=subprocess.DEVNULL, env=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


if __name__ == "__main__":
    sys.exit(main())
