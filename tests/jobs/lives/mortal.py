"""A worker in a process of its own that kills or stops itself at one of its calls: run as a program.

Its argument is JSON: `records` of an SQS event, `now` for its clock, `call` (`sesv2.SendEmail`), and `how`:

    kill    SIGKILL once the call was made, before its answer is looked at
    stop    SIGSTOP before the call; when it is woken up it goes on as if no time had passed
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

from lanner.clock import ManualClock
from lanner.jobs.worker import Worker
from tests.jobs.lives.world import MODULES, SMALL
from tests.jobs.stage import LEASE
from tests.jobs.tap import KILLED_AFTER, STALLED, Tap

KILL, STOP = "kill", "stop"


def put(name: str, value: Any) -> None:  # Any: whatever the name stands for
    """Let a dotted name stand for something else."""
    module, _, attribute = name.rpartition(".")
    setattr(import_module(module), attribute, value)


def kill_myself() -> NoReturn:
    """SIGKILL: nothing runs after it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def main() -> None:
    """Perform one batch, or as much of it as this process lives for."""
    asked = json.loads(sys.argv[1])
    for name, size in SMALL.items():
        put(name, size)
    tap = Tap(die=kill_myself)
    tap.install(put)
    tap.arm(
        lambda number, operation, payload: tap.calls[-1] == asked["call"],
        KILLED_AFTER if asked["how"] == KILL else STALLED,
        lambda: os.kill(os.getpid(), signal.SIGSTOP),
    )
    Worker(MODULES, clock=ManualClock(asked["now"]), lease=LEASE, random=lambda: 0.0).handle(
        {"Records": asked["records"]}
    )


if __name__ == "__main__":
    main()
