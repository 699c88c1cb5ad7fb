"""Which functions a saved file touches, and that no save is missed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from lanner.local.plan import CloudPlan, FunctionPlan
from lanner.local.watch import changes, drop_bytecode, touched, watched_folders


def plan_in(folder: Path) -> CloudPlan:
    """Two functions with code of their own, one of them with a layer, and a template that includes a file."""
    for name in ("one", "two", "layer", "api"):
        (folder / name).mkdir(exist_ok=True)
    one = FunctionPlan("One", "s-One", "app.handler", "python3.13", folder / "one", layers=(folder / "layer",))
    two = FunctionPlan("Two", "s-Two", "app.handler", "python3.13", folder / "two")
    template = folder / "template.yaml"
    template.touch()
    files = (template, folder / "api" / "openapi.yaml")
    return CloudPlan(template, "s", "eu-west-1", "1" * 12, {"One": one, "Two": two}, {}, files=files)


def test_a_file_touches_the_functions_that_run_it(tmp_path):
    """Code: its function; a layer: who uses it; the project's sources: everyone; the template: a new plan."""
    plan = plan_in(tmp_path)
    sources = [tmp_path / "shared"]

    def meaning(name: str) -> tuple[set[str], bool]:
        change = touched(plan, sources, [tmp_path / name])
        return set(change.functions), change.plan

    assert meaning("one/deep/module.py") == ({"One"}, False)
    assert meaning("two/data.json") == ({"Two"}, False)
    assert meaning("layer/python/tool.py") == ({"One"}, False)
    assert meaning("shared/anything.py") == ({"One", "Two"}, False)
    assert meaning("template.yaml") == (set(), True)
    assert meaning("api/openapi.yaml") == (set(), True)
    assert meaning("README.md") == (set(), False)


def test_a_template_inside_the_code_folder_reloads_no_function(tmp_path):
    """`CodeUri: .` is common: saving the template alone is a new plan, not new code."""
    plan = plan_in(tmp_path)
    everything = replace(plan.functions["One"], code=tmp_path, layers=())
    plan = replace(plan, functions={"One": everything})
    assert touched(plan, [], [tmp_path / "template.yaml"]).functions == frozenset()
    assert touched(plan, [], [tmp_path / "app.py"]).functions == {"One"}


def test_virtual_environments_and_their_kin_are_not_watched(tmp_path):
    """A code folder that holds one is watched flat, its other children deeply."""
    plan = plan_in(tmp_path)
    for name in ("one/.venv/lib", "one/env/lib", "one/package", "one/node_modules"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "one" / "env" / "pyvenv.cfg").touch()
    folders = watched_folders(plan, [])
    assert set(folders.deep) == {tmp_path / "one" / "package", tmp_path / "two", tmp_path / "layer"}
    assert set(folders.flat) == {tmp_path, tmp_path / "one", tmp_path / "api"}


def test_folders_inside_others_are_watched_once(tmp_path):
    """Sources above the code, code above other code."""
    plan = plan_in(tmp_path)
    folders = watched_folders(plan, [tmp_path])
    assert (folders.deep, folders.flat) == ((tmp_path,), ())


def test_a_watch_that_moves_to_other_folders_ends_nothing_else(tmp_path):
    """The stream ends when a watched folder has gone; the event that ends the whole server is not set by it."""
    plan = plan_in(tmp_path)

    async def scenario():
        stop = asyncio.Event()
        saving = asyncio.ensure_future(save())
        async for _ in changes(lambda: plan, [], stop):
            saving.cancel()
            if (tmp_path / "one").exists():
                (tmp_path / "one").rename(tmp_path / "gone")
        return stop.is_set()

    async def save():
        while True:  # until the watch has begun and sees it
            (tmp_path / "one" / "app.py").write_text("")
            await asyncio.sleep(0.02)

    assert asyncio.run(asyncio.wait_for(scenario(), 20)) is False


def test_bytecode_of_what_was_saved_is_dropped(tmp_path):
    """Only that of the same module; a folder without any is fine."""
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name in ("app.cpython-311.pyc", "app.cpython-313.opt-1.pyc", "apple.cpython-311.pyc"):
        (cache / name).touch()
    drop_bytecode([tmp_path / "app.py", tmp_path / "notes.txt", tmp_path / "none" / "x.py"])
    assert [file.name for file in cache.iterdir()] == ["apple.cpython-311.pyc"]


def test_saves_arrive_while_it_watches_and_the_end_is_clean(tmp_path):
    """Writing, replacing by rename as editors do, deleting; caches and bytecode are silent; stop ends it."""
    plan = plan_in(tmp_path)

    async def scenario() -> list[set[str]]:
        stop = asyncio.Event()
        stream = changes(lambda: plan, [], stop)
        seen: list[set[str]] = []

        async def following() -> set[str]:
            change = await asyncio.wait_for(anext(stream), 10)
            return {file.name for file in change.files}

        first = asyncio.ensure_future(following())
        for _ in range(3):
            await asyncio.sleep(0)
        (tmp_path / "one" / "__pycache__").mkdir()
        (tmp_path / "one" / "__pycache__" / "app.cpython-313.pyc").touch()
        (tmp_path / "one" / "app.py").write_text("1")
        seen.append(await first)
        (tmp_path / "two" / "app.py.tmp").write_text("2")
        (tmp_path / "two" / "app.py.tmp").rename(tmp_path / "two" / "app.py")
        seen.append(await following())
        (tmp_path / "template.yaml").write_text("changed")
        seen.append(await following())
        stop.set()
        assert [change async for change in stream] == []
        return seen

    first, second, third = asyncio.run(scenario())
    assert first == {"app.py"}
    assert "app.py" in second
    assert third == {"template.yaml"}
