"""Functions that misbehave harm nobody: not the caller, not the next invocation, not the machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path


def test_megabytes_on_stdout_block_nobody_and_the_log_keeps_the_end(lab):
    """A function that prints 20 MB still answers, and its last line is in the log."""
    lab.function(
        "chatty",
        """
        def handler(event, context):
            for n in range(20_000):
                print("x" * 1000, n)
            return "done"
        """,
    )

    async def scenario(runtime):
        return await runtime.invoke("chatty", b"{}"), runtime.logs.lines("chatty", limit=3)

    result, lines = lab.run(scenario)
    assert (result.outcome, result.payload) == ("ok", b'"done"')
    assert len(result.logs) <= 4096
    assert lines[0].text.endswith(" 19999")


def test_a_function_that_prints_without_end_is_still_killed_at_its_deadline(lab):
    """The event loop is never held by output."""
    lab.function("endless", "def handler(event, context):\n    while True: print('y' * 5000)\n", timeout=1)
    lab.function("calm", "def handler(event, context):\n    return 1\n")

    async def scenario(runtime):
        running = asyncio.create_task(runtime.invoke("endless", b"{}"))
        others = [await runtime.invoke("calm", b"{}") for _ in range(5)]
        return await running, others

    endless, others = lab.run(scenario)
    assert endless.outcome == "timeout"
    assert [each.outcome for each in others] == ["ok"] * 5


def test_ignoring_sigterm_does_not_keep_a_process_alive(lab, gone):
    """The stop asks first and then kills."""
    lab.function(
        "stubborn",
        """
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def handler(event, context):
            return os.getpid()
        """,
    )

    async def scenario(runtime):
        return json.loads((await runtime.invoke("stubborn", b"{}")).payload)

    assert gone(lab.run(scenario))


def test_children_of_a_function_die_with_it(lab, gone):
    """A forked grandchild in the same group ends at the stop, and at a crash."""
    lab.function(
        "parent",
        """
        import os, subprocess, sys
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
            if event == "crash":
                open(__file__ + ".pid", "w").write(str(child.pid))
                os._exit(1)
            return [os.getpid(), child.pid]
        """,
    )

    async def scenario(runtime):
        crashed = await runtime.invoke("parent", b'"crash"')
        child = int((lab.folder / "parent.py.pid").read_text())
        died = await asyncio.to_thread(gone, child)
        return crashed, died, json.loads((await runtime.invoke("parent", b"{}")).payload)

    crashed, died, pids = lab.run(scenario)
    assert crashed.outcome == "crash"
    assert died
    assert [gone(pid) for pid in pids] == [True, True]


def test_a_memory_limit_that_is_passed_kills_the_environment(lab):
    """Between two looks or at the end: the invocation is a crash either way, and the REPORT says out of memory."""
    lab.function(
        "hungry",
        """
        import time
        def handler(event, context):
            block = bytearray(300 * 1024 * 1024)
            for n in range(0, len(block), 4096):
                block[n] = 1
            time.sleep(event)
            return "survived"
        """,
        memory=128,
    )

    async def scenario(runtime):
        slow = await runtime.invoke("hungry", b"5")
        quick = await runtime.invoke("hungry", b"0")
        return slow, quick, runtime.logs.lines("hungry")

    slow, quick, lines = lab.run(scenario)
    assert (slow.outcome, quick.outcome) == ("crash", "crash")
    assert (slow.out_of_memory, quick.out_of_memory, slow.max_memory_mb) == (True, True, 128)
    assert "signal: killed" in json.loads(slow.payload)["errorMessage"]
    assert slow.max_memory_mb == 128
    assert sum("Error Type: Runtime.OutOfMemory" in line.text for line in lines) == 2


def test_the_environment_variables_are_lambdas_and_nothing_of_the_shell(lab, monkeypatch):
    """PATH and HOME are passed on; whatever else the developer has exported is not."""
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    monkeypatch.setenv("AWS_PROFILE", "production")
    lab.function(
        "env",
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        environment={"TABLE": "users", "AWS_REGION_OVERRIDE": "x"},
        alias="live",
    )

    async def scenario(runtime):
        return json.loads((await runtime.invoke("env", b"{}")).payload)

    env = lab.run(scenario, engine={"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "local"})
    assert "SECRET_OF_THE_SHELL" not in env
    assert "AWS_PROFILE" not in env
    assert env["PATH"] == os.environ["PATH"]
    assert env["TABLE"] == "users"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == "lab-env"
    assert env["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
    assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert env["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert env["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert env["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/lab-env"
    assert env["_HANDLER"] == "env.handler"
    assert env["LAMBDA_TASK_ROOT"] == str(lab.folder)
    assert env["TZ"] == ":UTC"
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert env["AWS_ENDPOINT_URL_LAMBDA"].startswith("http://127.0.0.1:")


def test_layers_are_importable_and_the_code_wins_over_them(lab, tmp_path):
    """`python/` and `python/lib/<runtime>/site-packages` of each layer; the function's own module first."""
    layer = tmp_path / "layer"
    (layer / "python" / "lib" / "python3.13" / "site-packages").mkdir(parents=True)
    (layer / "python" / "tools.py").write_text("name = 'layer'\n")
    (layer / "python" / "both.py").write_text("name = 'layer'\n")
    (layer / "python" / "lib" / "python3.13" / "site-packages" / "packed.py").write_text("name = 'packed'\n")
    (lab.folder / "both.py").write_text("name = 'code'\n")
    lab.function(
        "layered",
        """
        import both, packed, tools
        def handler(event, context):
            return [tools.name, packed.name, both.name]
        """,
        layers=(layer,),
    )

    async def scenario(runtime):
        return json.loads((await runtime.invoke("layered", b"{}")).payload)

    assert lab.run(scenario) == ["layer", "packed", "code"]


def test_each_environment_has_a_temporary_folder_of_its_own_that_is_removed(lab):
    """What `tempfile` writes in one environment another does not see, and nothing is left."""
    lab.function(
        "tmp",
        """
        import tempfile, time, os
        def handler(event, context):
            time.sleep(0.3)
            open(os.path.join(tempfile.gettempdir(), "mark"), "w").close()
            return tempfile.gettempdir()
        """,
    )

    async def scenario(runtime):
        results = await asyncio.gather(*(runtime.invoke("tmp", b"{}") for _ in range(2)))
        return [json.loads(result.payload) for result in results]

    first, second = lab.run(scenario)
    assert first != second
    assert not Path(first).exists()
    assert not Path(second).exists()


def test_an_idle_environment_is_frozen_and_thaws_for_the_next_invocation(lab, until):
    """A background thread makes no progress between invocations, as on Lambda."""
    lab.function(
        "ticking",
        """
        import threading, time
        ticks = 0
        def tick():
            global ticks
            while True:
                time.sleep(0.001)
                ticks += 1
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context):
            return ticks
        """,
    )

    async def scenario(runtime):
        before = json.loads((await runtime.invoke("ticking", b"{}")).payload)
        pid = runtime.environments()[0].pid
        await until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        await asyncio.sleep(0.5)
        after = json.loads((await runtime.invoke("ticking", b"{}")).payload)
        return after - before

    assert lab.run(scenario) < 200  # half a second would have been some 450 ticks


def test_nothing_outlives_a_local_cloud_that_is_killed(lab, gone):
    """SIGKILL of our own process: the guardian ends frozen environments and removes their folders."""
    lab.function("here", "import os, tempfile\ndef handler(e, c):\n    return [os.getpid(), tempfile.gettempdir()]\n")
    script = textwrap.dedent(f"""
        import asyncio, os, signal, sys
        from pathlib import Path
        from lanner.local.plan import CloudPlan, FunctionPlan
        from lanner.local.runtime.interpreter import probe
        from lanner.local.runtime.runtime import Runtime

        async def main():
            folder = Path({str(lab.folder)!r})
            function = FunctionPlan("here", "here", "here.handler", "python3.13", folder)
            plan = CloudPlan(folder / "t.yaml", "s", "eu-west-1", "1" * 12, {{"here": function}}, {{}})
            runtime = Runtime(plan, probe(Path(sys.executable)))
            await runtime.start()
            print((await runtime.invoke("here", b"{{}}")).payload.decode(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, timeout=30)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid, folder = json.loads(done.stdout)
    assert gone(pid)
    deadline = 500
    while Path(folder).exists() and deadline:
        deadline -= 1
        subprocess.run(["sleep", "0.01"])
    assert not Path(folder).exists()
