"""How many environments there are, and which one runs what."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lanner.clock import ManualClock
from lanner.local.plan import Where
from lanner.local.runtime.runtime import Runtime

SLEEPER = """
    import time
    def handler(event, context):
        time.sleep(event)
        return "done"
"""


MEETING = """
    import os, time
    def handler(event, context):
        with open(os.path.join(event["folder"], str(os.getpid())), "w"):
            pass
        end = time.monotonic() + 30
        while len(os.listdir(event["folder"])) < event["count"] and time.monotonic() < end:
            time.sleep(0.01)
        return "done"
"""


@pytest.mark.parametrize("cap", [1, 3])
def test_concurrency_asks_for_more_environments_up_to_the_cap(lab, cap, tmp_path):
    """Six at once: as many environments as the cap allows and no more, nobody refused; each waits for the others."""
    lab.function("meeting", MEETING, timeout=60)
    folder = tmp_path / "here"
    folder.mkdir()
    event = json.dumps({"folder": str(folder), "count": cap}).encode()

    async def scenario(runtime):
        return await asyncio.gather(*(runtime.invoke("meeting", event) for _ in range(6)))

    results = lab.run(scenario, cap=cap)
    assert [each.outcome for each in results] == ["ok"] * 6
    assert len({each.environment for each in results}) == cap
    assert sum(each.cold for each in results) == cap


def test_the_environment_that_was_idle_last_runs_next(lab, until):
    """LIFO: one caller at a time keeps one environment warm."""
    lab.function("sleeper", SLEEPER)

    async def scenario(runtime):
        await asyncio.gather(*(runtime.invoke("sleeper", b"0.2") for _ in range(3)))
        names = []
        for _ in range(5):
            await until(lambda: all(each.state.value == "idle" for each in runtime.environments()))
            names.append((await runtime.invoke("sleeper", b"0")).environment)
        return names

    assert len(set(lab.run(scenario))) == 1


def test_reserved_concurrency_refuses_the_next_one(lab, until):
    """One running with a reservation of one: the second is throttled at once, and after the first it is fine."""
    lab.function("sleeper", SLEEPER, reserved_concurrency=1)

    async def scenario(runtime):
        first = asyncio.create_task(runtime.invoke("sleeper", b"2"))
        await until(lambda: any(each.state.value == "busy" for each in runtime.environments()))
        refused = await runtime.invoke("sleeper", b"0")
        return await first, refused, await runtime.invoke("sleeper", b"0")

    first, refused, after = lab.run(scenario)
    assert (first.outcome, refused.outcome, after.outcome) == ("ok", "throttled", "ok")


def test_a_reservation_of_zero_switches_the_function_off(lab):
    """As in AWS: no environment is even started."""
    lab.function("sleeper", SLEEPER, reserved_concurrency=0)

    async def scenario(runtime):
        return await runtime.invoke("sleeper", b"0"), runtime.environments()

    result, environments = lab.run(scenario)
    assert result.outcome == "throttled"
    assert environments == []


def test_a_caller_that_leaves_does_not_disturb_the_invocation(lab, until):
    """The function runs to its end, as on Lambda, and its environment serves the next one."""
    lab.function(
        "writes",
        f"""
        import time
        def handler(event, context):
            time.sleep(event)
            open({str(lab.folder / "written")!r}, "w").close()
        """,
    )

    async def scenario(runtime):
        leaving = asyncio.create_task(runtime.invoke("writes", b"0.3"))
        await until(lambda: any(each.state.value == "busy" for each in runtime.environments()))
        leaving.cancel()
        await until((lab.folder / "written").exists)
        return await runtime.invoke("writes", b"0")

    after = lab.run(scenario)
    assert (after.outcome, after.cold) == ("ok", False)


def test_an_idle_environment_is_reaped(lab, until, gone):
    """Nobody used it for as long as `idle_seconds`: it ends, and the next invocation is cold again."""
    lab.function("who", "import os\ndef handler(event, context):\n    return os.getpid()\n")

    async def scenario(runtime):
        await runtime.invoke("who", b"{}")
        await until(lambda: runtime.environments()[0].state.value == "idle")
        clock.advance(301)
        runtime.reap()
        await until(lambda: not runtime.environments())
        return await runtime.invoke("who", b"{}")

    clock = ManualClock()

    async def whole():
        runtime = Runtime(lab.plan(), lab.interpreter, clock=clock)
        await runtime.start()
        try:
            return await scenario(runtime)
        finally:
            await runtime.stop()

    result = asyncio.run(whole())
    assert result.cold
    assert gone(json.loads(result.payload))


def test_a_reload_answers_with_new_code_and_fails_nobody(lab, until):
    """Requests go on through a reload: every one is answered, and new code answers soon."""
    lab.function("versioned", "def handler(event, context):\n    return 'old'\n")

    async def scenario(runtime):
        answers = [(await runtime.invoke("versioned", b"{}")).payload]
        (lab.folder / "versioned.py").write_text("def handler(event, context):\n    return 'newer'\n")
        runtime.reload(["versioned"])
        while answers[-1] != b'"newer"':
            result = await runtime.invoke("versioned", b"{}")
            assert result.outcome == "ok"
            answers.append(result.payload)
        tail = [(await runtime.invoke("versioned", b"{}")).payload for _ in range(20)]
        await until(lambda: {each.generation for each in runtime.environments()} == {1})  # the old ones are gone
        return answers, tail

    answers, tail = lab.run(scenario)
    assert set(answers) == {b'"old"', b'"newer"'}
    assert set(tail) == {b'"newer"'}


def test_a_running_invocation_survives_a_reload(lab, until):
    """The old environment finishes what it has begun, then ends."""
    lab.function("sleeper", SLEEPER)

    async def scenario(runtime):
        running = asyncio.create_task(runtime.invoke("sleeper", b"1"))
        await until(lambda: any(each.state.value == "busy" for each in runtime.environments()))
        (lab.folder / "sleeper.py").write_text("def handler(event, context):\n    return 'new'\n")
        runtime.reload(["sleeper"])
        after = await runtime.invoke("sleeper", b"0")
        return await running, after

    before, after = lab.run(scenario)
    assert (before.outcome, before.payload) == ("ok", b'"done"')
    assert after.payload == b'"new"'


def test_code_that_breaks_at_a_reload_shows_and_mending_it_helps(lab):
    """A syntax error is what the next caller sees; the next save mends it."""
    lab.function("fragile", "def handler(event, context):\n    return 1\n")

    async def scenario(runtime):
        outcomes = [(await runtime.invoke("fragile", b"{}")).outcome]
        (lab.folder / "fragile.py").write_text("def handler(:\n")
        runtime.reload(["fragile"])
        while outcomes[-1] == "ok":
            outcomes.append((await runtime.invoke("fragile", b"{}")).outcome)
        (lab.folder / "fragile.py").write_text("def handler(event, context):\n    return 22\n")
        runtime.reload(["fragile"])
        while outcomes[-1] != "ok":
            outcomes.append((await runtime.invoke("fragile", b"{}")).outcome)
        return outcomes, (await runtime.invoke("fragile", b"{}")).payload

    outcomes, payload = lab.run(scenario)
    assert set(outcomes) == {"ok", "init_error"}
    assert payload == b"22"


def test_a_new_plan_changes_adds_and_removes_functions(lab, until):
    """Settings of a function count as a change; what is gone is a KeyError."""
    lab.function("stays", "import os\ndef handler(event, context):\n    return os.environ.get('MODE')\n")
    lab.function("goes", "def handler(event, context):\n    return 1\n")

    async def scenario(runtime):
        before = [await runtime.invoke(name, b"{}") for name in ("stays", "goes")]
        plan = runtime.plan
        changed = replace(plan.functions["stays"], environment={"MODE": "new"})
        runtime.update(replace(plan, functions={"stays": changed, "comes": replace(changed, logical_id="comes")}))
        comes = await runtime.invoke("comes", b"{}")
        payload = b"null"
        while payload == b"null":
            payload = (await runtime.invoke("stays", b"{}")).payload
        await until(lambda: all(each.function.logical_id != "goes" for each in runtime.environments()))
        try:
            await runtime.invoke("goes", b"{}")
        except KeyError as error:
            return before, comes, payload, str(error)

    before, comes, payload, missing = lab.run(scenario)
    assert [each.outcome for each in before] == ["ok", "ok"]
    assert comes.payload == payload == b'"new"'
    assert missing == "'goes'"


def test_only_what_an_environment_sees_reloads_it(lab):
    """A function that has moved in the template goes on warm; new variables are a new environment."""
    lab.function("moved", "import os\ndef handler(event, context):\n    return os.getpid()\n")

    async def scenario(runtime):
        pids = [(await runtime.invoke("moved", b"{}")).payload]
        function = runtime.plan.functions["moved"]
        moved = replace(function, where=Where(Path("template.yaml"), 99))
        runtime.update(replace(runtime.plan, functions={"moved": moved}))
        pids += [(await runtime.invoke("moved", b"{}")).payload for _ in range(3)]
        return pids, len(runtime.environments())

    pids, environments = lab.run(scenario)
    assert len(set(pids)) == 1
    assert environments == 1


def test_none_of_many_invocations_is_lost_or_mixed_up(lab):
    """A thousand at once over two environments: each caller gets its own answer."""
    lab.function("echo", "def handler(event, context):\n    return event\n")

    async def scenario(runtime):
        return await asyncio.gather(*(runtime.invoke("echo", str(n).encode()) for n in range(1000)))

    results = lab.run(scenario, cap=2)
    assert [int(each.payload) for each in results] == list(range(1000))
    assert len({each.environment for each in results}) <= 2
