"""Ends what a local cloud leaves behind when it dies without a goodbye (SIGKILL, a closed terminal, a power user).

Run as a plain script in a process of its own, with a pipe from the local cloud as standard input. Lines of input:

    +PGID   a process group was started        -PGID   it has been ended

End of input means that the local cloud is gone: every group still on the list gets SIGKILL (a stopped process dies
of it too), and the folder named by the only argument is removed. Nothing is imported that the standard library's
start does not import anyway.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys


def watch(lines: object, folder: str) -> None:
    """Keep the list until the end of `lines` (an iterable of str), then end the groups and remove `folder`."""
    groups: set[int] = set()
    for line in lines:  # type: ignore[attr-defined]
        number = line[1:].strip()
        if not number.isdigit():
            continue
        if line[0] == "+":
            groups.add(int(number))
        else:
            groups.discard(int(number))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            continue  # already gone, or no longer ours
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(sys.stdin, sys.argv[1])
