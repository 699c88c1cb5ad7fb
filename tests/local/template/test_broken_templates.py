"""Any template, however broken, is read or refused with a reason: reading never fails in another way."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lanner.local.template import TemplateError, load_plan
from lanner.local.template.findings import Findings
from lanner.local.template.source import load, plain

REPOSITORY = Path(__file__).parents[3]
PROJECTS = REPOSITORY / "tests" / "local" / "projects"
SOURCES = [
    REPOSITORY / "template.yaml",
    PROJECTS / "gallery_rest" / "template.yaml",
    PROJECTS / "hooks_urls" / "template.json",
    PROJECTS / "notes_http" / "template.yml",
    PROJECTS / "orders_openapi" / "template.yaml",
    *sorted((PROJECTS / "raw_cases").glob("*.yaml")),
    *sorted((PROJECTS / "sam_cases").glob("*.yaml")),
]
DOCUMENTS = [plain(load(source, Findings())) for source in SOURCES]
WRONG: list[Any] = [
    None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], {"a": None}, {"Ref": "Nobody"}, {"Ref": [1]},
    {"Ref": "AWS::NoValue"}, {"Fn::If": ["a"]}, {"Fn::Sub": 3}, {"Fn::GetAtt": "x"}, {"Fn::GetAtt": []},
    {"Fn::Join": [",", [{"a": 1}]]}, {"Fn::ForEach::X": ["a", ["b"], {"c": 1}]}, "{{resolve:ssm:}}",
    {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": 5}}},
]  # fmt: skip
KEYS = ["Type", "Properties", "Fn::Sub", "Ref", "Nobody", "Condition", "Fn::Transform"]


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything below a node."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


@st.composite
def broken(draw: st.DrawFn) -> tuple[int, Any]:
    """A template of ours with one to three of its parts replaced, taken away or renamed."""
    index = draw(st.integers(0, len(DOCUMENTS) - 1))
    document = copy.deepcopy(DOCUMENTS[index])
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(document))))
        parent = document
        for key in path:
            parent = parent[key]
        how = draw(st.sampled_from(["replace", "replace", "remove", "rename"]))
        if how == "replace":
            parent[last] = copy.deepcopy(draw(st.sampled_from(WRONG)))
        else:
            value = parent.pop(last)
            if how == "rename" and isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = value
    return index, document


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Each project's folder without its template, so that code and includes are found."""
    root = tmp_path_factory.mktemp("broken")
    for project in PROJECTS.iterdir():
        shutil.copytree(project, root / project.name)
    own = root / "own"
    own.mkdir()
    (own / "functions").symlink_to(REPOSITORY / "functions")
    return [own if source.parent == REPOSITORY else root / source.parent.name for source in SOURCES]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(broken())
def test_a_broken_template_gives_findings_or_a_template_error(folders: list[Path], case: tuple[int, Any]) -> None:
    """And every finding has a file and a line."""
    index, document = case
    file = folders[index] / "broken.json"
    file.write_text(json.dumps(document))
    try:
        findings = load_plan(file).findings
    except TemplateError as error:
        findings = error.findings
        assert findings
    assert all(each.message and each.where.line >= 1 and each.where.file.is_absolute() for each in findings)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_a_file_of_anything_gives_findings_or_a_template_error(folders: list[Path], text: str) -> None:
    """Text that nobody meant as a template."""
    file = folders[0] / "anything.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(TemplateError):
        load_plan(file)
