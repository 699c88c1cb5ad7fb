"""`/tmp` as a function sees it: its own, empty, of a limited size; the project stays, also where it lies below /tmp."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.runtime.confinement import kept_paths, refusal
from lanner.local.runtime.interpreter import ClientChoice, probe
from lanner.local.runtime.runtime import Runtime, RuntimeOptions

pytestmark = pytest.mark.skipif(bool(refusal(Path(sys.executable))), reason="no mount namespaces here")

APP = """
import os, tempfile

def handler(event, context):
    if "write" in event:
        with open("/tmp/" + event["write"], "wb") as file:
            for _ in range(event.get("megabytes", 1)):
                file.write(bytes(1024 * 1024))
    if "hold" in event:
        import time
        time.sleep(event["hold"])
    return {
        "tmp": sorted(os.listdir("/tmp")), "temporary": tempfile.gettempdir(), "here": os.getcwd(),
        "code": os.path.exists(__file__), "told": "LANNER_TMP" in os.environ,
        "shared": os.path.exists(event.get("look", "/nowhere")),
    }
"""


def run(folder: Path, *events: dict[str, Any], client: ClientChoice = "auto", **options: Any) -> list[Any]:
    """What the function answers to events that are sent at once; an error document where it failed."""
    (folder / "app.py").write_text(APP)
    function = FunctionPlan("F", "s-F", "app.handler", "python3.13", folder, ephemeral_storage=16, timeout=10)
    plan = CloudPlan(folder / "template.yaml", "s", "eu-west-1", "123456789012", {"F": function}, {})

    async def scenario() -> list[Any]:
        made = RuntimeOptions(client=client, private_tmp=True, **options)
        runtime = Runtime(plan, probe(Path(sys.executable)), made)
        await runtime.start()
        try:
            results = await asyncio.gather(*(runtime.invoke("F", json.dumps(event).encode()) for event in events))
        finally:
            await runtime.stop()
        return [json.loads(result.payload) for result in results]

    return asyncio.run(scenario())


@pytest.mark.parametrize("client", ["ric", "python"])
def test_a_literal_tmp_is_the_environments_own(tmp_path: Path, client: ClientChoice) -> None:
    """What one environment writes neither another one nor the machine sees, and nothing is left of it."""
    name = f"lanner-test-{uuid.uuid4()}"
    one, other = run(tmp_path, {"write": name, "hold": 0.5}, {"hold": 0.5}, client=client)
    assert name in one["tmp"]
    assert name not in other["tmp"]
    assert not (Path("/tmp") / name).exists()
    assert (one["temporary"], one["told"]) == ("/tmp", False)


def test_a_project_below_tmp_is_still_there(tmp_path: Path) -> None:
    """Its code is imported, and the working folder is its own; what lies beside it is not to be seen."""
    beside = tmp_path / "beside"
    beside.write_text("x")
    project = tmp_path / "project"
    project.mkdir()
    [answer] = run(project, {"look": str(beside)})
    assert (answer["here"], answer["code"], answer["shared"]) == (str(project), True, False)


def test_what_is_shared_on_purpose_is_seen(tmp_path: Path) -> None:
    """A single file, too."""
    beside = tmp_path / "beside"
    beside.write_text("x")
    project = tmp_path / "project"
    project.mkdir()
    [answer] = run(project, {"look": str(beside)}, shared=(beside,))
    assert answer["shared"]


def test_more_than_the_ephemeral_storage_does_not_fit(tmp_path: Path) -> None:
    """No space left, as on Lambda."""
    [answer] = run(tmp_path, {"write": "big", "megabytes": 17})
    assert "No space left on device" in answer["errorMessage"]


def test_what_is_kept_lies_below_tmp_and_is_not_named_twice(tmp_path: Path) -> None:
    """A folder covers what is in it; paths elsewhere need nothing; a link counts by both of its names."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(inner)
    kept = kept_paths([inner, tmp_path / "a", Path("/usr"), tmp_path / "missing", link])
    assert kept == sorted([str(tmp_path / "a"), str(link)])
