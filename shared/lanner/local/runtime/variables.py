"""The environment variables of a function's process: those of a real Lambda, and nothing of the developer's shell.

Later entries win: what Lambda defines, then the engine's endpoint and credentials, then the template's `Variables`,
then what the runtime cannot do without. Of the shell only PATH and HOME (and what Windows needs to start a process)
are passed on. Where `/tmp` is not the environment's own, `TMPDIR` names a folder that is.
Source: docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables".
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from lanner.local.plan import FunctionPlan

LATEST = "$LATEST"
_PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE")


def shell_variables() -> dict[str, str]:
    """What is passed on of the developer's shell."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def version_of(function: FunctionPlan) -> str:
    """The version that an environment of `function` reports: `1` once the template publishes versions."""
    return "1" if function.alias or function.snap_start else LATEST


def log_group(function: FunctionPlan) -> str:
    return function.logging.group or f"/aws/lambda/{function.name}"


def log_stream(version: str, now: float) -> str:
    """A stream name as Lambda makes them: date, version, 32 hexadecimal digits."""
    day = time.strftime("%Y/%m/%d", time.gmtime(now))
    return f"{day}/[{version}]{secrets.token_hex(16)}"


def python_path(function: FunctionPlan) -> list[Path]:
    """What Lambda puts on `sys.path` before its own: the code, then each layer's `python` folders."""
    paths = [function.code]
    for layer in function.layers:
        python = layer / "python"
        paths += sorted(python.glob(f"lib/{function.runtime}/site-packages"))
        if python.is_dir():
            paths.append(python)
    return paths


def _layer_paths(function: FunctionPlan) -> dict[str, str]:
    """PATH and LD_LIBRARY_PATH, as far as layers have programs and libraries for them; a later layer's come first.

    Their real places instead of `/opt/bin` and `/opt/lib`: those are there only where an environment has mounts of its
    own, and the dynamic linker has looked for them before.
    """
    bins = [str(layer / "bin") for layer in reversed(function.layers) if (layer / "bin").is_dir()]
    libraries = [str(layer / "lib") for layer in reversed(function.layers) if (layer / "lib").is_dir()]
    made: dict[str, str] = {}
    if bins:
        made["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *bins])
    if libraries:
        made["LD_LIBRARY_PATH"] = os.pathsep.join([str(function.code), str(function.code / "lib"), *libraries])
    return made


def variables(
    function: FunctionPlan,
    *,
    runtime_api: str,
    region: str,
    engine: Mapping[str, str],
    tmp: Path | None,
    now: float,
    initialization: str = "on-demand",
) -> dict[str, str]:
    """All variables of one new environment. `now` in seconds since the epoch, for the log stream's date."""
    version = version_of(function)
    defined = {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_LOG_FORMAT": function.logging.format,
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream(version, now),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8",
        "PYTHONIOENCODING": "utf-8",
        "TZ": ":UTC",
    }
    required = {
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": str(function.code),
        "_HANDLER": function.handler,
    }
    if tmp is not None:
        required["TMPDIR"] = str(tmp)
    if function.logging.format == "JSON":
        required["AWS_LAMBDA_LOG_LEVEL"] = function.logging.level
    paths = os.pathsep.join(str(path) for path in python_path(function))
    own = dict(function.environment)
    if own.get("PYTHONPATH"):
        paths = paths + os.pathsep + own["PYTHONPATH"]
    return {**shell_variables(), **_layer_paths(function), **defined, **engine, **own, **required, "PYTHONPATH": paths}
