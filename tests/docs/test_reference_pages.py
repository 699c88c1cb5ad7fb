"""Reference pages say what the code says: problem types, settings, dependencies."""

from __future__ import annotations

import ast
import re

from samtranslator.yaml_helper import yaml_parse

from bench.dependencies import IMPORTS, direct, fill
from docs.problem_types import PROBLEM_TYPES
from lanner.cli import COMMANDS
from lanner.http.problems import ApiError
from tests.docs.command_lines import options
from tests.docs.pages import ROOT, pages
from tests.docs.request_line import request_line_members

BY_NAME = {page.name: page for page in pages()}
SETTING = re.compile(r"LANNER_[A-Z0-9_]*[A-Z0-9_]")
FAMILIES = ("LANNER_FORWARD_", "LANNER_WARM_")  # one for each version, one for each function
ALONE = {"LANNER_WARM_PLAN"}
SOURCES = ("shared", "functions")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)")


def headings(name: str) -> list[str]:
    """The second-level headings of a page."""
    return [line.removeprefix("## ") for _, line in BY_NAME[name].prose if line.startswith("## ")]


def slugs_in_source() -> set[str]:
    """Every slug that an `ApiError` is raised with: class attributes, `slug=` arguments, assignments to `slug`."""
    found = {ApiError.slug}
    for folder in SOURCES:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "slug":
                    found |= constants(node.value)
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                    names = [each.id for each in node.targets[0].elts if isinstance(each, ast.Name)]
                    if "slug" in names and isinstance(node.value, ast.Tuple):
                        found |= constants(node.value.elts[names.index("slug")])
    return found


def constants(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_problem_type_has_a_section() -> None:
    """`type` of a problem names a section of errors.md: those of the code, and those that API Gateway makes."""
    sections = {name for name in headings("docs/errors.md") if name != "What to do"}
    assert slugs_in_source() >= {"bad-request", "email-taken", "unsupported-version"}
    assert slugs_in_source() <= sections
    assert sections == set(PROBLEM_TYPES)


def test_sections_of_problems_begin_with_their_status() -> None:
    """The status is the first thing that a section says, and the one that the API sends."""
    prose = [line for _, line in BY_NAME["docs/errors.md"].prose if line.strip()]
    wrong = [
        slug
        for slug, problem in PROBLEM_TYPES.items()
        if not prose[prose.index(f"## {slug}") + 1].startswith(str(problem.status))
    ]
    assert not wrong, wrong


def test_every_setting_is_explained() -> None:
    """configuration.md has each LANNER_ variable of the source, the template and the build, and no other."""
    files = [file for folder in SOURCES for file in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "template.yaml", ROOT / "Makefile", ROOT / "functions" / "Makefile"]
    read = {name for file in files for name in SETTING.findall(file.read_text("utf-8"))}
    read = {next((family for family in FAMILIES if name.startswith(family)), name) for name in read - ALONE} | ALONE
    text = BY_NAME["docs/configuration.md"].path.read_text("utf-8")
    explained = set(re.findall(r"^\| `(LANNER_[A-Z0-9_]+)", text, re.MULTILINE))
    assert explained == read


def test_every_direct_dependency_is_explained() -> None:
    """DEPENDENCIES.md has a row for each line of requirements/*.in, and no other."""
    wanted = {
        match.group(1).lower()
        for file in (ROOT / "requirements").glob("*.in")
        for line in file.read_text("utf-8").splitlines()
        if (match := REQUIREMENT.match(line)) and not line.startswith("-")
    }
    text = BY_NAME["docs/DEPENDENCIES.md"].path.read_text("utf-8")
    explained = {name.lower() for name in re.findall(r"^\| `([A-Za-z0-9._-]+)` \|", text, re.MULTILINE)}
    assert explained == wanted


def first_cells(name: str, heading: str) -> set[str]:
    """What stands between backquotes in the first column of the tables below a heading."""
    prose = [line for _, line in BY_NAME[name].prose]
    start = prose.index(heading) + 1
    end = next((at for at in range(start, len(prose)) if prose[at].startswith("## ")), len(prose))
    rows = [line.split("|")[1] for line in prose[start:end] if line.startswith("| `")]
    return {code.split()[0] for cell in rows for code in re.findall(r"`([^`]+)`", cell)}


def test_every_parameter_of_the_template_is_explained() -> None:
    """deploy.md has each parameter, and no other."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    assert first_cells("docs/deploy.md", "## Parameters") == set(template["Parameters"])


def test_every_option_of_the_local_cloud_is_explained() -> None:
    """local-development.md has each option of `lanner dev`, and no other."""
    explained = {name for name in first_cells("docs/local-development.md", "## Options") if name.startswith("--")}
    assert explained == options("dev") - {"--help"}


def test_every_command_is_mentioned() -> None:
    """Each `lanner` command is shown or named somewhere."""
    text = "".join(page.path.read_text("utf-8") for page in pages())
    missing = [name for name in COMMANDS if f"lanner {name}" not in text]
    assert not missing, missing


def test_every_member_of_the_request_line_is_explained() -> None:
    """observability.md has each member, and no other; `_aws` is the format's own."""
    assert first_cells("docs/observability.md", "## The line") == request_line_members() - {"_aws"}


def test_dependencies_are_measured() -> None:
    """The script knows how each direct dependency is imported, and the page has no row that it did not fill."""
    assert set(IMPORTS) == set(direct())
    text = BY_NAME["docs/DEPENDENCIES.md"].path.read_text("utf-8")
    empty = re.findall(r"^\| `([A-Za-z0-9._-]+)` \| (?:\? \||[^|]+\| *\?)", text, re.MULTILINE)
    assert not empty, f"run python -m bench.dependencies --page docs/DEPENDENCIES.md for {empty}"


def test_measurements_fill_their_cells_only() -> None:
    """Cost and licence are replaced where the package was measured; prose and other rows stay."""
    page = "| `orjson` | 0 | ? | JSON | json |\n| `PyYAML` | 0 | ? | | |\ntext `orjson` | 0 |\n"
    assert fill(page, {"orjson": ("18", "MIT")}) == (
        "| `orjson` | 18 | MIT | JSON | json |\n| `PyYAML` | 0 | ? | | |\ntext `orjson` | 0 |\n"
    )
