"""Links, paths, commands and settings that the documentation's prose names exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.command_lines import commands, options, problem
from tests.docs.pages import ROOT, Page, pages

BY_NAME = {page.name: page for page in pages()}
FOLDERS = ("functions", "shared", "tests", "events", "bench", "docs", "requirements", "deploy")
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+")
WRITTEN = re.compile(r"^# ([\w/-]+\.\w+)$", re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    """Files and anchors exist; links elsewhere are https (or this machine's)."""
    wrong = []
    for line, target in page.links():
        if "://" in target:
            if not target.startswith(("https://", "http://127.0.0.1:3000/")):
                wrong.append(f"{page.name}:{line}: {target} is not https")
            continue
        name, _, anchor = target.partition("#")
        file = (page.path.parent / name).resolve() if name else page.path
        if not file.exists():
            wrong.append(f"{page.name}:{line}: {target} does not exist")
        elif anchor and anchor not in BY_NAME[file.relative_to(ROOT).as_posix()].anchors():
            wrong.append(f"{page.name}:{line}: {target}: no such heading")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_paths_exist(page: Page) -> None:
    """A path in backquotes is in the repository, or is written by a block of the page; `<...>` and `*` are patterns."""
    written = {name for block in page.blocks for name in WRITTEN.findall(block.text)}
    wrong = [
        f"{page.name}:{line}: {code}"
        for line, code in page.inline_code()
        if PATH.fullmatch(code) and not (ROOT / code).exists() and not any(name.startswith(code) for name in written)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_commands_in_prose_exist(page: Page) -> None:
    """`make target` and `lanner command --option` in backquotes are real."""
    wrong = []
    for line, code in page.inline_code():
        if code.startswith("make ") and problem(commands(code)[0]):
            wrong.append(f"{page.name}:{line}: {code}: {problem(commands(code)[0])}")
        if code.startswith("lanner "):
            _, command, *words = code.split()
            known = options(command) | {"--help"}
            unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
            wrong += [f"{page.name}:{line}: lanner {command} has no {word}" for word in unknown]
    assert not wrong, "\n".join(wrong)


def test_every_page_is_in_the_index() -> None:
    """A page that nothing links to is a page that nobody reads."""
    index = BY_NAME["docs/README.md"]
    linked = {(index.path.parent / target.partition("#")[0]).resolve() for _, target in index.links()}
    missing = [
        name for name, page in BY_NAME.items() if name.startswith("docs/") and page != index and page.path not in linked
    ]
    assert not missing, f"docs/README.md does not link to {missing}"


def test_the_readme_names_the_two_commands() -> None:
    """Whoever opens the repository finds how to run it and how to test it, and where the measurements go."""
    readme = BY_NAME["README.md"]
    shell = "".join(block.text for block in readme.of("sh"))
    assert "make dev" in shell
    assert "make test" in shell
    text = readme.path.read_text("utf-8")
    assert text.index("<!-- bench -->") < text.index("<!-- /bench -->")
