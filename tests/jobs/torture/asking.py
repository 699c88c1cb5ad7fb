"""The clients: threads that ask over HTTP, hang up on some answers, and repeat with the same Idempotency-Key."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator

from tests.jobs.torture.front import PATH
from tests.jobs.torture.notes import Tail, note

THREADS = 4
HANGS_UP = 0.1
"""Of the requests, how many have nobody who reads the answer."""

AGAIN = frozenset({409, 429, 500, 502, 503, 504})
"""Statuses after which the same request is sent again; a 409 is the request's own first attempt in flight."""

TIMEOUT_S = 15.0
PAUSE_S = 0.05
IN_FLIGHT = 40
"""Jobs that are accepted and not finished, at most."""


class Asking:
    """Every number up to `jobs`, each until its acknowledgement was read."""

    def __init__(self, port: int, jobs: int) -> None:
        self._port = port
        self._numbers: Iterator[int] = iter(range(jobs))
        self._lock = threading.Lock()
        self._finished = Tail("finished")

    def run(self) -> None:
        threads = [threading.Thread(target=self._ask_all) for _ in range(THREADS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _next(self) -> int | None:
        with self._lock:
            number = next(self._numbers, None)
            while number is not None and number - self._finished.count() > IN_FLIGHT:
                time.sleep(0.02)
            return number

    def _ask_all(self) -> None:
        while (number := self._next()) is not None:
            note("asked", str(number))
            while not self._ask(number):
                time.sleep(PAUSE_S)

    def _ask(self, number: int) -> bool:
        """Ask once; whether there is nothing more to ask."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        headers = {"content-type": "application/json", "idempotency-key": f'"request-{number}"'}
        try:
            connection.request("POST", PATH, json.dumps({"n": number}), headers)
            if random.random() < HANGS_UP:
                note("hung-up", str(number))
                return False
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):  # the front died
            return False
        finally:
            connection.close()
        if answer.status in (200, 202):  # 200: it has finished since it was first asked for
            note("acknowledged", f"{number} {json.loads(body)['id']}")
            return True
        if answer.status not in AGAIN:
            note("refused", f"{number} {answer.status} {body[:300]!r}")
            return True
        return False


def ask(port: int, jobs: int) -> None:
    """The whole life of the process of clients."""
    random.seed()
    Asking(port, jobs).run()
