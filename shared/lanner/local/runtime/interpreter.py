"""The project's Python: which one it is, whether it has awslambdaric, and where its own sources come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lanner.local.runtime.variables import shell_variables

ClientChoice = Literal["auto", "ric", "python"]

_PROBE = """
import importlib.util, json, sys, sysconfig
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "ric": importlib.util.find_spec("awslambdaric") is not None
        and importlib.util.find_spec("runtime_client") is not None,
    "prefixes": [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"), sys.prefix, sys.base_prefix],
    "path": [entry for entry in sys.path if entry],
}))
"""

_PROBE_SECONDS = 20


class InterpreterError(ValueError):
    """The interpreter that was named cannot run functions; the message says why."""


@dataclass(frozen=True)
class Interpreter:
    """One Python. `sources` are the folders on its `sys.path` outside its installation: editable installs."""

    path: Path
    version: str
    has_ric: bool
    sources: tuple[Path, ...]
    prefixes: tuple[Path, ...] = ()  # where it and its packages are installed


def default_interpreter(template: Path, environ: Mapping[str, str] | None = None) -> Path:
    """The project's Python, the nearest first: `.venv` beside the template or in a folder above it, then the
    environment that is active in the shell (`VIRTUAL_ENV`), then the Python that runs us.
    """
    beside = template.absolute() if template.is_dir() else template.absolute().parent
    active = (os.environ if environ is None else environ).get("VIRTUAL_ENV")
    environments = [folder / ".venv" for folder in (beside, *beside.parents)]
    for environment in [*environments, *([Path(active)] if active else [])]:
        for name in ("bin/python", "Scripts/python.exe"):
            if (environment / name).exists():
                return environment / name
    return Path(sys.executable)


def probe(path: Path) -> Interpreter:
    """Ask the Python at `path` about itself, in the environment that functions get.

    Raises `InterpreterError` where it does not run.
    """
    argv = [str(path.absolute()), "-c", _PROBE]  # absolute, not resolved: a venv's python is a link
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True, env=shell_variables()
        )
        answer = json.loads(done.stdout)
    except FileNotFoundError:
        raise InterpreterError(f"{path}: there is no such interpreter; name one with --python PATH") from None
    except subprocess.CalledProcessError as error:
        detail = error.stderr.strip()[-400:] or f"it ended with exit status {error.returncode}"
        raise InterpreterError(f"{path} does not run as a Python interpreter: {detail}") from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InterpreterError(f"{path} does not run as a Python interpreter: {str(error)[-400:]}") from None
    prefixes = [Path(prefix) for prefix in answer["prefixes"]]
    entries = [Path(entry) for entry in answer["path"]]
    sources = tuple(entry for entry in entries if entry.is_dir() and not any(_below(entry, p) for p in prefixes))
    return Interpreter(path.absolute(), answer["version"], answer["ric"], sources, tuple(prefixes))


def _below(entry: Path, prefix: Path) -> bool:
    return entry == prefix or prefix in entry.parents


def command(interpreter: Interpreter, choice: ClientChoice = "auto") -> Callable[[str], Sequence[str]]:
    """What makes the argv for a handler: the real awslambdaric where there is one, else our own client.

    Raises `InterpreterError` when `ric` is asked for and not installed there.
    """
    if choice == "ric" and not interpreter.has_ric:
        raise InterpreterError(
            f"{interpreter.path} has no awslambdaric: install it there, or use --runtime-client python"
        )
    if choice == "ric" or (choice == "auto" and interpreter.has_ric):
        script = str(Path(__file__).with_name("ric.py"))
        return lambda handler: (str(interpreter.path), script, handler)
    script = str(Path(__file__).with_name("client.py"))
    return lambda handler: (str(interpreter.path), "-u", script, handler)
