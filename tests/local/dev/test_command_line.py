"""The command line: lazy, clear, and the forms of parameters that SAM takes."""

from __future__ import annotations

import getpass
import re
import shlex
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from lanner import cli
from lanner.local import state
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import parse_key_sets, parse_overrides
from lanner.local.runtime.interpreter import default_interpreter
from tests.architecture.source_tree import ROOT


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


def test_key_sets_are_named_by_their_issuer(tmp_path):
    """An issuer's URL may hold anything but ends at the last equals sign."""
    file = tmp_path / "keys.json"
    file.write_text("{}")
    issuer = "https://issuer.example/a=b"
    assert parse_key_sets([f"{issuer}={file}"]) == {issuer: file}


def test_the_local_cloud_is_read_where_ctrl_c_is_no_traceback(monkeypatch, capsys):
    """Reading the arguments of `dev` imports none of it; what interrupts the import of the rest ends in 130."""
    program = "import sys; from lanner.cli import build_parser; build_parser('dev'); print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

    class Interrupted:
        def find_spec(self, name, path=None, target=None):
            if name == "lanner.local.dev":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "lanner.local.dev", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert cli.main(["dev"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("word", ["keys.json", "=keys.json", "https://issuer.example=", "issuer=no-such-file.json"])
def test_a_key_set_that_is_not_named_or_not_there_is_refused(word):
    """The word is in the message."""
    with pytest.raises(CommandError, match=re.escape(word)):
        parse_key_sets([word])


@pytest.mark.parametrize("text", ["65536", "-1", "http", "", "1.5"])
def test_a_port_that_cannot_be_is_refused_before_anything_starts(text, capsys):
    """Exit code 2 and the range."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["dev", f"--port={text}"])
    assert caught.value.code == 2
    assert "0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["dev", "--environments=0"], ["dev", "--environments=-3"], ["logs", "--limit=0"]])
def test_a_number_that_leaves_nothing_is_refused(words, capsys):
    """With no environment at all every request would wait until its timeout."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert "is no number of 1 or more" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    """`lanner --version` prints what is installed."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"lanner {version('lanner')}\n"


def test_a_reader_that_has_seen_enough_is_no_traceback(tmp_path):
    """`lanner routes | head` and a closed standard output end quietly."""
    command = f"{shlex.quote(sys.executable)} -m lanner.cli"
    routes = f"{command} routes -t {shlex.quote(str(ROOT))}"
    for line in (
        f"{routes} | true",
        f"{routes} >&-",
        f"{command} callers < /dev/null >&-",
        f"{command} callers < /dev/null | true",
    ):
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
        )
        assert done.stderr == "", line


def test_a_user_without_a_name_has_a_folder_too(monkeypatch, tmp_path):
    """As in a container that runs under any number."""

    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert state.running() == []


def an_environment(folder):
    """A folder that looks like a virtual environment's."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def test_the_projects_python_is_the_nearest_one(tmp_path):
    """`.venv` beside the template, one in a folder above, the shell's active one, ours."""
    template = tmp_path / "project" / "service" / "template.yaml"
    template.parent.mkdir(parents=True)
    template.touch()
    active = an_environment(tmp_path / "active")
    shell = {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert default_interpreter(template, {}) == Path(sys.executable)
    assert default_interpreter(template, shell) == active
    above = an_environment(tmp_path / "project" / ".venv")
    assert default_interpreter(template, shell) == above
    beside = an_environment(template.parent / ".venv")
    assert default_interpreter(template, shell) == beside
    assert default_interpreter(template.parent, {}) == beside


def test_a_word_that_is_no_override_is_named():
    """And the form that would be right."""
    with pytest.raises(CommandError, match="NAME=VALUE, not 'nonsense'"):
        parse_overrides(["nonsense"])
