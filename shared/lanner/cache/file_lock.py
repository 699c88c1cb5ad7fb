"""One shard's lock: `flock` on a file in its folder, which ends with the process, whatever ends it.

Waiting is bounded: a process that was stopped while it had the lock costs the others their budget and no more. Somebody
may remove the folder meanwhile; a lock on a file that is not in place any more excludes nobody and is taken anew.

Raises `CacheBudgetSpent`; `OSError` for what the disk says.
"""

# Importing pathlib costs a cold start 5 ms.
# ruff: noqa: PTH103, PTH116
from __future__ import annotations

import os

from lanner.cache.allowance import capped
from lanner.cache.errors import CacheBudgetSpent
from lanner.cache.file_layout import NO_LINKS
from lanner.clock import SystemClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE, LONGEST_PAUSE = 0.0001, 0.004
"""Seconds between two attempts: there is no flock with a time limit."""
_TIME = SystemClock()
"""Other processes' time, which no test can move."""


def until(budget: float) -> float:
    """When a wait that begins now is over, for `take`."""
    return _TIME.monotonic() + capped(budget * 1000) / 1000


def take(folder: str, mode: int, end: float, operation: str, needless: Callable[[], bool] | None = None) -> int | None:
    """The descriptor of a shard's lock file, locked; closing it unlocks. The folder is made where it is not there.

    None where `needless` says, while another one has the lock, that there is no need of it any more.
    """
    path = f"{folder}/.lock"
    while True:
        lock = _opened(folder, path, mode)
        try:
            locked = _wait(lock, end, operation, needless)
            if locked and os.fstat(lock).st_ino == os.stat(path).st_ino:
                return lock
        except FileNotFoundError:
            locked = True  # on a file that is not in place: the folder was removed since
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        if not locked:
            return None


def _opened(folder: str, path: str, mode: int) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | NO_LINKS, mode)
    except FileNotFoundError:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | NO_LINKS, mode)


def _wait(lock: int, end: float, operation: str, needless: Callable[[], bool] | None) -> bool:
    import fcntl  # there is none on Windows, where nobody runs Lambda

    pause = PAUSE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _TIME.monotonic() >= end:
                raise CacheBudgetSpent(f"file: {operation}: another process has the lock") from None
            _TIME.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            if needless is not None and needless():
                return False
        else:
            return True
