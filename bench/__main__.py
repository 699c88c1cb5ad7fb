"""`make bench`: everything that is measured, as Markdown. `python -m bench requests imports` for some of it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from bench.requests import imports, requests
from bench.storage import storage

SECTIONS: dict[str, Callable[[], list[str]]] = {"requests": requests, "imports": imports, "storage": storage}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    for name in names or SECTIONS:
        print("\n".join(SECTIONS[name]()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
