"""moto's CodeDeploy and the call that it lacks, PutLifecycleEventHookExecutionStatus: what hooks say of a deployment.

Nobody shifts traffic here. A deployment to Lambda waits for the hooks that its AppSpec names, in their order, and every
execution id stands for the next of them: CodeDeploy draws ids as opaque text, so any text is one.

States of a deployment: Created -> InProgress (a hook succeeded, another is to follow) -> Succeeded (all have)
                                -> Failed, with `errorInformation` HOOK_EXECUTION_FAILURE (one did not)

Failure modes, by the API's own names: no deployment or an unknown one; a deployment that is none of Lambda's or ECS's,
or names no hooks; a status that is neither Succeeded nor Failed; a second report of a hook, or one for a deployment
that has ended. Source: CodeDeploy API Reference, "PutLifecycleEventHookExecutionStatus"; User Guide, "AppSpec 'hooks'
section for an AWS Lambda deployment".
"""

from __future__ import annotations

from typing import Any

import yaml
from moto.codedeploy import responses as moto_responses
from moto.codedeploy.exceptions import CodeDeployException
from moto.codedeploy.models import DeploymentInfo
from moto.codedeploy.responses import CodeDeployResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

# Of a Lambda function, and of an ECS service with its test listener.
LIFECYCLE_EVENTS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")
OUTCOMES = ("Succeeded", "Failed")
_PLATFORMS = ("Lambda", "ECS")
_REPORTS = "lanner_reports"  # of a deployment: execution id -> status, in the order of the hooks
_plain_info = moto_responses._deployment_info


def install() -> None:
    """Teach moto's CodeDeploy of this process; a second call changes nothing."""
    responses: Any = CodeDeployResponse  # Any: it gets a new method
    responses.put_lifecycle_event_hook_execution_status = _put_status
    module: Any = moto_responses  # Any: its function is replaced
    module._deployment_info = _deployment_info


def _put_status(response: CodeDeployResponse) -> ActionResult:
    deployment_id = response._get_param("deploymentId")
    if not deployment_id:
        raise _refused("DeploymentIdRequiredException", "At least one deployment ID must be specified.")
    deployment = response.codedeploy_backend.get_deployment(deployment_id)
    execution = response._get_param("lifecycleEventHookExecutionId")
    status = response._get_param("status")
    if deployment.application.compute_platform not in _PLATFORMS:
        message = "A call was submitted that is not supported for the specified deployment type."
        raise _refused("UnsupportedActionForDeploymentTypeException", message)
    if status not in OUTCOMES:
        message = f"The lifecycle event hook execution status must be Succeeded or Failed, not {status}."
        raise _refused("InvalidLifecycleEventHookExecutionStatusException", message)
    hooks = _hooks(deployment)
    if not execution or not hooks:
        message = "A lifecycle event hook is invalid. Review the hooks section in your AppSpec file."
        raise _refused("InvalidLifecycleEventHookExecutionIdException", message)
    _record(deployment, hooks, execution, status)
    return ActionResult({"lifecycleEventHookExecutionId": execution})


def _record(deployment: DeploymentInfo, hooks: list[str], execution: str, status: str) -> None:
    reports: dict[str, str] = deployment.__dict__.setdefault(_REPORTS, {})
    if execution in reports or deployment.status in OUTCOMES:
        message = "An attempt to return the status of an already completed lifecycle event occurred."
        raise _refused("LifecycleEventAlreadyCompletedException", message)
    deployment.start_time = deployment.start_time or utcnow()
    reports[execution] = status
    if status == "Failed":
        deployment.status = "Failed"
    else:
        deployment.status = "Succeeded" if len(reports) == len(hooks) else "InProgress"
    if deployment.status in OUTCOMES:
        deployment.complete_time = utcnow()


def _hooks(deployment: DeploymentInfo) -> list[str]:
    """The lifecycle events for which the deployment's AppSpec, JSON or YAML, names a function."""
    revision = deployment.revision or {}
    content = (revision.get("appSpecContent") or revision.get("string") or {}).get("content", "")
    try:
        entries = yaml.safe_load(content)["Hooks"]
        return [name for entry in entries for name in entry if name in LIFECYCLE_EVENTS]
    except (yaml.YAMLError, KeyError, TypeError):
        return []


def _deployment_info(deployment: DeploymentInfo) -> dict[str, Any]:  # Any: a document of the API
    info = _plain_info(deployment)
    reports: dict[str, str] = deployment.__dict__.get(_REPORTS, {})
    if deployment.status == "Failed" and reports:
        failed = _hooks(deployment)[len(reports) - 1]
        message = f"The lifecycle event {failed} failed: its hook reported Failed."
        info["errorInformation"] = {"code": "HOOK_EXECUTION_FAILURE", "message": message}
    return info


def _refused(kind: str, message: str) -> CodeDeployException:
    return CodeDeployException(kind, message)
