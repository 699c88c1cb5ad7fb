"""What a caller gets from a function that runs in a real process under a real Runtime API client."""

from __future__ import annotations

import asyncio
import json

import pytest

from lanner.local.plan import LoggingPlan

CLIENTS = ["auto", "python"]

ECHO = """
    def handler(event, context):
        return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn}
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_a_handler_gets_the_event_and_its_answer_comes_back(lab, client):
    """Event in, JSON out; the first invocation is cold, the second is not and uses the same environment."""
    lab.function("echo", ECHO)

    async def scenario(runtime):
        return [await runtime.invoke("echo", b'{"a": 1}', request_id=f"id-{n}") for n in (1, 2)]

    first, second = lab.run(scenario, client=client)
    assert first.outcome == second.outcome == "ok"
    answer = json.loads(first.payload)
    assert answer["event"] == {"a": 1}
    assert answer["id"] == "id-1"
    assert answer["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:lab-echo"
    assert (first.cold, second.cold) == (True, False)
    assert first.environment == second.environment
    assert first.init_ms > 0
    assert second.init_ms == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exception_is_an_error_with_its_type_and_stack(lab, client):
    """The document is the runtime's own: message, type and frames of the handler, nothing of the runtime."""
    lab.function("boom", "def handler(event, context):\n    raise ValueError('no such thing')\n")

    async def scenario(runtime):
        return await runtime.invoke("boom", b"{}")

    result = lab.run(scenario, client=client)
    document = json.loads(result.payload)
    assert result.outcome == "error"
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no such thing")
    assert len(document["stackTrace"]) == 1
    assert "boom.py" in document["stackTrace"][0]
    assert b"[ERROR] ValueError: no such thing" in result.logs


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_is_no_json_is_a_marshalling_error(lab, client):
    """A set cannot be encoded: the function fails, the environment lives on."""
    lab.function("garbage", "def handler(event, context):\n    return {1, 2} if event else 'fine'\n")

    async def scenario(runtime):
        return [await runtime.invoke("garbage", event) for event in (b"[1]", b"[]")]

    bad, good = lab.run(scenario, client=client)
    assert bad.outcome == "error"
    assert json.loads(bad.payload)["errorType"] == "Runtime.MarshalError"
    assert (good.outcome, good.payload, good.environment) == ("ok", b'"fine"', bad.environment)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_function_that_takes_too_long_is_killed_at_its_deadline(lab, client, gone):
    """Timeout with Lambda's words; the process is gone and the next invocation gets a fresh one."""
    lab.function(
        "slow",
        """
        import os, time
        def handler(event, context):
            if event.get("wait"):
                print("waiting", flush=True)
                time.sleep(60)
            return os.getpid()
        """,
        timeout=1,
    )

    async def scenario(runtime):
        before = json.loads((await runtime.invoke("slow", b"{}")).payload)
        late = await runtime.invoke("slow", b'{"wait": true}', request_id="r-1")
        after = await runtime.invoke("slow", b"{}")
        return before, late, after

    before, late, after = lab.run(scenario, client=client)
    assert late.outcome == "timeout"
    assert json.loads(late.payload)["errorMessage"].endswith("r-1 Task timed out after 1.00 seconds")
    assert b"waiting" in late.logs
    assert after.outcome == "ok"
    assert after.cold
    assert json.loads(after.payload) != before
    assert gone(before)


@pytest.mark.parametrize(
    ("code", "words"),
    [("os._exit(7)", "exit status 7"), ("os.kill(os.getpid(), 9)", "signal: killed")],
)
def test_a_process_that_ends_before_it_answers_is_a_crash(lab, code, words):
    """`crash` names the exit status or the signal; the next invocation runs in a fresh environment."""
    lab.function("dies", f"import os\ndef handler(event, context):\n    if event: {code}\n    return 'alive'\n")

    async def scenario(runtime):
        return [await runtime.invoke("dies", event) for event in (b"[1]", b"[]")]

    dead, fresh = lab.run(scenario)
    assert dead.outcome == "crash"
    assert words in json.loads(dead.payload)["errorMessage"]
    assert (fresh.outcome, fresh.payload, fresh.cold) == ("ok", b'"alive"', True)


def test_an_environment_killed_in_mid_request_is_a_crash_and_replaced(lab, until):
    """Someone kills the process from outside: the caller hears at once, and nobody else suffers."""
    lab.function("waits", "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n")

    async def scenario(runtime):
        running = asyncio.create_task(runtime.invoke("waits", b"50"))
        await until(lambda: any(each.state.value == "busy" for each in runtime.environments()))
        import os

        os.kill(runtime.environments()[0].pid, 9)
        return await running, await runtime.invoke("waits", b"0")

    killed, after = lab.run(scenario)
    assert killed.outcome == "crash"
    assert after.outcome == "ok"


def test_an_answer_above_six_megabytes_is_refused(lab):
    """The caller gets Lambda's document, not the bytes."""
    lab.function("big", "def handler(event, context):\n    return 'x' * event\n")

    async def scenario(runtime):
        return [await runtime.invoke("big", str(size).encode()) for size in (6_300_000, 6_291_000)]

    refused, allowed = lab.run(scenario)
    assert refused.outcome == "too_large"
    assert json.loads(refused.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert allowed.outcome == "ok"
    assert len(allowed.payload) == 6_291_002


def test_an_event_above_six_megabytes_never_reaches_the_function(lab):
    """Refused before an environment is even started."""
    lab.function("echo", ECHO)

    async def scenario(runtime):
        result = await runtime.invoke("echo", b'"' + b"x" * 6_300_000 + b'"')
        return result, runtime.environments()

    result, environments = lab.run(scenario)
    assert result.outcome == "too_large"
    assert environments == []


def test_a_large_event_and_a_large_answer_pass_whole(lab):
    """Five megabytes both ways, with the client's Expect: 100-continue if it sends one."""
    lab.function("mirror", "def handler(event, context):\n    return event\n")
    event = json.dumps("é" * 1_000_000).encode()

    async def scenario(runtime):
        return await runtime.invoke("mirror", event)

    assert json.loads(lab.run(scenario).payload) == json.loads(event)


def test_an_unknown_function_is_a_key_error(lab):
    """The contract of `Invoker`."""

    async def scenario(runtime):
        with pytest.raises(KeyError, match="nobody"):
            await runtime.invoke("nobody", b"{}")
        return True

    assert lab.run(scenario)


@pytest.mark.parametrize("client", CLIENTS)
def test_client_context_and_trace_reach_the_handler(lab, client):
    """Both travel in headers of the Runtime API."""
    lab.function(
        "headers",
        """
        import os
        def handler(event, context):
            return [os.environ["_X_AMZN_TRACE_ID"], context.client_context.custom, context.memory_limit_in_mb]
        """,
    )

    async def scenario(runtime):
        return await runtime.invoke("headers", b"{}", trace_id="Root=1-a-b", client_context='{"custom": {"k": "v"}}')

    assert json.loads(lab.run(scenario, client=client).payload) == ["Root=1-a-b", {"k": "v"}, "256"]


def test_logs_are_json_where_the_template_says_so(lab):
    """`LoggingConfig`: a level that is not wanted is not written; the group is the template's."""
    lab.function(
        "talks",
        """
        import logging, os
        def handler(event, context):
            logging.getLogger().debug("quiet words")
            logging.getLogger().warning("loud words")
            return context.log_group_name
        """,
        logging=LoggingPlan("JSON", "INFO", "/mine"),
    )

    async def scenario(runtime):
        return await runtime.invoke("talks", b"{}")

    result = lab.run(scenario, client="ric")
    assert json.loads(result.payload) == "/mine"
    written = [json.loads(line) for line in result.logs.decode().splitlines() if line.startswith("{")]
    assert [(line["level"], line["message"]) for line in written] == [("WARNING", "loud words")]
