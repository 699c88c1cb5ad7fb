"""checkov over the template as it is written and as SAM expands it: nothing fails, and nothing is skipped silently."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.deploy.expanded import Document, expanded, raw
from tests.deploy.tools import clean_environment, program

pytestmark = [pytest.mark.scan, pytest.mark.slow]

SHORTEST_REASON = 20  # characters

CONDITIONAL = {"CacheTier": "elasticache", "Cdn": "on", "DomainName": "api.example.com", "HostedZoneId": "Z0"}
"""Parameters that make what the defaults leave out; checkov evaluates conditions and would not look at it."""


class Finding(NamedTuple):
    check: str
    resource: str


def declared() -> dict[Finding, str]:
    """Every skip in the template's Metadata, with its reason."""
    return {
        Finding(skip["id"], name): skip["comment"]
        for name, resource in raw()["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def complete(template: Document) -> str:
    """A template as JSON whose defaults make every resource."""
    named = {
        name: {**parameter, "Default": CONDITIONAL.get(name, parameter.get("Default"))}
        for name, parameter in template["Parameters"].items()
    }
    return json.dumps({**template, "Parameters": named})


def scan(template: Path) -> dict[str, Any]:  # Any: checkov's report
    done = subprocess.run(
        [
            program(".venv-scan", "checkov", "scanner"),
            *("--file", template, "--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"),
        ],
        cwd=template.parent,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    report: dict[str, Any] = found[0] if isinstance(found, list) else found
    return report


def findings(report: dict[str, Any], kind: str) -> set[Finding]:
    return {Finding(each["check_id"], each["resource"].rpartition(".")[2]) for each in report["results"][kind]}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on template.yaml."""
    file = tmp_path_factory.mktemp("written") / "template.json"
    file.write_text(complete(raw()), "utf-8")
    return scan(file)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on what CloudFormation gets: only there are roles and policies to be looked at."""
    file = tmp_path_factory.mktemp("expanded") / "expanded.json"
    file.write_text(complete(expanded()), "utf-8")
    return scan(file)


def test_nothing_fails_in_the_template(written: dict[str, Any]) -> None:
    """Every check passes or is skipped where it stands, with a reason."""
    assert written["summary"]["parsing_errors"] == 0
    assert written["summary"]["passed"] > 0
    assert not findings(written, "failed_checks")


def test_nothing_fails_in_what_is_deployed(deployed: dict[str, Any]) -> None:
    """SAM does not hand a skip on to everything it makes of a resource; the ids of what it makes begin alike."""
    assert deployed["summary"]["parsing_errors"] == 0
    assert deployed["summary"]["passed"] > 0
    skips = declared()
    unexplained = [
        failed
        for failed in findings(deployed, "failed_checks")
        if not any(skip.check == failed.check and failed.resource.startswith(skip.resource) for skip in skips)
    ]
    assert not unexplained


def test_skips_are_those_that_are_declared(written: dict[str, Any]) -> None:
    """No skip is in a comment or a configuration that nobody reads, and none is left over."""
    assert findings(written, "skipped_checks") == set(declared())
    assert all(len(reason) >= SHORTEST_REASON for reason in declared().values())
