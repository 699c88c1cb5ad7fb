"""Runs awslambdaric as `python -m awslambdaric HANDLER` does, and shows where an import failed.

awslambdaric reports "Unable to import module 'app': No module named 'x'" without the traceback, so that the line that
imports `x`, perhaps three modules deep, has to be guessed. Run as a plain script by the project's interpreter; what
the caller gets is awslambdaric's document, unchanged.
"""

from __future__ import annotations

import os

if "LANNER_TMP" in os.environ or "LANNER_LAYERS" in os.environ:
    import private_mounts  # type: ignore[import-not-found]  # beside this script

    private_mounts.enter_as_told()

import importlib
import runpy
import sys
import traceback

TYPE_CHECKING = False  # the name that type checkers know, without the cost of importing typing
if TYPE_CHECKING:
    from types import ModuleType

_HANDLER_MODULE = sys.argv[1].rpartition(".")[0].replace("/", ".") if len(sys.argv) > 1 else ""
_import_module = importlib.import_module


def _import_and_show(name: str, package: str | None = None) -> ModuleType:
    """`importlib.import_module`, until the handler's module has been asked for."""
    if name != _HANDLER_MODULE:
        return _import_module(name, package)
    importlib.import_module = _import_module
    try:
        return _import_module(name, package)
    except ImportError as error:
        where = error.__traceback__.tb_next if error.__traceback__ is not None else None
        sys.stdout.write("".join(traceback.format_exception(type(error), error, where)))
        raise


if __name__ == "__main__":
    importlib.import_module = _import_and_show
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as `-m` does, and without importing pathlib
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
