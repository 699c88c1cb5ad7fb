"""One process of a crowd, for tests that kill one: threads that ask at once for the same thing, over a shared folder.

    python crowd.py FOLDER LOG THREADS LEASE_MS ORIGIN_SECONDS

The origin writes a line with its process to LOG and then takes its time. What the threads got goes to standard output.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from lanner.cache.file import FileBackend
from lanner.cache.response import ResponseCache
from lanner.clock import SystemClock
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import request


def main(folder: str, log: str, threads: int, lease_ms: int, seconds: float) -> None:
    cache = ResponseCache(FileBackend(folder, budget_ms=60_000), SystemClock(), lease_ms=lease_ms)
    statuses: list[str] = []

    def origin(_: Request) -> Response:
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write(f"{os.getpid()}\n")
        SystemClock.sleep(seconds)
        return Response(200, {"cache-control": "max-age=600"}, b"answer")

    def ask() -> None:
        statuses.append(str(cache.handle(request("GET"), origin).status))

    crowd = [threading.Thread(target=ask) for _ in range(threads)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    print(" ".join(statuses), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
