"""What CodeDeploy says about a deployment, and what it is told about it.

A hook's event holds two ids and nothing else; which function moves from which version to which is in the AppSpec of
the deployment's revision (CodeDeploy User Guide, "AppSpec 'resources' section for AWS Lambda deployments").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from lanner.aws import clients


class DeploymentError(Exception):
    """The event or the deployment is not what CodeDeploy documents; the message says what is missing."""


class Deployment(NamedTuple):
    """The two ids of a hook's event."""

    id: str
    hook_execution: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Deployment:  # Any: Lambda's own event
        """The ids in an event. Raises `DeploymentError`."""
        try:
            return cls(event["DeploymentId"], event["LifecycleEventHookExecutionId"])
        except KeyError as error:
            raise DeploymentError(f"this is no CodeDeploy hook's event: it has no {error}") from None


class Target(NamedTuple):
    """One function of a deployment. `current` is the version in service, `new` the one that is to follow."""

    function: str
    alias: str
    current: str
    new: str


def read_deployment(deployment: Deployment) -> list[Target]:
    """The functions that a deployment moves. Raises `DeploymentError` and botocore's errors."""
    found = clients.client("codedeploy").get_deployment(deploymentId=deployment.id)
    revision = found["deploymentInfo"].get("revision", {})
    content = (revision.get("appSpecContent") or revision.get("string") or {}).get("content")
    if not content:
        raise DeploymentError(f"deployment {deployment.id} has no AppSpec in its revision")
    try:
        resources = orjson.loads(content)["Resources"]
        return [
            _target(properties)
            for resource in resources
            for properties in resource.values()
            if properties["Type"] == "AWS::Lambda::Function"
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentError(
            f"the AppSpec of deployment {deployment.id} cannot be read: {type(error).__name__} {error}"
        ) from error


def _target(resource: Mapping[str, Any]) -> Target:  # Any: JSON
    properties = resource["Properties"]
    return Target(properties["Name"], properties["Alias"], properties["CurrentVersion"], properties["TargetVersion"])


def report(deployment: Deployment, *, succeeded: bool) -> None:
    """Tell CodeDeploy how the hook ended. Raises botocore's errors: the invocation is to be repeated then."""
    clients.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=deployment.id,
        lifecycleEventHookExecutionId=deployment.hook_execution,
        status="Succeeded" if succeeded else "Failed",
    )


def group_of(target: Target) -> str:
    """The folder in events/ that belongs to a function: its handler's package (`users_v2.app.lambda_handler`)."""
    found = clients.client("lambda").get_function_configuration(FunctionName=target.function, Qualifier=target.new)
    handler: str = found["Handler"]
    return handler.partition(".")[0]
