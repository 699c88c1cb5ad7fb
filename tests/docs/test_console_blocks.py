"""Every console session of the documentation happens as it is written, against a real `lanner dev`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.versions import REGISTRY
from lanner.clock import SystemClock
from tests.docs.conftest import LocalCloud
from tests.docs.pages import ROOT, Page, pages
from tests.docs.sessions import exchanges, matches, run

HOSTS = r"127\.0\.0\.1|localhost"
DOCUMENTED = re.compile(rf"\b({HOSTS}):3000\b")

joined = "\n".join


@pytest.mark.parametrize("page", [page for page in pages() if page.of("console")], ids=lambda page: page.name)
def test_a_session_prints_what_the_page_says(page: Page, local_cloud: LocalCloud, tmp_path: Path) -> None:
    """Given `make dev`, when its commands are pasted in order, then they print the lines below them."""
    if REGISTRY["v1"].brownout(SystemClock().now()):
        pytest.skip("v1 is in a published brownout now, and answers 503 as announced")

    found = exchanges(page)
    commands = [DOCUMENTED.sub(rf"\1:{local_cloud.port}", each.command) for each in found]
    printed = run(commands, ROOT, local_cloud.environment, tmp_path)
    assert len(printed) == len(found), f"{page.name}: a command ended the session:\n{printed[-1]}"
    for each, output in zip(found, printed, strict=True):
        as_documented = re.sub(rf"\b({HOSTS}):{local_cloud.port}\b", r"\1:3000", output)
        assert matches(each.expected, as_documented), (
            f"{each.place}: $ {each.command}\n--- the page says\n{joined(each.expected)}\n--- printed\n{as_documented}"
        )


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ([], "", True),
        ([], "x", False),
        (["a"], "", False),
        (["a", "b"], "a\nb", True),
        (["a"], "a\nb", False),
        (['{"id":"..."}'], '{"id":"7"}', True),
        (['{"id":"..."}'], '{"id":"7"\n}', False),
        (["a", "...", "c"], "a\nc", True),
        (["a", "...", "c"], "a\nb\nb\nc", True),
        (["a", "...", "c"], "a\nb", False),
        (["..."], "", True),
        (["a.c"], "abc", False),
        (["a"], "a  ", True),
    ],
)
def test_matching_is_exact_but_for_dots(expected: list[str], printed: str, same: bool) -> None:
    """A line of dots is any lines, dots in a line are any text in that line, all else is literal."""
    assert matches(expected, printed) is same


def test_a_failing_command_does_not_end_the_session(tmp_path: Path) -> None:
    """Each command's output is its own, standard error included, and variables last."""
    printed = run(["X=1; false", "echo $X", "ls /nothing-here 2>&1 | wc -l", "echo 2 >&2"], tmp_path, {}, tmp_path)
    assert [each.strip() for each in printed] == ["", "1", "1", "2"]
