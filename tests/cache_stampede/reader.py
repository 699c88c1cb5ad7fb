"""One process of a stampede: for each round, many threads ask for one key at once.

A round is a line of JSON on standard input: `{kind, url, threads, log, mode}`. The process says `ready` when all
threads stand at the barrier, begins when the next line comes in, and writes one line of JSON: what the threads got, and
how often. Every call of the computation appends one line to the log, before it begins.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

from lanner.cache.functions import cached
from lanner.cache.response import ResponseCache
from lanner.cache.url import open_backend
from lanner.clock import SystemClock
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import request

TAKES = {"one": 0.25}
BRIEFLY = 0.1
"""Seconds of a computation; where it is called once, long enough for all to meet it."""
PATIENT_MS = 60_000
LEASE_MS = {"dies": 1_500}
"""Whoever takes over has twice that, which has to be enough on a busy machine."""
HANGS = 30.0

Ask = Callable[[], str]


def compute(log: str, mode: str) -> str:
    """The computation: `one` answers, `raises` fails with a message of its own call, `dies` hangs the first time."""
    line = f"{os.getpid()}-{threading.get_ident()}\n"
    first = os.path.getsize(log) == 0
    with open(log, "ab", buffering=0) as file:
        file.write(line.encode())
    time.sleep(HANGS if mode == "dies" and first else TAKES.get(mode, BRIEFLY))
    if mode == "raises":
        raise LookupError(line.strip())
    return line.strip()


def function_ask(url: str, log: str, mode: str) -> Ask:
    """Ask a cached function."""
    lease_ms = LEASE_MS.get(mode, PATIENT_MS)

    @cached(600, key="stampede", backend=open_backend(url), lease_ms=lease_ms, wait_ms=PATIENT_MS)
    def value() -> str:
        return compute(log, mode)

    return value


def response_ask(url: str, log: str, mode: str) -> Ask:
    """Ask a response cache."""
    lease_ms = LEASE_MS.get(mode, PATIENT_MS)
    cache = ResponseCache(open_backend(url), SystemClock(), lease_ms=lease_ms, wait_ms=PATIENT_MS)
    control = "private, no-store" if mode == "private" else "max-age=600"

    def origin(_: Request) -> Response:
        return Response(200, {"cache-control": control}, compute(log, mode).encode())

    return lambda: cache.handle(request("GET"), origin).body.decode()


ASKS: dict[str, Callable[[str, str, str], Ask]] = {"function": function_ask, "response": response_ask}


def play(kind: str, url: str, threads: int, log: str, mode: str) -> None:
    """One round."""
    ask = ASKS[kind](url, log, mode)
    start = threading.Event()
    there = threading.Barrier(threads + 1)
    lock = threading.Lock()
    got: Counter[str] = Counter()

    def one() -> None:
        there.wait()
        start.wait()
        try:
            seen = ask()
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
        with lock:
            got[seen] += 1

    crowd = [threading.Thread(target=one, daemon=True) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    there.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    start.set()
    for thread in crowd:
        thread.join()
    print(json.dumps(got), flush=True)


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    for line in sys.stdin:
        play(**json.loads(line))
