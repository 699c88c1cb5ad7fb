"""Fronts and workers that are killed at random: run as a program by test_kill.py, one process that only forks.

Clients ask over HTTP, hang up on answers, and repeat with the same Idempotency-Key until they have read a 202. Fronts
accept the jobs, workers perform them; both reach AWS through clients that lose answers. The nursery kills a random one
with SIGKILL, starts another in its place, and goes on until every job is acknowledged and finished. Some jobs
stop their own process (SIGSTOP) between what they do and the write that says so: the nursery wakes it once its lease is
over and others have done the job.

The ledger is files (`notes`) that only clients and the jobs' own code append to; the effects are counted in DynamoDB.
The last line printed is the sum.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.jobs.effects import performed
from tests.jobs.torture.asking import ask
from tests.jobs.torture.front import serve
from tests.jobs.torture.notes import Tail, lines
from tests.jobs.torture.work import LEASE, hasten, kind_of, work

FRONTS = 2
WORKERS = 3
BACKLOG = 64
STEP_S = 0.01
STOPPED_S = LEASE + 0.5


def fork(role: Callable[..., None], *arguments: Any) -> int:
    """A process that does nothing but `role`."""
    child = os.fork()
    if child:
        return child
    try:
        role(*arguments)
        os._exit(0)
    except BaseException as error:
        print(f"{role.__name__}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


class Nursery:
    """The processes: one of clients, which lives, and fronts and workers, which do not."""

    def __init__(self, jobs: int, listener: socket.socket, luck: random.Random) -> None:
        self._roles: list[tuple[Callable[..., None], tuple[Any, ...]]] = [(work, ())] * WORKERS
        self._roles += [(serve, (listener,))] * FRONTS
        self._mortal = [fork(role, *arguments) for role, arguments in self._roles]
        self._clients = fork(ask, listener.getsockname()[1], jobs)
        self._luck = luck
        self._stopped: dict[int, float] = {}  # pid -> when it is woken
        self.killed: Counter[str] = Counter()
        self.woken = 0

    def asked_all(self) -> bool:
        """Whether the clients have seen every job finished; raises `ChildProcessError` where they died."""
        if self._clients:
            done, status = os.waitpid(self._clients, os.WNOHANG)
            if done:
                self._clients = 0
                if status:
                    raise ChildProcessError("the clients died")
        return not self._clients

    def kill_one(self) -> bool:
        """Kill one at random, and start another in its place; only workers once nobody asks any more.

        One that stands still is spared: what it does when it wakes up is to be seen.
        """
        victim = self._luck.randrange(len(self._mortal) if self._clients else WORKERS)
        role, arguments = self._roles[victim]
        time.sleep(self._luck.random() * 0.05)
        if self._mortal[victim] in self._stopped:
            return False
        os.kill(self._mortal[victim], signal.SIGKILL)
        os.waitpid(self._mortal[victim], 0)
        self._mortal[victim] = fork(role, *arguments)
        self.killed["fronts" if role is serve else "workers"] += 1
        return True

    def look_after(self) -> None:
        """Wake whose lease is over. Raises `ChildProcessError` for a process that ended by itself."""
        now = time.monotonic()
        for pid in self._mortal:
            changed, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if changed and not os.WIFSTOPPED(status):
                raise ChildProcessError(f"a process ended by itself: {status}")
            if changed:
                self._stopped[pid] = now + STOPPED_S
            elif self._stopped.get(pid, now + 1) <= now:
                del self._stopped[pid]
                os.kill(pid, signal.SIGCONT)
                self.woken += 1

    def end(self) -> None:
        for each in [*self._mortal, *([self._clients] if self._clients else [])]:
            os.kill(each, signal.SIGKILL)
            os.waitpid(each, 0)


def run(jobs: int, kills: int, seed: int, limit: float) -> dict[str, Any]:
    """Torture, and the ledger afterwards."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    nursery, ends = Nursery(jobs, listener, random.Random(seed)), Tail("finished")
    started, killed = time.monotonic(), 0
    try:
        while time.monotonic() - started < limit:
            finished = len(ends.seen())
            nursery.look_after()
            if nursery.asked_all() and (finished >= jobs or lines("refused")) and killed >= kills:
                break
            # Kills are spread over the jobs: so many for so many that are finished.
            if killed < kills and (finished + 1) * kills >= (killed + 1) * jobs * 0.9:
                killed += nursery.kill_one()
            time.sleep(STEP_S)
    finally:
        nursery.end()
    seconds = round(time.monotonic() - started, 1)
    roles = {"killed_by_role": dict(nursery.killed), "woken_after_their_lease": nursery.woken}
    return {"killed": killed, **roles, "seconds": seconds, **ledger()}


def ledger() -> dict[str, Any]:
    """What was asked for, acknowledged and done: the sums that have to be equal, and those that have to be 0."""
    asked = {int(line) for line in lines("asked")}
    acknowledged = {int(line.split()[0]) for line in lines("acknowledged")}
    counted = performed()
    done = {int(name.split()[1]): count for name, count in counted.items() if name.startswith("done")}
    expected = {f"done {number}" for number in asked} | {f"asked {number}" for number in asked}
    expected |= {f"chunk {n} {chunk}" for n in asked if kind_of(n) == "chunks.write" for chunk in range(3)}
    incomplete = [name for name in expected if int(name.split()[1]) in acknowledged and not counted.get(name)]
    return {
        "asked": len(asked),
        "answers_dropped": len(lines("hung-up")),
        "acknowledged": len(acknowledged),
        "refused": lines("refused")[:3],
        "effects": sum(done.values()),
        "attempts": len(lines("attempts")),
        "lost": len(incomplete),
        "twice": sum(1 for count in counted.values() if count > 1),
        "unexpected": len(set(counted) - expected),
        "lost_names": sorted(incomplete)[:10],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120.0)
    arguments = parser.parse_args()
    hasten()
    print(json.dumps(run(arguments.jobs, arguments.kills, arguments.seed, arguments.limit)))


if __name__ == "__main__":
    main()
