"""A Lambda application in moto's CodeDeploy, its deployments, and what became of them."""

from __future__ import annotations

import json
from typing import Any

import boto3

HOOKS = ({"BeforeAllowTraffic": "CodeDeployHook_before"}, {"AfterAllowTraffic": "CodeDeployHook_after"})


def app_spec(function: str, current: str = "1", new: str = "2", **changes: Any) -> str:  # Any: members of the AppSpec
    """The AppSpec that CloudFormation writes for an alias that moves on."""
    properties = {"Name": function, "Alias": "live", "CurrentVersion": current, "TargetVersion": new}
    resources = [{function: {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    return json.dumps({"version": 0.0, "Resources": resources, "Hooks": list(HOOKS), **changes})


class Rollout:
    """One deployment: the events of its hooks, and its outcome as CodeDeploy tells it."""

    def __init__(self, client: Any, deployment_id: str) -> None:  # Any: boto3 makes its clients at run time
        self._client = client
        self.id = deployment_id

    @property
    def before(self) -> dict[str, str]:
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": "execution-before"}

    @property
    def after(self) -> dict[str, str]:
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": "execution-after"}

    @property
    def info(self) -> dict[str, Any]:  # Any: a document of the API
        found: dict[str, Any] = self._client.get_deployment(deploymentId=self.id)["deploymentInfo"]
        return found

    @property
    def status(self) -> str:
        """`InProgress` once one of two hooks has succeeded, `Succeeded` after both, `Failed` after one that has not."""
        status: str = self.info["status"]
        return status

    def put(self, status: str, execution: str = "execution-before") -> Any:  # Any: a document of the API
        """Report as a hook does."""
        return self._client.put_lifecycle_event_hook_execution_status(
            deploymentId=self.id, lifecycleEventHookExecutionId=execution, status=status
        )


class CodeDeploy:
    """An application with one deployment group in the engine at `url`."""

    def __init__(self, url: str, application: str, platform: str = "Lambda") -> None:
        self.url = url
        session = boto3.session.Session("test", "test", region_name="eu-west-1")
        self.client: Any = session.client("codedeploy", endpoint_url=url)  # Any: its overloads want literals
        self._application = application
        self.client.create_application(applicationName=application, computePlatform=platform)
        self.client.create_deployment_group(
            applicationName=application,
            deploymentGroupName="live",
            serviceRoleArn="arn:aws:iam::123456789012:role/CodeDeploy",
            deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
            deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        )

    def deploy(self, function: str, content: str | None = None) -> Rollout:
        """A deployment that moves `function` from version 1 to 2, or whatever the AppSpec `content` says."""
        revision = {"content": content if content is not None else app_spec(function)}
        made = self.client.create_deployment(
            applicationName=self._application,
            deploymentGroupName="live",
            revision={"revisionType": "AppSpecContent", "appSpecContent": revision},
        )
        return Rollout(self.client, made["deploymentId"])
