"""The hooks as local functions, judging versions of another one: success, difference and failure as CodeDeploy has it.

Everything is real but AWS: hooks and versions run in environments of the local cloud, Lambda is its Invoke endpoint,
CodeDeploy is moto's in its engine. Locally every version of a function is the same code, so this one asks for its own
number, and answers as the test wrote beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.interpreter import probe
from lanner.local.runtime.runtime import Runtime, RuntimeOptions
from tests.architecture.source_tree import ROOT
from tests.functions.code_deploy import CodeDeploy

SHOP = """
import json, pathlib

def handler(event, context):
    version = context.invoked_function_arn.rpartition(":")[2]
    answers = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())
    answer = answers[version]
    if answer is None:
        raise RuntimeError("no such column")
    if answer == "dies":
        import os
        os._exit(3)
    return {"statusCode": answer["status"], "headers": {"content-type": "application/json"},
            "body": json.dumps(answer["body"])}
"""
GOOD: dict[str, Any] = {"status": 200, "body": {"orders": [], "total": 0}}  # Any: JSON
PROBE = {"version": "2.0", "rawPath": "/orders", "requestContext": {"http": {"method": "GET", "path": "/orders"}}}


class Stand:
    """A function `shop` with its probe, and both hooks, beside an engine."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        package = folder / "shop"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "app.py").write_text(SHOP)
        self._answers = package / "answers.json"
        (folder / "events" / "shop").mkdir(parents=True)
        (folder / "events" / "shop" / "list_200.json").write_text(json.dumps(PROBE))
        self._engine = engine

    def answers(self, **by_version: Any) -> None:  # Any: JSON
        """What versions 1 and 2, and the alias live, answer; None raises."""
        self._answers.write_text(json.dumps({name.removeprefix("v"): answer for name, answer in by_version.items()}))

    def run(self, *events: tuple[str, dict[str, str]]) -> list[Any]:  # Any: JSON
        """Invoke hooks one after the other; their results, or the error documents."""

        async def whole() -> list[Any]:
            environment = {
                "AWS_ENDPOINT_URL": self._engine,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            }
            runtime = Runtime(self._plan(), probe(Path(sys.executable)), RuntimeOptions(engine=environment))
            await runtime.start()
            try:
                return [
                    json.loads((await runtime.invoke(hook, json.dumps(event).encode())).payload)
                    for hook, event in events
                ]
            finally:
                await runtime.stop()

        return asyncio.run(whole())

    def _plan(self) -> CloudPlan:
        shop = FunctionPlan("Shop", "shop", "shop.app.handler", "python3.13", self.folder, alias="live", timeout=20)
        hooks = [
            FunctionPlan(
                logical_id=moment,
                name=f"CodeDeployHook_{moment}",
                handler=f"deploy_hooks.app.{moment}",
                runtime="python3.13",
                code=ROOT / "functions",
                environment={"LANNER_EVENTS": str(self.folder / "events"), "PYTHONPATH": str(ROOT / "shared")},
                timeout=300,
                memory=512,
            )
            for moment in ("before_traffic", "after_traffic")
        ]
        functions = {each.logical_id: each for each in (shop, *hooks)}
        return CloudPlan(self.folder / "template.yaml", "shop", "eu-west-1", "123456789012", functions, {})


@pytest.fixture
def stand(tmp_path: Path, moto_server: str) -> Stand:
    return Stand(tmp_path, moto_server)


@pytest.fixture(scope="module")
def code_deploy(moto_server: str) -> CodeDeploy:
    return CodeDeploy(moto_server, "shop")


def test_a_version_that_answers_alike_is_deployed(stand: Stand, code_deploy: CodeDeploy) -> None:
    """Success: both hooks report it, and the deployment has succeeded."""
    stand.answers(v1=GOOD, v2={"status": 200, "body": {**GOOD["body"], "next": None}}, live=GOOD)
    rollout = code_deploy.deploy("shop")
    before, after = stand.run(("before_traffic", rollout.before), ("after_traffic", rollout.after))
    assert (before["problems"], after["problems"]) == ([], [])
    assert rollout.status == "Succeeded"


def test_a_version_that_answers_differently_is_refused(stand: Stand, code_deploy: CodeDeploy) -> None:
    """Difference: a member is gone, the deployment has failed before any traffic, and the log says which member."""
    stand.answers(v1=GOOD, v2={"status": 200, "body": {"orders": []}}, live=GOOD)
    rollout = code_deploy.deploy("shop")
    [before] = stand.run(("before_traffic", rollout.before))
    assert before["problems"] == ["shop: list_200: the member /total is gone"]
    assert rollout.status == "Failed"
    assert "BeforeAllowTraffic" in rollout.info["errorInformation"]["message"]


@pytest.mark.parametrize("broken", [None, "dies", {"status": 500, "body": {}}])
def test_a_version_that_fails_is_refused(stand: Stand, code_deploy: CodeDeploy, broken: Any) -> None:
    """Failure: it raises, its process dies, or it answers 500."""
    stand.answers(v1=GOOD, v2=broken, live=GOOD)
    rollout = code_deploy.deploy("shop")
    [before] = stand.run(("before_traffic", rollout.before))
    assert before["succeeded"] is False
    assert rollout.status == "Failed"


def test_a_failure_behind_the_alias_takes_traffic_back(stand: Stand, code_deploy: CodeDeploy) -> None:
    """The hook after the shift says so as well, and names its own lifecycle event."""
    stand.answers(v1=GOOD, v2=GOOD, live=None)
    rollout = code_deploy.deploy("shop")
    _, after = stand.run(("before_traffic", rollout.before), ("after_traffic", rollout.after))
    assert "live failed" in after["problems"][0]
    assert rollout.status == "Failed"
    assert "AfterAllowTraffic" in rollout.info["errorInformation"]["message"]


def test_a_second_run_of_a_hook_ends_in_an_error(stand: Stand, code_deploy: CodeDeploy) -> None:
    """CodeDeploy takes one report: the invocation fails, and the deployment stays as it was."""
    stand.answers(v1=GOOD, v2=GOOD, live=GOOD)
    rollout = code_deploy.deploy("shop")
    _, again = stand.run(("before_traffic", rollout.before), ("before_traffic", rollout.before))
    assert again["errorType"] == "LifecycleEventAlreadyCompletedException"
    assert rollout.status == "InProgress"
