"""What an environment's processes hold in memory.

Lambda bounds the memory of the whole microVM. The nearest honest thing without root or cgroups is to look: resident
memory of the process and its descendants, read from `/proc` on Linux and asked of `ps` on macOS, at intervals. An
address-space limit (RLIMIT_AS) would refuse mappings that are never touched, and break ordinary Python with threads
below some 300 MB. What is between two looks is not seen, except on Linux for the first process, whose peak the
kernel keeps (`VmHWM`). On Windows nothing is measured: 0.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_PROC = Path("/proc")
_PROC_STATUS = _PROC / "self" / "status"


def resident_mb(pid: int) -> int:
    """Resident memory of `pid` and all its descendants, in MB; 0 where it is gone or cannot be known."""
    if _PROC_STATUS.exists():
        return sum(_status_kb(each, "VmRSS:") for each in _family(pid)) // 1024
    if shutil.which("ps"):
        return _ps_resident_kb(pid) // 1024
    return 0


def peak_mb(pid: int) -> int:
    """The most that `pid` itself ever held, in MB; 0 on other systems than Linux, where looks must do."""
    return _status_kb(pid, "VmHWM:") // 1024


def _status_kb(pid: int, field: str) -> int:
    try:
        text = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    _, found, rest = text.partition(field)
    return int(rest.split(None, 1)[0]) if found else 0


def _family(pid: int) -> list[int]:
    members = [pid]
    for member in members:  # grows while it is read: a walk over the tree
        try:  # children are listed under the thread that started them
            lists = [task.joinpath("children").read_text() for task in (_PROC / str(member) / "task").iterdir()]
        except OSError:
            continue
        members += [int(child) for children in lists for child in children.split()]
    return members


def _ps_resident_kb(group: int) -> int:
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], capture_output=True, text=True, check=False)
    rows = (line.split() for line in listing.stdout.splitlines())
    return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] == str(group))
