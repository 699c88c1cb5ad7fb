"""moto's CodeDeploy with the call that hooks report through, over real sockets and boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lanner.local.engine import Engine
from tests.functions.code_deploy import CodeDeploy, Rollout, app_spec


@pytest.fixture(scope="module")
def code_deploy(engine: Engine) -> CodeDeploy:
    return CodeDeploy(engine.url, "shop")


def refusal(rollout: Rollout, status: str, execution: str = "execution-before") -> str:
    """The error's name of a report that is refused."""
    with pytest.raises(ClientError) as caught:
        rollout.put(status, execution)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_two_hooks_that_succeed_end_a_deployment_well(code_deploy: CodeDeploy) -> None:
    """Created, in progress after the first hook, succeeded after the second; the call gives the execution id back."""
    rollout = code_deploy.deploy("orders")
    assert rollout.status == "Created"
    assert rollout.put("Succeeded")["lifecycleEventHookExecutionId"] == "execution-before"
    assert rollout.status == "InProgress"
    rollout.put("Succeeded", "execution-after")
    assert rollout.status == "Succeeded"
    assert rollout.info["completeTime"] >= rollout.info["startTime"]
    assert rollout.info["errorInformation"] == {}


@pytest.mark.parametrize(("before", "event"), [(0, "BeforeAllowTraffic"), (1, "AfterAllowTraffic")])
def test_a_hook_that_fails_fails_its_deployment(code_deploy: CodeDeploy, before: int, event: str) -> None:
    """The deployment says which lifecycle event it was."""
    rollout = code_deploy.deploy("orders")
    for number in range(before):
        rollout.put("Succeeded", f"execution-{number}")
    rollout.put("Failed", "the-last")
    assert rollout.status == "Failed"
    assert rollout.info["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    assert event in rollout.info["errorInformation"]["message"]


def test_a_hook_reports_once(code_deploy: CodeDeploy) -> None:
    """A second report of a hook, and any report for a deployment that has ended, come too late."""
    rollout = code_deploy.deploy("orders")
    rollout.put("Succeeded")
    assert refusal(rollout, "Failed") == "LifecycleEventAlreadyCompletedException"
    assert rollout.status == "InProgress"
    rollout.put("Failed", "execution-after")
    assert refusal(rollout, "Succeeded", "another") == "LifecycleEventAlreadyCompletedException"
    assert rollout.status == "Failed"


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Skipped", "Unknown", "Broken", "succeeded"])
def test_only_succeeded_and_failed_can_be_reported(code_deploy: CodeDeploy, status: str) -> None:
    """Other lifecycle statuses exist, and are refused here."""
    rollout = code_deploy.deploy("orders")
    assert refusal(rollout, status) == "InvalidLifecycleEventHookExecutionStatusException"
    assert rollout.status == "Created"


def test_what_is_no_deployment_with_hooks_is_refused(code_deploy: CodeDeploy, engine: Engine) -> None:
    """Unknown and unnamed deployments, an AppSpec without hooks, an empty execution id, and servers."""
    assert refusal(Rollout(code_deploy.client, "d-UNKNOWN00"), "Succeeded") == "DeploymentDoesNotExistException"
    assert refusal(Rollout(code_deploy.client, ""), "Succeeded") == "DeploymentIdRequiredException"
    without_hooks = code_deploy.deploy("orders", app_spec("orders", Hooks=[]))
    assert refusal(without_hooks, "Succeeded") == "InvalidLifecycleEventHookExecutionIdException"
    assert refusal(code_deploy.deploy("orders"), "Succeeded", "") == "InvalidLifecycleEventHookExecutionIdException"
    on_servers = CodeDeploy(engine.url, "servers", platform="Server").deploy("orders")
    assert refusal(on_servers, "Succeeded") == "UnsupportedActionForDeploymentTypeException"


def test_an_app_spec_may_be_yaml(code_deploy: CodeDeploy) -> None:
    """As a person writes it; one hook, so one report ends the deployment."""
    content = "version: 0.0\nHooks:\n  - BeforeAllowTraffic: CodeDeployHook_before\n"
    rollout = code_deploy.deploy("orders", content)
    rollout.put("Succeeded")
    assert rollout.status == "Succeeded"
