"""Templates that tests write, and what a plan found wrong with them."""

from __future__ import annotations

from pathlib import Path

from lanner.local.plan import CloudPlan

RAW = Path(__file__).parents[1] / "projects" / "raw_cases"
SAM = "Transform: AWS::Serverless-2016-10-31\n"

FUNCTIONS = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, CodeUri: src, Handler: app.handler}
Resources:
  F: {Type: AWS::Serverless::Function}
  Guard: {Type: AWS::Serverless::Function}
"""


def function(properties: str, extra: str = "", metadata: str = "") -> str:
    """A template with the function `F`; `properties` are further lines at their depth."""
    lines = "\n".join(f"      {line}" for line in properties.strip("\n").splitlines())
    return f"""{SAM}
Resources:
  F:
    Type: AWS::Serverless::Function
{metadata}
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.handler
{lines}
{extra}
"""


def findings(plan: CloudPlan) -> list[tuple[str, str]]:
    """Level and message."""
    return [(each.level, each.message) for each in plan.findings]
