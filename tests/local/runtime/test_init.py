"""INIT: its own limit, its retry, and how its failures look."""

from __future__ import annotations

import json

import pytest

from lanner.local.runtime import pool

CLIENTS = ["auto", "python"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("import no_such_module_here", "Runtime.ImportModuleError", "No module named 'no_such_module_here'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
        ("other = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'broken'"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
    ],
)
def test_a_module_that_does_not_load_is_an_init_error(lab, client, code, kind, words):
    """The caller gets the runtime's document; the log holds the error for the developer."""
    lab.function("broken", code)

    async def scenario(runtime):
        return await runtime.invoke("broken", b"{}"), runtime.logs.lines("broken")

    result, lines = lab.run(scenario, client=client)
    document = json.loads(result.payload)
    assert result.outcome == "init_error"
    assert document["errorType"] == kind
    assert words in document["errorMessage"]
    assert any(f"[ERROR] {kind}" in line.text for line in lines)


def test_a_process_that_exits_during_init_is_an_init_error(lab):
    """sys.exit at import: no document from the runtime, so the platform writes one."""
    lab.function("quits", "import os\nos._exit(4)\n")

    async def scenario(runtime):
        return await runtime.invoke("quits", b"{}")

    result = lab.run(scenario)
    assert result.outcome == "init_error"
    assert json.loads(result.payload)["errorMessage"] == "Error: Runtime exited with error: exit status 4"


def test_init_is_tried_twice_before_it_fails(lab):
    """The second attempt may succeed, and then the caller never knows."""
    marker = lab.folder / "attempts"
    lab.function(
        "flaky",
        f"""
        from pathlib import Path
        marker = Path({str(marker)!r})
        attempts = len(marker.read_text()) if marker.exists() else 0
        marker.write_text("x" * (attempts + 1))
        if attempts == 0:
            raise RuntimeError("first time")
        def handler(event, context):
            return attempts
        """,
    )

    async def scenario(runtime):
        return await runtime.invoke("flaky", b"{}")

    result = lab.run(scenario)
    assert (result.outcome, result.payload) == ("ok", b"1")


def shown(runtime, words):
    """How many lines of a function hold the words."""
    return sum(words in line.text for line in runtime.logs.lines() if not line.platform)


@pytest.mark.parametrize("client", CLIENTS)
def test_an_error_that_init_repeats_is_shown_once(lab, client):
    """The second attempt's lines are there for whoever wants all of them."""
    lab.function("broken", "def handler(event, context)\n    return 1\n")

    async def scenario(runtime):
        result = await runtime.invoke("broken", b"{}")
        return result, shown(runtime, "UserCodeSyntaxError"), [line.text for line in runtime.logs.lines()]

    result, times, lines = lab.run(scenario, client=client)
    assert result.outcome == "init_error"
    assert times == 1
    assert sum("UserCodeSyntaxError" in line for line in lines) == 2


def test_an_error_that_changes_between_the_attempts_is_shown_both_times(lab):
    """Nothing is hidden that was not seen before."""
    marker = lab.folder / "attempts"
    lab.function(
        "moody",
        f"""
        from pathlib import Path
        marker = Path({str(marker)!r})
        attempts = len(marker.read_text()) if marker.exists() else 0
        marker.write_text("x" * (attempts + 1))
        raise RuntimeError(f"attempt number {{attempts}}")
        """,
    )

    async def scenario(runtime):
        await runtime.invoke("moody", b"{}")
        return [shown(runtime, f"[ERROR] RuntimeError: attempt number {number}") for number in range(2)]

    assert lab.run(scenario) == [1, 1]


def test_init_is_not_part_of_the_functions_timeout(lab):
    """A second of INIT under a timeout of one second is fine."""
    lab.function("heavy", "import time\ntime.sleep(1.2)\ndef handler(event, context):\n    return 1\n", timeout=1)

    async def scenario(runtime):
        return await runtime.invoke("heavy", b"{}")

    result = lab.run(scenario)
    assert result.outcome == "ok"
    assert result.init_ms >= 1200


def test_init_that_never_ends_is_killed_and_the_retry_has_the_functions_timeout(lab, monkeypatch):
    """Never calling `invocation/next` is a timeout for the caller, and leaves no process."""
    monkeypatch.setattr(pool, "INIT_LIMIT", 0.5)
    lab.function("hangs", "import time\ntime.sleep(60)\n", timeout=1)

    async def scenario(runtime):
        return await runtime.invoke("hangs", b"{}"), runtime.environments()

    result, environments = lab.run(scenario)
    assert result.outcome == "timeout"
    assert json.loads(result.payload)["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert environments == []
