"""Which functions a saved file touches, and the stream of such changes.

A file belongs to a function when it lies in the function's code folder or in one of its layers, and to every
function when it lies in a source folder of the project's interpreter (an editable install such as `shared/`). A
file that the template was read from makes a new plan. Bytecode, version control, virtual environments and editors'
temporary files are nobody's.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchfiles import DefaultFilter, awatch

from lanner.local.plan import CloudPlan

_STEP_MS = 50  # how long a burst of saves must be quiet
_DEBOUNCE_MS = 300  # how long a burst may last before it is acted upon
_NOT_OURS = (".aws-sam", ".lanner", ".ruff_cache")


@dataclass(frozen=True)
class Change:
    """What a burst of saved files means."""

    files: tuple[Path, ...]
    functions: frozenset[str]  # logical ids
    plan: bool


def touched(plan: CloudPlan, sources: Iterable[Path], files: Iterable[Path]) -> Change:
    """Which functions of `plan` the changed `files` touch, and whether the plan itself must be read again."""
    changed = tuple(sorted({file.absolute() for file in files}))
    template_files = {file.absolute() for file in plan.files} | {plan.template.absolute()}
    code_files = [file for file in changed if file not in template_files]
    everyone = any(_below(file, source) for file in code_files for source in sources)
    functions = frozenset(
        logical_id
        for logical_id, function in plan.functions.items()
        if everyone or any(_below(file, folder) for file in code_files for folder in (function.code, *function.layers))
    )
    return Change(changed, functions, any(file in template_files for file in changed))


@dataclass(frozen=True)
class Folders:
    """What is watched: `deep` folders with everything below them, `flat` ones for the files directly in them."""

    deep: tuple[Path, ...]
    flat: tuple[Path, ...]


def watched_folders(plan: CloudPlan, sources: Iterable[Path]) -> Folders:
    """Code, layers and sources with what is below them; of the template's folders only the files.

    A folder that holds something which nobody edits (a virtual environment may have thousands of folders, each of
    which costs a watch) is watched flat, and its other children deeply; a child that comes later changes the result.
    """
    wanted = {folder.absolute() for function in plan.functions.values() for folder in (function.code, *function.layers)}
    wanted |= {source.absolute() for source in sources}
    flat = {file.absolute().parent for file in (plan.template, *plan.files)}
    deep: set[Path] = set()
    for folder in wanted:
        if not folder.is_dir():
            flat.add(folder.parent)  # it may appear
            continue
        children = [child for child in folder.iterdir() if child.is_dir()]
        edited = [child for child in children if not _nobody_edits(child)]
        if len(edited) == len(children):
            deep.add(folder)
        else:
            flat.add(folder)
            deep.update(edited)
    deep = {each for each in deep if not any(_below(each, other) for other in deep if other != each)}
    flat = {each for each in flat if each.is_dir() and not any(_below(each, other) for other in deep)}
    return Folders(tuple(sorted(deep)), tuple(sorted(flat)))


def _nobody_edits(folder: Path) -> bool:
    heavy = set(DefaultFilter.ignore_dirs) - {"__pycache__"}
    return folder.name in heavy or folder.name in _NOT_OURS or (folder / "pyvenv.cfg").exists()


def drop_bytecode(files: Iterable[Path]) -> None:
    """Remove what Python compiled from the changed `files`.

    It takes a source for unchanged when its size and the second of its time are, so two saves within a second that
    differ in one digit would run the first one (PEP 552, "timestamp-based pycs").
    """
    for file in files:
        if file.suffix == ".py":
            for compiled in file.parent.joinpath("__pycache__").glob(f"{glob.escape(file.stem)}.*.pyc"):
                with contextlib.suppress(OSError):
                    compiled.unlink()


def _below(file: Path, folder: Path) -> bool:
    folder = folder.absolute()
    return folder == file or folder in file.parents


class SourceFilter(DefaultFilter):
    """Sources only. Built artifacts count only where the plan runs them."""

    def __init__(self, plan: CloudPlan) -> None:
        used = {part for function in plan.functions.values() for part in function.code.parts}
        ignored = (*DefaultFilter.ignore_dirs, *(name for name in _NOT_OURS if name not in used))
        super().__init__(ignore_dirs=ignored)


async def changes(plan: Callable[[], CloudPlan], sources: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[Change]:
    """Changes that matter to the current plan, until `stop` is set or the plan needs other folders to be watched.

    Whoever then starts anew has to assume that anything may have changed meanwhile.
    """
    sources = tuple(sources)
    folders = watched_folders(plan(), sources)
    only_sources = SourceFilter(plan())
    bursts: asyncio.Queue[set[Path] | None] = asyncio.Queue()
    ended = asyncio.Event()  # of our own: a cancelled `awatch` sets the event that it was given
    tasks = [
        asyncio.ensure_future(_watch(paths, recursive, only_sources, ended, bursts))
        for paths, recursive in ((folders.deep, True), (folders.flat, False))
    ]
    tasks.append(asyncio.ensure_future(_pass_on(stop, ended)))
    try:
        while (burst := await bursts.get()) is not None:
            change = touched(plan(), sources, burst)
            if change.functions or change.plan:
                yield change
            if watched_folders(plan(), sources) != folders:
                return
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()


async def _watch(
    paths: Sequence[Path],
    recursive: bool,
    only_sources: SourceFilter,
    stop: asyncio.Event,
    bursts: asyncio.Queue[set[Path] | None],
) -> None:
    """Put every burst of changes below `paths` into the queue, and None at the end."""
    if not paths:
        return
    watcher = awatch(
        *paths,
        watch_filter=only_sources,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        recursive=recursive,
        ignore_permission_denied=True,
    )
    async for burst in watcher:
        await bursts.put({Path(name) for _, name in burst})
    await bursts.put(None)
