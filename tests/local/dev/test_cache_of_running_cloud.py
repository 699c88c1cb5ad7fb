"""`lanner cache` beside a `lanner dev`, with no options: its store, its functions, its warming plan."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
import pytest

from tests.local.dev.conftest import Project

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      CacheTable:
        Type: AWS::DynamoDB::Table
        Properties:
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
          KeySchema: [{AttributeName: pk, KeyType: HASH}]
          TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      Answers:
        Type: AWS::Serverless::Function
        Properties:
          FunctionName: answers
          Runtime: python3.13
          Timeout: 10
          CodeUri: src/
          Handler: app.handler
          Environment:
            Variables:
              LANNER_CACHE: !Sub l1=memory://,l2=dynamodb://${CacheTable}?budget_ms=5000,l1_ttl=30
              LANNER_CACHE_COHERENCE_MS: "0"
              LANNER_WARM_PLAN: warming:PLAN
              LANNER_WARM_ANSWERS: answers
          Events:
            Get: {Type: HttpApi, Properties: {Path: /value, Method: get}}
"""

APP = """
    import uuid
    from lanner.cache import default_backend, remember

    def handler(event, context):
        value = remember(None, "value", 600, lambda: uuid.uuid4().hex, tags=["values"])
        return {"statusCode": 200, "body": value}
"""

WARMING = """
    import os
    from lanner.aws.invoke import lambda_invoker
    from lanner.cache import WarmPlan

    def value():
        lambda_invoker().invoke(os.environ["LANNER_WARM_ANSWERS"], b"{}", timeout_ms=20_000)

    PLAN = WarmPlan({"the value": value})
"""


class Cloud:
    """The project, served; `lanner cache` in its folder, and what its API answers."""

    def __init__(self, project: Project, http: httpx.Client) -> None:
        project.write("template.yaml", TEMPLATE)
        project.write("src/app.py", APP)
        project.write("src/warming.py", WARMING)
        self._project = project
        self._http = http
        self._url = project.start("--no-watch").url

    def cache(self, *words: str) -> tuple[dict[str, Any], str]:
        done: subprocess.CompletedProcess[str] = self._project.command("cache", "--json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    def value(self) -> str:
        answer = self._http.get(f"{self._url}/value")
        assert answer.status_code == 200, answer.text
        return answer.text

    def stored(self) -> str | None:
        """What the shared tier has, without asking the function."""
        done = self._project.command("cache", "--json", "get", "fn::value")
        found = json.loads(done.stdout)
        return str(found["value"]) if found["found"] else None


@pytest.fixture
def cloud(project: Project, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name in ("LANNER_CACHE", "LANNER_WARM_PLAN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
        monkeypatch.delenv(name, raising=False)
    return Cloud(project, http)


def test_the_cache_of_a_running_cloud(cloud: Cloud) -> None:
    """Warming fills the store through the cloud's functions; a purge does so again, and `--cold` does not."""
    shown, _ = cloud.cache("stats")
    assert shown["store"] == "dynamodb"
    assert cloud.stored() is None

    result, progress = cloud.cache("warm")
    assert (result["done"], result["failed"], progress) == (1, 0, "1/1 the value\n")
    first = cloud.stored()
    assert cloud.value() == first

    result, progress = cloud.cache("purge", "--tag", "values")
    assert (result, progress) == ({"tags": 1, "warmed": 1, "failed": 0}, "1/1 the value\n")
    second = cloud.stored()
    assert second != first
    assert cloud.value() == second

    result, progress = cloud.cache("purge", "--all", "--cold")
    assert (set(result), progress) == ({"removed"}, "")
    assert cloud.stored() is None
