"""Templates written by tests: `write` puts files beside one, `plan` reads it, `value` evaluates one expression."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lanner.local.plan import CloudPlan
from lanner.local.template import load_plan

PROJECTS = Path(__file__).parents[1] / "projects"
HANDLER = "def handler(event, context):\n    return {}\n"

Write = Callable[..., Path]
Plan = Callable[..., CloudPlan]
Value = Callable[..., Any]  # Any: an output's text, or whatever JSON it stands for


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a template and, beside it, other files by their relative names; gives the template's path."""

    def write(template: str, name: str = "template.yaml", **files: str) -> Path:
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / "app.py").write_text(HANDLER)
        for relative, content in files.items():
            path = tmp_path / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        path = tmp_path / name
        path.write_text(template)
        return path

    return write


@pytest.fixture
def plan(write: Write) -> Plan:
    """The plan of a template given as text; `files` as for `write`, the rest goes to `load_plan`."""

    def plan(template: str, files: dict[str, str] | None = None, **options: Any) -> CloudPlan:
        return load_plan(write(template, **(files or {})), **options)

    return plan


@pytest.fixture
def value(plan: Plan) -> Value:
    """What one YAML expression gives as an environment variable, in a template with a few resources; and findings."""

    def value(expression: str, extra: str = "", **options: Any) -> tuple[Any, list[str]]:
        body = "\n".join(f"        {line}" for line in expression.strip("\n").splitlines())
        template = f"""
Transform: AWS::Serverless-2016-10-31
{extra}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {{TableName: things}}
  Jobs: {{Type: AWS::SQS::Queue}}
  Probe:
    Type: AWS::SSM::Parameter
    Properties:
      Value:
{body}
"""
        found = plan(template, **options)
        return found.resources["Probe"].properties.get("Value"), [each.message for each in found.findings]

    return value
