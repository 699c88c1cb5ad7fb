"""What a cold start loads: a fresh interpreter answers at the edge, and nothing heavy is in `sys.modules` after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT, function_packages
from tests.architecture.test_imports import HEAVY

# Runs in an interpreter of its own. Its group has users_v2's routes behind a validator of its own: the 304 must come
# without them.
PROBE = """
import importlib, json, sys

def event(path, method="GET", headers=None, stage="v2"):
    return {
        "httpMethod": method, "path": path, "headers": headers or {}, "multiValueHeaders": None,
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "body": None, "isBase64Encoded": False,
        "requestContext": {"stage": stage, "path": f"/{stage}{path}", "requestId": "r", "identity": {}},
    }

package, requests = json.loads(sys.argv[1])
app = importlib.import_module(f"{package}.app")
answers = [app.lambda_handler(event(*request), None)["statusCode"] for request in requests]

if package == "users_v2":
    from domain.versions import REGISTRY
    from lanner.group import RouteGroup
    from lanner.clock import ManualClock

    def etag(request):
        return '"current"'

    def group(clock=None):
        return RouteGroup("probe", registry=REGISTRY, paths={"/users/{id}": "GET"}, routes="users_v2.routes:router",
                          validators={"/users/{id}": "__main__:etag"}, clock=clock)

    handler = group().handler()
    answers.append(handler(event("/users/1", headers={"If-None-Match": '"current"'}), None)["statusCode"])
    retired = group(ManualClock(REGISTRY["v1"].sunset_at + 1)).handler()
    answers.append(retired(event("/users/1", stage="v1"), None)["statusCode"])

print(json.dumps({"answers": answers, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""

# Requests that need no application, whatever the group serves: unknown paths, wrong methods, OPTIONS, wrong versions.
REQUESTS: dict[str, list[tuple[str, ...]]] = {
    "users_v1": [("/nothing",), ("/users", "TRACE"), ("/users", "OPTIONS")],
    "users_v2": [("/nothing",), ("/users", "TRACE"), ("/users", "OPTIONS")],
    "catalog": [("/nothing",), ("/catalog/settings", "DELETE"), ("/catalog/settings", "OPTIONS")],
    "health": [("/health",), ("/health", "HEAD")],
    "docs": [("/versions",), ("/docs",), ("/docs/changes",), ("/nothing",)],
}
STATUSES = {
    "users_v1": [404, 405, 204],
    "users_v2": [404, 405, 204, 304, 410],
    "catalog": [404, 405, 204],
    "health": [200, 200],
    "docs": [200, 200, 200, 404],
}


def answered(package: str, requests: list[tuple[object, ...]], **environment: str) -> dict[str, list[object]]:
    """Statuses and top-level modules of a fresh interpreter that imports `<package>.app` and answers `requests`."""
    kept = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT / "functions")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([package, requests])],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("package", [name for name in function_packages() if name in REQUESTS])
def test_the_edge_answers_without_the_framework(package: str) -> None:
    """Import `app.py`, answer what the edge can answer: FastAPI, boto3 and their like are not loaded, by name."""
    stage = "v1" if package.endswith("_v1") else "v2"
    found = answered(package, [(path, *(rest or ["GET"]), {}, stage) for path, *rest in REQUESTS[package]])
    assert found["answers"] == STATUSES[package]
    assert not HEAVY & set(found["modules"]), f"loaded: {sorted(HEAVY & {str(name) for name in found['modules']})}"


@pytest.mark.parametrize(("package", "stage"), [("users_v1", "v1"), ("users_v2", "v2")])
def test_a_read_from_storage_needs_no_framework(package: str, stage: str, storage: str, users_table: str) -> None:
    """One user from DynamoDB, here one that is not there: over the wire, without boto3 and without FastAPI."""
    settings = ("LANNER_USERS_TABLE", "LANNER_CURSOR_KEYS", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {name: os.environ[name] for name in settings} | {"LANNER_USERS_TABLE": users_table}
    path = "/users/0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
    found = answered(package, [(path, "GET", {}, stage)], AWS_ENDPOINT_URL=storage, **environment)
    assert found["answers"][0] == 404
    assert not HEAVY & set(found["modules"]), f"loaded: {sorted(HEAVY & {str(name) for name in found['modules']})}"
