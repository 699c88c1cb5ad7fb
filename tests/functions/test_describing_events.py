"""Every payload of health and docs through its handler: `events/<function>/<what>_<status>.json`."""

from __future__ import annotations

import importlib
from pathlib import Path

import orjson
import pytest

from tests.architecture.source_tree import ROOT, function_packages
from tests.builders import Context
from tests.functions.gateway_events import Answer

FILES = sorted(file for package in ("health", "docs") for file in (ROOT / "events" / package).glob("*.json"))
TESTED_ELSEWHERE = {
    *("users_v1", "users_v2", "catalog"),  # test_events.py
    "notifications",  # test_notifications.py
    *("jobs", "jobs_worker"),  # test_jobs_function.py
    *("files", "uploads"),  # test_files_function.py
    "reports",  # test_reports_function.py
}
NO_REQUESTS = {"deploy_hooks"}  # CodeDeploy's events: test_deploy_hooks.py


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_an_event_is_answered_as_its_name_says(file: Path, storage: str) -> None:
    """The status is in the file's name; every answer names its version and varies by the choice."""
    handler = importlib.import_module(f"{file.parent.name}.app").lambda_handler
    answer = Answer(handler(orjson.loads(file.read_bytes()), Context()))
    assert answer.status == int(file.stem.rpartition("_")[2]), answer.body.decode()
    assert answer.headers["x-api-version"] in ("v1", "v2")
    assert {"Accept", "X-API-Version"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


def test_no_function_has_events_that_nobody_sends() -> None:
    """A new function's events are sent by one of the tests."""
    assert set(function_packages()) == {file.parent.name for file in FILES} | TESTED_ELSEWHERE | NO_REQUESTS
