"""Gives the process that runs it a `/tmp` of its own and its layers at `/opt`: the first thing that a runtime does.

Linux only. A mount namespace is made (by root directly, else inside a user namespace that maps nobody but the caller).
In it an empty tmpfs of a limited size lies over `/tmp`, and the files and folders that are to be kept are bound into
their places again, so that a project that lies below `/tmp` still works. What is written to it is gone with the last
process of the environment. Over `/opt` lies what was there and on top of it each layer in its order, as Lambda unpacks
them: folders are merged, of two files of one name the later layer's counts. Run as a script it only tries: status 0
says that it works here.

Failure modes: a kernel or container that forbids namespaces or mounts is an `OSError`; the local cloud tries once at
its start and then leaves it, see `confinement.py`. It costs a start 7 ms, 5 of them for ctypes, which is all that it
imports: it runs in the project's interpreter, which knows nothing of Lanner.

Source: unshare(2), mount(2), user_namespaces(7); docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html.
"""

# ruff: noqa: PTH102, PTH103, PTH109, PTH110, PTH112, PTH115, PTH120, PTH208, PTH211
# (pathlib would be one more import before the handler's own)

from __future__ import annotations

import os

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
READ_ONLY_PATH = 0x200000  # O_PATH
NO_SUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 2, 4, 0x1000, 0x4000, 1 << 18
TMP = "/tmp"  # noqa: S108 - the folder itself is the subject
OPT = "/opt"
VARIABLE = "LANNER_TMP"
LAYERS = "LANNER_LAYERS"

TYPE_CHECKING = False  # the name that type checkers know, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any


def _call(what: str, name: str, *arguments: object) -> None:
    """One function of the C library. Raises `OSError`, with `what` in its message."""
    import ctypes

    function: Any = getattr(ctypes.CDLL(None, use_errno=True), name)
    plain = [each.encode() if isinstance(each, str) else each for each in arguments]
    if function(*plain) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    _call(f"mount of {target}", "mount", source, target, kind, flags, data)


def _new_namespace() -> None:
    """A mount namespace; where that is not ours to make, inside a user namespace in which we are who we were."""
    try:
        _call("unshare", "unshare", NEW_MOUNTS)
        return
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
    _call("unshare", "unshare", NEW_MOUNTS | NEW_USER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(file, text.encode())
        os.close(file)


def _bind(source: str, target: str) -> None:
    """Show the file or folder `source` at `target` as well, whose parent there is."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(source, target, None, BIND | RECURSIVE)


def _opened(path: str) -> str:
    """A name of what is at `path` now that stays true when a mount covers it."""
    return f"/proc/self/fd/{os.open(path, READ_ONLY_PATH)}"


def _merge(sources: list[str], target: str) -> None:
    """Fill the empty folder `target` with what the folders hold; of one name the last that is no folder covers."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for name in os.listdir(source):
            found.setdefault(name, []).append(f"{source}/{name}")
    for name, places in found.items():
        place = f"{target}/{name}"
        if len(places) > 1 and all(map(os.path.isdir, places)):
            os.mkdir(place)
            _merge(places, place)
        elif os.path.exists(places[-1]):
            _bind(places[-1], place)
        else:  # a link to what is not there, perhaps not yet: what it says is kept
            os.symlink(os.readlink(places[-1]), place)


def _cover_opt(layers: list[str]) -> None:
    """Lay the layers over `/opt`, which still shows what is there: an interpreter, for instance."""
    sources = [_opened(OPT), *map(_opened, layers)]
    _mount("lanner", OPT, "tmpfs", NO_SUID | NO_DEVICES, "mode=755")
    _merge(sources, OPT)
    for source in sources:
        os.close(int(source.rpartition("/")[2]))


def _cover_tmp(size_mb: int, kept: list[str]) -> None:
    """An empty `/tmp` of at most `size_mb`, with what is to be kept in its old places."""
    opened = [(path, _opened(path)) for path in kept if os.path.exists(path)]
    _mount("lanner", TMP, "tmpfs", NO_SUID | NO_DEVICES, f"size={size_mb}m,mode=1777")
    for path, source in opened:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _bind(source, path)
        os.close(int(source.rpartition("/")[2]))


def enter(tmp: tuple[int, list[str]] | None, layers: list[str]) -> None:
    """Move this process, which must have one thread, to a new `/tmp` (MB, kept paths) and `/opt`. Raises `OSError`."""
    here = os.getcwd()
    _new_namespace()
    _mount("none", "/", None, RECURSIVE | PRIVATE)
    if layers:
        _cover_opt(layers)  # first: a layer may lie where the new /tmp does not show it
    if tmp is not None:
        _cover_tmp(*tmp)
    os.chdir(here)


def enter_as_told() -> None:
    """What two variables say, which are removed: MB and kept paths of `/tmp`, and the layers, divided by colons."""
    tmp = os.environ.pop(VARIABLE, "")
    layers = os.environ.pop(LAYERS, "")
    if not tmp and not layers:
        return
    size, *kept = tmp.split(os.pathsep)
    enter((int(size), kept) if tmp else None, layers.split(os.pathsep) if layers else [])
    _look_again()


def _look_again() -> None:
    """Forget which entries of `sys.path` were no folders a moment ago: `/opt/python` may be one now."""
    import sys

    for path in [path for path, finder in sys.path_importer_cache.items() if finder is None]:
        del sys.path_importer_cache[path]


if __name__ == "__main__":
    enter((1, []), [])
