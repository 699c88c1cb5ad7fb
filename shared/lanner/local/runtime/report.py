"""The lines that Lambda itself writes into a function's log: START, END, REPORT and their rarer cousins.

Shapes as in docs.aws.amazon.com/lambda/latest/dg/python-logging.html; durations in milliseconds with two decimals,
memory in whole MB.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime


def init_start(runtime: str) -> str:
    """The line of a new environment; `runtime` as in the template (`python3.13`)."""
    return f"INIT_START Runtime Version: {runtime.replace('python', 'python:')}.local\n"


def restore_start(runtime: str) -> str:
    """The line of an environment that is restored from a snapshot."""
    return f"RESTORE_START Runtime Version: {runtime.replace('python', 'python:')}.local\n"


def restore_report(restore_ms: float) -> str:
    return f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms\n"


def init_report(init_ms: float, phase: str, status: str, error_type: str) -> str:
    """The line of an INIT that failed; `phase` is `init` or `invoke`, `status` `error` or `timeout`."""
    kind = f"\tError Type: {error_type}" if error_type else ""
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{kind}\n"


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def billed(duration_ms: float) -> int:
    """What Lambda bills: the duration rounded up to the next millisecond, at least one."""
    return max(1, math.ceil(duration_ms))


def report(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    max_memory_mb: int,
    init_ms: float | None = None,
    restored: bool = False,
    status: str = "",
    error_type: str = "",
) -> str:
    """The REPORT line of an invocation.

    `init_ms` is a cold one's INIT, or its restore where `restored`. `status` (`timeout`, `error`) and `error_type`
    appear only when the invocation failed.
    """
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed(duration_ms)} ms"
        f"\tMemory Size: {memory_mb} MB\tMax Memory Used: {max_memory_mb} MB\t"
    )
    if init_ms is not None:
        line += f"{'Restore' if restored else 'Init'} Duration: {init_ms:.2f} ms\t"
    if status:
        line += f"Status: {status}\t"
    if error_type:
        line += f"Error Type: {error_type}\t"
    return line + "\n"


def timed_out(now: float, request_id: str, timeout: float) -> str:
    """What a caller and the log read when the deadline passed; `now` in seconds since the epoch."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{stamp}Z {request_id} Task timed out after {timeout:.2f} seconds"


def exited(request_id: str, code: int | None) -> str:
    """What a caller reads when the process ended before it answered; a negative code is a signal's number."""
    if code is None:
        why = "unknown reason"
    elif code < 0:
        why = f"signal: {_signal_name(-code)}"
    elif code == 0:
        return f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    else:
        why = f"exit status {code}"
    return f"RequestId: {request_id} Error: Runtime exited with error: {why}"


def _signal_name(number: int) -> str:
    # The words of Go's os.ProcessState, which Lambda prints.
    names = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}
    return names.get(number, str(number))
