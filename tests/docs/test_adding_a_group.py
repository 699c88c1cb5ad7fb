"""The page about adding a route group is followed to the letter, in a copy of the repository that is then served."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import tracked_files
from tests.docs.conftest import start_cloud, stop_cloud
from tests.docs.pages import ROOT, pages

PAGE = next(page for page in pages() if page.name == "docs/add-a-route-group.md")
NAME = "greetings"

# What the page asks for in words, and the tests that it says will fail until everything agrees.
COPIED = ("CatalogFailuresAlarm", "CatalogLatencyAlarm")
TESTS = (
    "tests/architecture/test_layout.py",
    "tests/architecture/test_imports.py",
    "tests/deploy/test_template.py",
)
NEEDS_SAM = "test_sam_accepts_the_template"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is tracked, with the page's group added, known to git."""
    copy = tmp_path_factory.mktemp("repository")
    for file in tracked_files():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, copy / file)
    follow_the_page(copy)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=copy, check=True)
    return copy


def follow_the_page(copy: Path) -> None:
    """Its modules, its resources, its event, its test, and the three things that it says in words."""
    package = copy / "functions" / NAME
    package.mkdir()
    (package / "__init__.py").write_text('"""Greetings, in v2."""\n')
    modules = [block for block in PAGE.of("python") if block.text.startswith(f"# functions/{NAME}/")]
    for block in modules:
        first, _, rest = block.text.partition("\n")
        (copy / first.removeprefix("# ")).write_text(rest)
    (event,) = PAGE.of("json")
    (copy / "events" / NAME).mkdir()
    (copy / "events" / NAME / "read_200.json").write_text(event.text)
    (copy / "tests" / "functions" / "test_greetings_function.py").write_text(
        '"""Greetings."""\n\nfrom greetings.app import GROUP\n\n\n'
        'def test_its_name() -> None:\n    """It has one."""\n    assert GROUP.name == "greetings"\n'
    )
    makefile = copy / "functions" / "Makefile"
    line = "folder_GreetingsFunction := greetings"
    assert line in PAGE.path.read_text("utf-8")
    makefile.write_text(makefile.read_text().replace("folder_CatalogFunction", f"{line}\nfolder_CatalogFunction"))
    template = copy / "template.yaml"
    template.write_text(with_the_group(template.read_text("utf-8")))


def with_the_group(template: str) -> str:
    """The template with the page's resources, the copied alarms, and the hooks' permission."""
    (fragment,) = PAGE.of("yaml")
    added = [re.sub(r"^(?=.)", "  ", fragment.text, flags=re.MULTILINE)]
    for name in COPIED:
        resource = re.search(rf"^  {name}:\n(?:(?:   .*)?\n)+?(?=^  \S)", template, re.MULTILINE)
        assert resource is not None, name
        added.append(resource.group().replace("Catalog", "Greetings"))
    template = template.replace("Resources:\n", "Resources:\n" + "".join(added), 1)
    permission = "- !Sub ${CatalogFunction.Arn}:*\n"
    assert template.count(permission) >= 2, "the hooks' statement AskVersions is written differently"
    return re.sub(
        rf"^( *){re.escape(permission)}",
        lambda found: found.group() + found.group().replace("Catalog", "Greetings"),
        template,
        flags=re.MULTILINE,
    )


def test_the_repository_agrees_on_the_new_group(repository: Path) -> None:
    """Folder, template, build, events, hooks and alarms: the tests that watch over them pass, but for one that asks."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", f"not {NEEDS_SAM}", *TESTS],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    asks = "tests/deploy/test_template.py::test_functions_may_do_no_more_than_they_need"
    assert failed == [asks], f"{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_the_new_group_is_served(repository: Path, tmp_path: Path) -> None:
    """`lanner dev` in the copy answers as the page says, next to everything else."""
    process, port = start_cloud(repository, tmp_path)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/v2/greetings/ana")
        response = connection.getresponse()
        assert json.loads(response.read()) == {"greeting": "Hello, Ana", "version": "v2"}
        connection.request("GET", "/v2/greetings/ana", headers={"If-None-Match": response.headers["etag"]})
        response = connection.getresponse()
        assert (response.status, response.read()) == (304, b"")
        connection.request("GET", "/v2/health")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        stop_cloud(process)
