"""`--snapstart`: one INIT, hooks around the snapshot, and environments that are forks of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forking needs a POSIX system")


def two_at_once(runtime, name):
    return asyncio.gather(*(runtime.invoke(name, b"1.5") for _ in range(2)))


def test_randomness_of_init_is_shared_by_every_environment(lab):
    """What breaks on Lambda breaks here: a token made at INIT, and `random` after it, are the same everywhere."""
    lab.function(
        "shared",
        """
        import os, random, time, uuid
        TOKEN = uuid.uuid4().hex
        def handler(event, context):
            time.sleep(event)
            return [os.getpid(), TOKEN, random.random(), uuid.uuid4().hex]
        """,
        snap_start=True,
    )

    async def scenario(runtime):
        return [json.loads(result.payload) for result in await two_at_once(runtime, "shared")]

    first, second = lab.run(scenario, snapstart=True)
    assert first[0] != second[0]
    assert first[1] == second[1]
    assert first[2] == second[2]
    assert first[3] != second[3]  # the system's randomness is fresh, as on Lambda


def test_without_the_option_every_environment_has_an_init_of_its_own(lab):
    """`SnapStart` in a template alone changes nothing locally."""
    lab.function(
        "separate",
        "import time, uuid\nTOKEN = uuid.uuid4().hex\ndef handler(e, c):\n    time.sleep(e)\n    return TOKEN\n",
        snap_start=True,
    )

    async def scenario(runtime):
        return [result.payload for result in await two_at_once(runtime, "separate")]

    first, second = lab.run(scenario)
    assert first != second


def test_hooks_run_before_the_snapshot_once_and_after_it_in_each_environment(lab):
    """Before-hooks in reverse order of registration, after-hooks in order; the type is in the environment."""
    lab.function(
        "hooked",
        """
        import os, time
        from snapshot_restore_py import register_after_restore, register_before_snapshot
        seen = []
        register_before_snapshot(seen.append, "before-1")
        register_before_snapshot(seen.append, "before-2")
        register_after_restore(seen.append, "after-1")
        register_after_restore(seen.append, "after-2")
        def handler(event, context):
            time.sleep(event)
            return [seen, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "LANNER_SNAPSHOT_FD" in os.environ]
        """,
        snap_start=True,
    )

    async def scenario(runtime):
        results = await two_at_once(runtime, "hooked")
        return [json.loads(result.payload) for result in results], runtime.logs.lines("hooked")

    answers, lines = lab.run(scenario, snapstart=True)
    assert answers == [[["before-2", "before-1", "after-1", "after-2"], "snap-start", False]] * 2
    assert sum(line.text.startswith("INIT_START") for line in lines) == 1
    assert sum(line.text.startswith("RESTORE_START") for line in lines) == 2
    assert sum("Restore Duration" in line.text and line.text.startswith("REPORT") for line in lines) == 2


def test_connections_of_init_are_dead_after_the_restore(lab):
    """A socket that INIT opened cannot be used: the function must connect again."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: [server.accept() for _ in range(1)], daemon=True).start()
    lab.function(
        "connected",
        f"""
        import socket, time
        link = socket.create_connection(("127.0.0.1", {server.getsockname()[1]}))
        link.settimeout(2)
        def handler(event, context):
            try:
                link.sendall(b"hello")
                return link.recv(1).decode() or "closed"
            except OSError as error:
                return type(error).__name__
        """,
        snap_start=True,
    )

    async def scenario(runtime):
        return json.loads((await runtime.invoke("connected", b"{}")).payload)

    with server:
        assert lab.run(scenario, snapstart=True) in ("closed", "BrokenPipeError", "ConnectionResetError")


@pytest.mark.parametrize(
    ("hook", "kind"),
    [("register_before_snapshot", "before"), ("register_after_restore", "after")],
)
def test_a_hook_that_fails_is_an_init_error(lab, hook, kind):
    """The caller gets the hook's error, and the log its traceback."""
    lab.function(
        "failing",
        f"""
        from snapshot_restore_py import {hook}
        def hook():
            raise RuntimeError("no {kind}")
        {hook}(hook)
        def handler(event, context):
            return 1
        """,
        snap_start=True,
    )

    async def scenario(runtime):
        return await runtime.invoke("failing", b"{}"), runtime.logs.lines("failing")

    result, lines = lab.run(scenario, snapstart=True)
    assert result.outcome == "init_error"
    assert json.loads(result.payload)["errorMessage"] == f"no {kind}"
    assert any(f"no {kind}" in line.text for line in lines)


def test_a_fork_that_dies_is_a_crash_with_its_status_and_another_takes_over(lab):
    """The snapshot reaps its forks and says how they ended."""
    lab.function(
        "mortal",
        "import os\ndef handler(event, context):\n    if event: os._exit(5)\n    return 'alive'\n",
        snap_start=True,
    )

    async def scenario(runtime):
        return [await runtime.invoke("mortal", event) for event in (b"1", b"0")]

    dead, alive = lab.run(scenario, snapstart=True)
    assert dead.outcome == "crash"
    assert "exit status 5" in json.loads(dead.payload)["errorMessage"]
    assert alive.payload == b'"alive"'


def test_output_of_each_fork_is_its_own_and_nothing_is_left_at_the_end(lab, gone):
    """Each environment's prints are in its own log; the snapshot and its forks end with the runtime."""
    lab.function(
        "prints",
        "import os, time\ndef handler(event, context):\n    print('I am', os.getpid())\n    time.sleep(event)\n"
        "    return [os.getpid(), os.getppid()]\n",
        snap_start=True,
    )

    async def scenario(runtime):
        return await two_at_once(runtime, "prints")

    results = lab.run(scenario, snapstart=True)
    for result in results:
        pid, snapshot = json.loads(result.payload)
        assert f"I am {pid}".encode() in result.logs
        assert result.logs.count(b"I am") == 1
        assert gone(pid)
        assert gone(snapshot)


def test_a_reload_makes_a_new_snapshot(lab):
    """New code is in every environment that is forked after the save."""
    lab.function("reloaded", "def handler(event, context):\n    return 'old'\n", snap_start=True)

    async def scenario(runtime):
        answers = [(await runtime.invoke("reloaded", b"{}")).payload]
        (lab.folder / "reloaded.py").write_text("def handler(event, context):\n    return 'newer'\n")
        runtime.reload(["reloaded"])
        while answers[-1] != b'"newer"':
            result = await runtime.invoke("reloaded", b"{}")
            assert result.outcome == "ok"
            answers.append(result.payload)
        return answers

    assert set(lab.run(scenario, snapstart=True)) == {b'"old"', b'"newer"'}
