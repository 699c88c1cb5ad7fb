"""Workers that are processes: killed with SIGKILL behind the call that matters, and stopped before it past their lease.

Elsewhere a death is an exception that nobody catches (`test_every_service`). Here the kernel does it, and what stood
still really goes on: a process that knows nothing of the time that has passed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lanner.jobs.status import SUCCEEDED
from tests.architecture.source_tree import ROOT
from tests.jobs.conftest import NewWorld
from tests.jobs.deliveries import event_of
from tests.jobs.lives.kinds import Import, Report, Webhook, Welcome
from tests.jobs.lives.mortal import KILL, STOP
from tests.jobs.lives.world import Life, World

CALLS: list[tuple[Callable[[], Life], str]] = [
    (Welcome, "sesv2.SendEmail"),
    (Webhook, "webhook.POST"),
    (Import, "dynamodb.TransactWriteItems"),
    (Report, "s3.PutObject"),
]
"""The first call of a life whose effect is to be there once, or at least once."""


@contextmanager
def mortal(world: World, call: str, how: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the messages which are there now; it does not outlive the test."""
    event = event_of(world.stage.collect())
    asked = {"records": event["Records"], "now": world.stage.clock.now(), "call": call, "how": how}
    paths = os.pathsep.join(str(ROOT / each) for each in ("shared", "functions", "."))
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.lives.mortal", json.dumps(asked)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize(("life", "call"), CALLS, ids=lambda each: getattr(each, "__name__", each))
def test_a_killed_process_is_replaced(new_world: NewWorld, life: Callable[[], Life], call: str) -> None:
    """The effect has happened and nobody has heard of it: another attempt ends the job."""
    world, lived = new_world(), life()
    world.accept(lived)
    with mortal(world, call, KILL) as worker:
        assert worker.wait() == -signal.SIGKILL
    assert world.job(lived.kind).state == "running"
    world.stage.later()
    status = world.perform(lived)
    assert (status.state, status.attempt) == (SUCCEEDED, 2)
    lived.check(world, status)


@pytest.mark.parametrize(("life", "call"), CALLS, ids=lambda each: getattr(each, "__name__", each))
def test_a_process_that_wakes_up_after_its_lease_changes_nothing(
    new_world: NewWorld, life: Callable[[], Life], call: str
) -> None:
    """Stopped before the call, woken up when another attempt has done everything: our store stays as it is."""
    world, lived = new_world(), life()
    world.accept(lived)
    with mortal(world, call, STOP) as worker:
        _, stopped = os.waitpid(worker.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(stopped), stopped
        world.stage.later()
        status = world.perform(lived)
        assert (status.state, status.attempt) == (SUCCEEDED, 2)
        before = world.stored()
        worker.send_signal(signal.SIGCONT)
        assert worker.wait() == 0
    assert world.stored() == before
    lived.check(world, status)
