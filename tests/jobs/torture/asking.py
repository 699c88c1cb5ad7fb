"""The clients: threads that ask over HTTP, hang up on some answers, and repeat with the same Idempotency-Key.

One more thread asks what became of a job of which no worker has said so: one that was killed right after it had
committed, while another took a second message for the job away, leaves no other trace than the record.
"""

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
WATCH_S = 1.0
WATCHED_AT_ONCE = 10
OVERDUE_S = 5.0
FINISHED = ("succeeded", "failed", "dead")
IN_FLIGHT = 40
"""Jobs that are accepted and not finished, at most."""


class Asking:
    """Every number up to `jobs`, each until its acknowledgement was read."""

    def __init__(self, port: int, jobs: int) -> None:
        self._port = port
        self._numbers: Iterator[int] = iter(range(jobs))
        self._lock = threading.Lock()
        self._finished = Tail("finished")
        self._acknowledged: dict[str, float] = {}  # id -> when

    def run(self) -> None:
        """Until every number is acknowledged and its job finished."""
        threads = [threading.Thread(target=self._ask_all) for _ in range(THREADS)]
        for each in threads:
            each.start()
        asking = True
        while asking:
            asking = any(each.is_alive() for each in threads)  # before the look: what they accept last is seen too
            asking = bool(self._watch()) or asking
            time.sleep(WATCH_S)

    def _watch(self) -> int:
        """Ask for jobs that nobody has called finished for long; gives how many are not finished."""
        with self._lock:
            left = [each for each in self._acknowledged.items() if each[0] not in self._finished.seen()]
        overdue = [job_id for job_id, since in left if time.monotonic() - since > OVERDUE_S]
        for job_id in overdue[:WATCHED_AT_ONCE]:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
            try:
                connection.request("GET", f"/v2/jobs/{job_id}")
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):  # the front died
                continue
            finally:
                connection.close()
            if answer.status == 200 and json.loads(body)["status"] in FINISHED:
                note("finished", job_id)
        return len(left)

    def _next(self) -> int | None:
        with self._lock:
            number = next(self._numbers, None)
            while number is not None and number - len(self._finished.seen()) > IN_FLIGHT:
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
            job_id = json.loads(body)["id"]
            note("acknowledged", f"{number} {job_id}")
            with self._lock:
                self._acknowledged[job_id] = time.monotonic()
            return True
        if answer.status not in AGAIN:
            note("refused", f"{number} {answer.status} {body[:300]!r}")
            return True
        return False


def ask(port: int, jobs: int) -> None:
    """The whole life of the process of clients."""
    random.seed()
    Asking(port, jobs).run()
