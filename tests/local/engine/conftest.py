"""One engine for the folder, and plans made of resources alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lanner.local.engine import Engine
from lanner.local.plan import CloudPlan
from lanner.local.template import load_plan

REGION = "eu-west-1"
Client = Callable[..., Any]  # Any: boto3 makes its clients at run time
MakePlan = Callable[[str], CloudPlan]


def client_of(engine: Engine, service: str, region: str = REGION) -> Any:
    """A boto3 client of an engine."""
    session: Any = boto3.session.Session("lanner", "lanner", region_name=region)  # Any: its overloads want literals
    return session.client(service, endpoint_url=engine.url)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine that lives as long as the tests; they use names of their own."""
    started = Engine.start()
    yield started
    started.stop()


@pytest.fixture
def client(engine: Engine) -> Client:
    """boto3 clients of the session's engine, by service name."""
    return lambda service, region=REGION: client_of(engine, service, region)


@pytest.fixture
def make_plan(engine: Engine, tmp_path: Path) -> MakePlan:
    """The plan of a template given as text, its stack named after the test's folder so that no names meet."""

    def make(template: str) -> CloudPlan:
        path = tmp_path / "template.yaml"
        path.write_text(template)
        return load_plan(path, stack_name=tmp_path.name.replace("_", "-")[-40:], engine_url=engine.url)

    return make
