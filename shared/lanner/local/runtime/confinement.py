"""Whether environments can have a `/tmp` and an `/opt` of their own here, and what they still see of this machine's.

`private_mounts.py` does it, in the environment's process. Kept below the new `/tmp` are the project (its template's
folder, code, layers), the interpreter with its packages, Lanner's own files, and what the developer shares on purpose.
Where it is not possible an environment gets a TMPDIR of its own, which `tempfile` honours and a literal "/tmp" not; and
of layers what the paths name is found (`variables.py`), and what is opened as "/opt/..." not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.interpreter import Interpreter
from lanner.local.runtime.private_mounts import LAYERS, OPT, TMP, VARIABLE

_SCRIPTS = Path(__file__).parent
_TRIES = 10.0  # seconds


def refusal(interpreter: Path) -> str:
    """Why an environment cannot have mounts of its own here; empty where it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no mount namespaces"
    argv = [str(interpreter), "-I", "-S", str(_SCRIPTS / "private_mounts.py")]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TRIES, check=False, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it was refused"])[-1]


class Confinement:
    """What is kept of `/tmp` for the environments of one local cloud."""

    def __init__(self, interpreter: Interpreter, shared: Iterable[Path] = ()) -> None:
        self._own = (interpreter.path.parent.parent, *interpreter.prefixes, *interpreter.sources, _SCRIPTS, *shared)

    def variables(self, plan: CloudPlan, function: FunctionPlan) -> dict[str, str]:
        """What tells `private_mounts.py` what to do in an environment of `function`."""
        kept = kept_paths([plan.template.parent, function.code, *function.layers, *self._own])
        return {VARIABLE: os.pathsep.join([str(function.ephemeral_storage), *kept]), **layers_variable(function)}


def layers_variable(function: FunctionPlan) -> dict[str, str]:
    """The part of it for `/opt`, which is left alone without layers, and where the machine has none to cover."""
    if not function.layers or not Path(OPT).is_dir():
        return {}
    return {LAYERS: os.pathsep.join(map(str, function.layers))}


def kept_paths(paths: Iterable[Path]) -> list[str]:
    """Those that lie below `/tmp`, by every name, without what another one contains."""
    found: set[Path] = set()
    for path in paths:
        for each in (path.absolute(), path.resolve()):
            if Path(TMP) in each.parents and each.exists():
                found.add(each)
    return sorted(str(path) for path in found if not any(other in path.parents for other in found))
