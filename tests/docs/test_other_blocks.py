"""Fenced blocks that are neither sessions nor Python: data parses, commands exist, queries name fields."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.docs.command_lines import commands, problem
from tests.docs.pages import Block, pages
from tests.docs.request_line import job_line_members, request_line_members

NOT_RUN = {
    "make": "installs, serves until Ctrl-C, or takes minutes; its targets are looked up in the Makefile",
    "lanner": "serves or follows until Ctrl-C, or needs another project; the CLI's own parser reads it",
    "sam": "deploys to an AWS account or needs Docker",
    "aws": "needs an AWS account",
    "git": "changes the checkout",
    "docker": "needs an engine",
    "curl": "asks what is not in this repository; what is asked of ours stands in sessions",
}
"""Programs that a ```sh block may name, and why nothing runs them here. What can run is a ```console session."""

EXECUTED = ("console", "python")
BLOCKS = [block for page in pages() for block in page.blocks if block.language not in EXECUTED]


def parse_insights(text: str) -> None:
    """CloudWatch Logs Insights: each stage is a known command, each name a member of a line or made before."""
    known = request_line_members() | job_line_members()
    stages = [stage.strip() for stage in text.replace("\n", " ").split("|")]
    for stage in stages:
        assert stage.split(" ", 1)[0] in {"fields", "filter", "stats", "sort", "limit", "display", "parse"}, stage
        known |= set(re.findall(r"\bas (\w+)", stage))
        words = re.findall(r"[@\w.]+(?!\w*\()", re.sub(r'"[^"]*"|/[^/]*/|\b[\w.]+\(', " ", stage))
        unknown = [
            word
            for word in words[1:]
            if not (word.partition(".")[0] in known or word in INSIGHTS_WORDS or word[0] in "@0123456789")
        ]
        assert not unknown, f"{stage!r} names {unknown}, which no line of ours has"


INSIGHTS_WORDS = {"and", "or", "not", "in", "like", "by", "as", "asc", "desc", "is", "present"}


def check_commands(text: str) -> None:
    """Every command of a shell block is on the list of those that are not run, and ours exist."""
    for line in text.replace("\\\n", " ").splitlines():
        for words in commands(line):
            assert words[0] in NOT_RUN, f"{words[0]!r} is not on the list of what is not run: make it a console session"
            assert not problem(words), f"{line}: {problem(words)}"


CHECKS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml_parse,
    "toml": tomllib.loads,
    "sh": check_commands,
    "insights": parse_insights,
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_what_it_says(block: Block) -> None:
    """Blocks in a language that nothing checks are not allowed: prose and tables do what they would do."""
    assert block.language in CHECKS, f"{block.place}: {block.language!r}; use one of {sorted([*EXECUTED, *CHECKS])}"
    assert block.text.strip(), f"{block.place} is empty"
    CHECKS[block.language](block.text)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("make dev PORT=8080", ""),
        ("make devv", "no target devv"),
        ("lanner dev --template x.yaml --port 3000", ""),
        ("lanner dev --prt 3000", "unrecognized arguments"),
        ("lanner serve", "no command 'serve'"),
        ("sam deploy", ""),
    ],
)
def test_commands_are_held_against_what_there_is(line: str, says: str) -> None:
    """A target or an option that does not exist is found; programs of others are not looked into."""
    (words,) = commands(line)
    found = problem(words)
    assert says in found if says else not found
