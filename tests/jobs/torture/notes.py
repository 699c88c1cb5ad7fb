"""The ledger: files that are only appended to, each line in one write.

asked          numbers, before the first request for each
acknowledged   number and id of the job, once a client has read a 202, or a 200
hung-up        number, for a request whose answer nobody read
refused        number and status, for an answer that says neither yes nor "again"
attempts       number and attempt, when a job's code starts
finished       ids of jobs that a worker, or a client that asked, found finished
"""

from __future__ import annotations

import os
from pathlib import Path

LEDGER = Path(os.environ.get("LANNER_TORTURE_LEDGER", "."))


def note(name: str, text: str) -> None:
    """Append a line in one write: a kill leaves it whole or not there."""
    handle = os.open(LEDGER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{text}\n".encode())
    os.close(handle)


def lines(name: str) -> list[str]:
    """Everything that was noted so far."""
    file = LEDGER / name
    return file.read_text().splitlines() if file.exists() else []


class Tail:
    """The different lines that a file has, read on from where the last look ended; for one thread."""

    def __init__(self, name: str) -> None:
        self._path = LEDGER / name
        self._at = 0
        self._seen: set[str] = set()

    def seen(self) -> set[str]:
        """Different lines until now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._at)
                found = file.read()
            whole = found[: found.rfind(b"\n") + 1]
            self._at += len(whole)
            self._seen.update(whole.decode().splitlines())
        return self._seen
