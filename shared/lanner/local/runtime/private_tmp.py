"""Gives the process that runs it a `/tmp` of its own: the first thing that a runtime does, before any other import.

Linux only. A mount namespace is made (by root directly, else inside a user namespace that maps nobody but the caller),
an empty tmpfs of a limited size lies over `/tmp` in it, and the files and folders that are to be kept are bound into
their places again, so that a project that lies below `/tmp` still works. What is written to it is gone with the last
process of the environment. Run as a script it only tries: status 0 says that it works here.

Failure modes: a kernel or container that forbids namespaces or mounts is an `OSError`; the local cloud tries once at
its start and then leaves it, see `confinement.py`. It costs a start 7 ms, 5 of them for ctypes, which is all that it
imports: it runs in the project's interpreter, which knows nothing of Lanner.

Source: unshare(2), mount(2), user_namespaces(7).
"""

# ruff: noqa: PTH103, PTH109, PTH110, PTH112, PTH120
# (pathlib would be one more import before the handler's own)

from __future__ import annotations

import os

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
READ_ONLY_PATH = 0x200000  # O_PATH
NO_SUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 2, 4, 0x1000, 0x4000, 1 << 18
TMP = "/tmp"  # noqa: S108 - the folder itself is the subject
VARIABLE = "LANNER_TMP"

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


def _bind_again(path: str, opened: int) -> None:
    """Put what was at `path` before into its place below the new `/tmp`."""
    if os.path.isdir(f"/proc/self/fd/{opened}"):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(f"/proc/self/fd/{opened}", path, None, BIND | RECURSIVE)
    os.close(opened)


def enter(size_mb: int, kept: list[str]) -> None:
    """Move this process, which must have one thread, to a new `/tmp` of at most `size_mb`. Raises `OSError`."""
    here = os.getcwd()
    _new_namespace()
    opened = [(path, os.open(path, READ_ONLY_PATH)) for path in kept if os.path.exists(path)]
    _mount("none", "/", None, RECURSIVE | PRIVATE)
    _mount("lanner", TMP, "tmpfs", NO_SUID | NO_DEVICES, f"size={size_mb}m,mode=1777")
    for path, number in opened:
        _bind_again(path, number)
    os.chdir(here)


def enter_as_told() -> None:
    """What the variable `LANNER_TMP` says, which is removed: the size in MB and the kept paths, divided by colons."""
    told = os.environ.pop(VARIABLE, "")
    if told:
        size, *kept = told.split(os.pathsep)
        enter(int(size), kept)


if __name__ == "__main__":
    enter(1, [])
