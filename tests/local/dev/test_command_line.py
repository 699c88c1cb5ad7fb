"""The command line: lazy, clear, and the forms of parameters that SAM takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lanner import cli
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import parse_overrides


def test_help_imports_no_command():
    """Nothing heavy is loaded to print the list of commands."""
    program = (
        "import sys\nfrom lanner import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('lanner.local') or name == 'asyncio'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr
    for name in cli.COMMANDS:
        assert name in done.stdout


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_explains_itself(name, capsys):
    """`lanner COMMAND --help` works for all of them."""
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    assert f"usage: lanner {name}" in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_list(capsys):
    """Exit code 2, as argparse does."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["sevre"])
    assert caught.value.code == 2
    assert "dev" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["A=1", "B=x=y"], {"A": "1", "B": "x=y"}),
        (["A=1 B='two words'"], {"A": "1", "B": "two words"}),
        (["ParameterKey=A,ParameterValue=1"], {"A": "1"}),
        (["A="], {"A": ""}),
    ],
)
def test_parameter_overrides_in_every_form_of_sam(words, expected):
    """Separate words, one quoted word, the long form."""
    assert parse_overrides(words) == expected


def test_a_word_that_is_no_override_is_named():
    """And the form that would be right."""
    with pytest.raises(CommandError, match="NAME=VALUE, not 'nonsense'"):
        parse_overrides(["nonsense"])
