"""`/tmp` as a function sees it, its own, empty, of a limited size, the project where it was; and layers at `/opt`."""

from __future__ import annotations

import asyncio
import json
import os
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
needs_opt = pytest.mark.skipif(not Path("/opt").is_dir(), reason="no /opt on this machine to cover")

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


LAYERED = """
import os, shutil, subprocess
import both.first, both.second, single

def handler(event, context):
    with open("/opt/model.txt") as file:
        model = file.read()
    return {
        "model": model, "opt": sorted(os.listdir("/opt")), "both": [both.first.NAME, both.second.NAME, single.NAME],
        "run": subprocess.run(["lanner-tool"], capture_output=True, text=True, check=True).stdout,
        "opened": subprocess.run(["/opt/bin/lanner-tool"], capture_output=True, text=True, check=True).stdout,
        "dangling": os.readlink("/opt/later"), "libraries": os.environ["LD_LIBRARY_PATH"].split(":")[-1],
        "told": "LANNER_LAYERS" in os.environ,
    }
"""


def run(
    folder: Path,
    *events: dict[str, Any],
    client: ClientChoice = "auto",
    code: str = APP,
    layers: tuple[Path, ...] = (),
    environment: tuple[tuple[str, str], ...] = (),
    snap_start: bool = False,
    **options: Any,
) -> list[Any]:
    """What the function answers to events that are sent at once; an error document where it failed."""
    (folder / "app.py").write_text(code)
    function = FunctionPlan(
        "F",
        "s-F",
        "app.handler",
        "python3.13",
        folder,
        ephemeral_storage=16,
        timeout=10,
        layers=layers,
        environment=dict(environment),
        snap_start=snap_start,
    )
    plan = CloudPlan(folder / "template.yaml", "s", "eu-west-1", "123456789012", {"F": function}, {})

    async def scenario() -> list[Any]:
        made = RuntimeOptions(client=client, private_mounts=True, **options)
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


def two_layers(folder: Path) -> tuple[Path, Path]:
    """Both have the package `both`, a program and a model; the second one's `python` is a link, as for sources."""
    one, two, sources = folder / "one", folder / "two", folder / "sources"
    for place in (one / "python" / "both", one / "bin", one / "lib", two / "bin", sources / "both"):
        place.mkdir(parents=True)
    (two / "python").symlink_to(sources)
    (one / "later").symlink_to("/opt/what/comes/later")
    (one / "python" / "single.py").write_text("NAME = 'one'")
    (sources / "single.py").write_text("NAME = 'two'")
    (one / "python" / "both" / "first.py").write_text("NAME = 'first'")
    (sources / "both" / "second.py").write_text("NAME = 'second'")
    for layer in (one, two):
        (layer / "model.txt").write_text(layer.name)
        (layer / "bin" / "lanner-tool").write_text(f"#!/bin/sh\necho {layer.name}")
        (layer / "bin" / "lanner-tool").chmod(0o755)
    return one, two


@needs_opt
@pytest.mark.parametrize("choice", [{"client": "ric"}, {"client": "python"}, {"snapstart": True, "snap_start": True}])
def test_layers_are_unpacked_to_opt_one_over_the_other(tmp_path: Path, choice: dict[str, Any]) -> None:
    """Folders are merged, the later layer's file counts, programs run; what the machine has in /opt stays."""
    project = tmp_path / "project"
    project.mkdir()
    one, two = two_layers(tmp_path)
    # As on Lambda: /opt/python is on the path by its literal name, where it becomes a folder after the start.
    [answer] = run(project, {}, code=LAYERED, layers=(one, two), environment=(("PYTHONPATH", "/opt/python"),), **choice)
    assert answer["model"] == "two"
    assert (answer["run"], answer["opened"]) == ("two\n", "two\n")
    assert answer["dangling"] == "/opt/what/comes/later"
    assert answer["libraries"] == str(one / "lib")
    assert set(answer["opt"]) == {"bin", "later", "lib", "model.txt", "python", *os.listdir("/opt")}
    assert not answer["told"]


@needs_opt
def test_the_machines_opt_is_as_it_was(tmp_path: Path) -> None:
    """The environment's is its own, and goes with it."""
    before = sorted(os.listdir("/opt"))
    project = tmp_path / "project"
    project.mkdir()
    run(project, {}, code=LAYERED, layers=two_layers(tmp_path))
    assert sorted(os.listdir("/opt")) == before
