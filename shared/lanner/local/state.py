"""Which local clouds run on this machine: `lanner logs`, `invoke` and `cache` find theirs by its template.

One small JSON file per server in a folder of the user's own below the system's temporary folder, removed at the end;
a file whose process is gone is ignored and removed by whoever reads it.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunningCloud:
    """One `lanner dev`: `url` is the gateway's, `control` the Invoke endpoint's, `engine` that of DynamoDB, SQS, ..."""

    pid: int
    template: str
    url: str
    control: str
    engine: str = ""


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"lanner-dev-{_user()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _user() -> str:
    """Whose folder: a name, or the number of a user who has none, as in a container that runs under any number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unnamed"


def announce(cloud: RunningCloud) -> Path:
    """Write the file of a server that has started; the caller removes it."""
    path = _folder() / f"{cloud.pid}-{cloud.url.rpartition(':')[2]}.json"
    path.write_text(json.dumps(asdict(cloud)))
    return path


def running() -> list[RunningCloud]:
    """All that run, newest first."""
    found = []
    for path in sorted(_folder().glob("*.json"), key=lambda each: each.stat().st_mtime, reverse=True):
        with contextlib.suppress(OSError, ValueError, TypeError):
            cloud = RunningCloud(**json.loads(path.read_text()))
            if _alive(cloud.pid):
                found.append(cloud)
            else:
                path.unlink(missing_ok=True)
    return found


def find(template: Path) -> RunningCloud | None:
    """The newest server of `template`, a file or the folder that has it; None when there is none."""
    wanted = template.resolve()
    return next((cloud for cloud in running() if wanted in (Path(cloud.template), Path(cloud.template).parent)), None)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
